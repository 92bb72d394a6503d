-- The notice that a machine is about to be taken away, with a metadata server of our own.

local cluster = require "spec.support.cluster"
local daemon = require "spec.support.daemon"
local gated = require "spec.support.gated"
local temp = require "spec.support.temp"

local it_all, gate, metadata

local function start_metadata()
  local folder = it_all.folder .. "/metadata"
  assert(os.execute("mkdir -p " .. temp.quote(folder)))
  metadata = daemon.start(("python3 spec/support/metadata.py %s"):format(temp.quote(folder)), folder
    .. "/server")
  metadata.folder = folder
  metadata.port = it_all:wait("the metadata server listens", 20, function()
    return metadata:text("out"):match("^(%d+)\n")
  end)
end

local function asked()
  local path = metadata.folder .. "/asked"
  return temp.exists(path) and temp.read(path) or ""
end

local function state_of(worker)
  local known = it_all:worker_state(worker.id)
  return known and known.state
end

describe("a worker whose machine is to be taken away", function()
  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
    start_metadata()
    it_all:start_master()
    it_all:start_worker { flags = { "--allow-unsafe" }, wrap =
      ("env GCE_METADATA_HOST=127.0.0.1:%s %%s"):format(metadata.port) }
    it_all:start_worker { flags = { "--allow-unsafe", "--preemption", "off" } }
  end)

  after_each(function()
    metadata:stop()
    it_all:close()
  end)

  it("finishes what it runs, gets nothing new, and the output is the same", function()
    local job = gate:submit()
    gate:wait_for("map", 2)
    it_all:wait("the worker waits for a change", 20, function()
      return asked():find "preempted HTTP"
    end)
    temp.write(metadata.folder .. "/preempted", "")
    it_all:wait("it drains", 20, function()
      return state_of(it_all.workers[1]) == "draining"
    end)
    assert.equal("ready", state_of(it_all.workers[2]))
    assert.matches("\nworker_preempted worker=%d+ within_ms=25000\n", it_all.workers[1]:text "err")
    gate:open "map"
    gate:open "reduce"

    gate:expect_nothing_twice(job)
    assert.equal(0, it_all.workers[1]:wait(40))
    it_all:expect_clean()
  end)

  it("leaves no watcher behind when it is killed", function()
    it_all:wait("the watcher asks", 20, function()
      return asked():find "preempted HTTP"
    end)
    for _, worker in ipairs(it_all.workers) do
      worker:kill()
      worker:expect_gone()
    end
  end)
end)

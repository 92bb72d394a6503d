-- The notice that a machine is about to be taken away, with a metadata server of our own.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local metadata = require "spec.support.metadata"

local it_all, gate, machine

local function state_of(worker)
  local known = it_all:worker_state(worker.id)
  return known and known.state
end

describe("a worker whose machine is to be taken away", function()
  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
    machine = metadata.start(it_all)
    it_all:start_master()
    it_all:start_worker { flags = { "--allow-unsafe" }, wrap = "env " .. machine.environment
      .. " %s" }
    it_all:start_worker { flags = { "--allow-unsafe", "--preemption", "off" } }
  end)

  after_each(function()
    machine:stop()
    it_all:close()
  end)

  it("finishes what it runs, gets nothing new, and the output is the same", function()
    local job = gate:submit()
    gate:wait_for("map", 2)
    machine:wait_until_asked()
    machine:give_notice()
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
    machine:wait_until_asked()
    for _, worker in ipairs(it_all.workers) do
      worker:kill()
      worker:expect_gone()
    end
  end)
end)

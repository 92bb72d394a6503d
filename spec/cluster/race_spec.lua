-- Two attempts of one task, and one whose end is not heard: the task has one result, once.

local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local gated = require "spec.support.gated"
local proxy = require "spec.support.proxy"
local session = require "spec.support.session"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local LEASE <const> = 10 -- seconds of silence after which a worker is given up
local ROUNDS <const> = math.tointeger(tonumber(os.getenv "ROUNDS")) or 20

local it_all, gate

local function signal(pids, name)
  os.execute(("kill -%s %s 2>/dev/null"):format(name, table.concat(pids, " ")))
end

-- What a worker has started since it had `before`.
local function started_since(worker, before)
  local known, new = {}, {}
  for _, pid in ipairs(before) do
    known[pid] = true
  end
  for _, pid in ipairs(session.processes(worker.pid)) do
    new[#new + 1] = not known[pid] and pid or nil
  end
  return new
end

local function expect_gated_parts(job, flags)
  it_all:expect_parts(job, it_all:expected_parts(gate.path, { texts.GPL }, flags))
end

describe("of two attempts", function()
  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
  end)

  after_each(function()
    for _, worker in ipairs(it_all.workers) do
      signal(session.processes(worker.pid), "CONT")
    end
    it_all:close()
  end)

  it("that end together one is the task's", function()
    if engine.has_option "TINY" then
      pending "a tiny build makes many maps of this input, and both workers hold some"
    end
    local flags = { "--allow-unsafe", "--reducers", ROUNDS, "--param", "gates=" }
    it_all:start(2, { slots = ROUNDS, flags = { "--allow-unsafe" } })
    gate:open "map"
    temp.write(gate.path, (temp.read(gate.path):gsub("sleep 0.02", "sleep 0.2")))
    local job = it_all:submit(gate.path, { texts.GPL }, { "--allow-unsafe", "--reducers", ROUNDS,
      "--param", "gates=" .. gate.folder })
    gate:wait_for("reduce", ROUNDS)
    -- One that holds no map, so that no map must run again.
    local holder = gate:ran("map")[1].worker
    local sleeper = it_all.workers[it_all.workers[1].id == holder and 2 or 1]
    local racing = #gate:ran("reduce", sleeper.id)
    local pids = session.processes(sleeper.pid)
    signal(pids, "STOP")
    it_all:wait("its tasks are given to the other", 3 * LEASE, function()
      return #gate:ran "reduce" == ROUNDS + racing
    end)
    signal(pids, "CONT")
    gate:open "reduce"

    assert.is_true(racing > 0)
    expect_gated_parts(job, flags)
    it_all:expect_clean()
  end)
end)

describe("a reduce whose end is not heard", function()
  local link

  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
    it_all:start_master()
    link = proxy.start(it_all.folder .. "/proxy", it_all.address)
  end)

  after_each(function()
    link:stop()
    it_all:close()
  end)

  it("is said again: nothing is doubled, nothing is run again", function()
    if engine.has_option "TINY" then
      pending "a tiny build makes many maps of this input"
    end
    local flags = { "--allow-unsafe", "--reducers", 1 }
    local worker = it_all:start_worker { flags = { "--allow-unsafe" }, master = link.address }
    local before = session.processes(worker.pid)
    gate:open "map"
    local job = it_all:submit(gate.path, { texts.GPL }, { "--allow-unsafe", "--reducers", 1,
      "--param", "gates=" .. gate.folder })
    gate:wait_for("reduce", 1)
    assert.is_true(#started_since(worker, before) > 0)
    link:tell "hold"
    gate:open "reduce"
    it_all:wait("the reduce has ended", LEASE - 3, function()
      return #started_since(worker, before) == 0
    end)
    link:tell "cut" -- with what the worker has said
    link:tell "release"

    expect_gated_parts(job, flags)
    assert.equal(1, #gate:ran "map")
    assert.equal(1, #gate:ran "reduce")
    it_all:expect_clean()
  end)
end)

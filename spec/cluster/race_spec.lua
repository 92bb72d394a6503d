-- Two attempts of one task, and one whose end is not heard: the task has one result, once.

local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local gated = require "spec.support.gated"
local proxy = require "spec.support.proxy"
local session = require "spec.support.session"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local LEASE <const> = 10 -- seconds of silence after which a worker is given up
local RACES <const> = 2 -- at a time: a tenth of the slots may run second attempts
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

local function wake_and_close()
  for _, worker in ipairs(it_all.workers) do
    signal(session.processes(worker.pid), "CONT")
  end
  it_all:close()
end

local function expect_gated_parts(job, flags)
  it_all:expect_parts(job, it_all:expected_parts(gate.path, { texts.GPL }, flags))
end

describe("of two attempts", function()
  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
  end)

  after_each(wake_and_close)

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

-- Reduces 0 to RACES - 1 work for seconds at their first key, the others end at once. Sandboxed:
-- an unsafe job has no second attempts.
local RACING_JOB <const> = ([[
return {
  partition = function(key) return tonumber(key:match "%d+") end,
  map = function(offset, line, emit) emit(line, offset) end,
  reduce = function(key, offsets, emit)
    if mr.task < RACES and key:find "a" then
      for _ = 1, 60000000 do local _ = key:find("x", 1, true) end
    end
    for offset in offsets do emit(key, offset) end
  end,
}
]]):gsub("RACES", RACES)

describe("of two living attempts of a slow reduce", function()
  local path, input, before

  -- What the workers' attempts consist of: trusted processes, which are children of a worker, and
  -- vm children, which are its nursery's. { pid, state } each.
  local function attempts()
    local trusted, children = {}, {}
    for i, worker in ipairs(it_all.workers) do
      for _, pid in ipairs(started_since(worker, before[i])) do
        local state, parent = temp.capture(("cat /proc/%s/stat 2>/dev/null"):format(pid))
          :match("%) (%a) (%d+)")
        local kind = parent == worker.pid and trusted or children
        kind[#kind + 1] = state and { pid = pid, state = state }
      end
    end
    return trusted, children
  end

  local function signal_all(processes, name)
    for _, process in ipairs(processes) do
      signal({ process.pid or process }, name)
    end
  end

  -- From its beginning on an attempt has a file, which it removes if it does not succeed.
  local function attempt_counts(job)
    local counts = {}
    for task = 0, RACES - 1 do
      counts[task + 1] = temp.capture(("ls %s/.mrlua-*/part-%05d.* | wc -l"):format(job.out, task))
    end
    return table.concat(counts, " ")
  end

  local function is_busy(processes)
    for _, process in ipairs(processes) do
      if process.state ~= "S" then
        return true
      end
    end
    return false
  end

  before_each(function()
    it_all = cluster.open()
    path = temp.write(it_all.folder .. "/racing.lua", RACING_JOB)
    local lines = {}
    for task = 0, 2 * RACES - 1 do
      lines[#lines + 1] = ("%da\n%db\n"):format(task, task)
    end
    input = temp.write(it_all.folder .. "/input", table.concat(lines))
    it_all:start(2, { slots = 5 * RACES })
    before = {}
    for i, worker in ipairs(it_all.workers) do
      before[i] = session.processes(worker.pid)
    end
  end)

  after_each(wake_and_close)

  it("that end at the same time one is the task's, and nothing is left of the other", function()
    local flags = { "--reducers", 2 * RACES }
    local job = it_all:submit(path, { input }, flags)
    it_all:wait_for_job(job, "only the slow ones run", 60, function(status)
      return status.stages.reduce and status.stages.reduce.tasks_done == RACES
    end)
    local trusted, children
    it_all:wait("each has a second attempt; their Lua stands still", 60, function()
      trusted, children = attempts()
      signal_all(children, "STOP")
      return #children == 2 * RACES
    end)
    signal_all(trusted, "STOP")
    signal_all(children, "CONT")
    it_all:wait("their Lua has ended, and nobody has heard of it", 60, function()
      children = select(2, attempts())
      return not is_busy(children)
    end)
    signal_all({ it_all.workers[1].pid, it_all.workers[2].pid }, "STOP")
    signal_all(trusted, "CONT")
    it_all:wait("all have ended, and no worker has heard of it", LEASE - 3, function()
      trusted, children = attempts()
      return #trusted + #children == 0
    end)
    assert.equal(("2 "):rep(RACES):sub(1, -2), attempt_counts(job))
    signal({ it_all.workers[1].pid, it_all.workers[2].pid }, "CONT")

    it_all:expect_parts(job, it_all:expected_parts(path, { input }, flags))
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

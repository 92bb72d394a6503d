-- Attempts that are told to end and cannot, for `kill -STOP` holds them: they are gone all the
-- same, soon, and with them what they had.

local cluster = require "spec.support.cluster"
local session = require "spec.support.session"
local temp = require "spec.support.temp"

local GONE_SECONDS <const> = 1 -- after the winner has ended, or the job was cancelled
local LATE_SECONDS <const> = 60 -- in which a task that stands still has a second attempt that ends
local FAST <const> = 10 -- maps beside the slow one: nine in ten must have ended before it is late
-- Attempts are numbered by the master as it starts them, in the low 32 bits. Map 0 is among the
-- first of its job, its second attempt comes after all other maps.
local FIRST <const> = 4
local ALONE <const> = 2 -- the plan is the first of all
local ALL <const> = 0xffffffff

local JOB <const> = [[
return {
  params = { first = 0 },
  map = function(_, line, emit)
    while line == "slow" and mr.attempt & 0xffffffff <= mr.params.first do end
    emit(line, 1)
  end,
  reduce = "sum",
}
]]

local it_all, path

local function write_inputs()
  local inputs = { temp.write(it_all.folder .. "/slow", "slow\n") }
  for i = 1, FAST do
    inputs[i + 1] = temp.write(("%s/fast-%02d"):format(it_all.folder, i), "fast\n")
  end
  return inputs
end

-- The processes, by pid, that have the run of a map open: its attempts, two of each.
local function holders(map)
  local found = {}
  for _, worker in ipairs(it_all.workers) do
    for _, pid in ipairs(session.processes(worker.pid)) do
      local open = temp.capture(("ls -l /proc/%s/fd 2>/dev/null"):format(pid))
      found[pid] = open:find(("/runs/%%d+/%d%%."):format(map)) and worker or nil
    end
  end
  return found
end

-- Stops the only attempt of a map; answers its pids, its worker and the other one.
local function stop_attempt(map)
  local pids, at, other = {}, nil, nil
  it_all:wait("the attempt runs", 30, function()
    pids = {}
    for pid, worker in pairs(holders(map)) do
      pids[#pids + 1], at = pid, worker
    end
    return #pids == 2
  end)
  assert(os.execute("kill -STOP " .. table.concat(pids, " ")))
  for _, worker in ipairs(it_all.workers) do
    other = worker ~= at and worker or other
  end
  return pids, at, other
end

-- Alive, as a process that has ended and is not a zombie is not.
local function are_gone(pids, worker)
  local alive = {}
  for _, pid in ipairs(session.processes(worker.pid)) do
    alive[pid] = true
  end
  for _, pid in ipairs(pids) do
    if alive[pid] then
      return false
    end
  end
  return true
end

local function expect_gone(pids, worker)
  it_all:wait("the stopped attempt is gone", GONE_SECONDS, function()
    return are_gone(pids, worker)
  end)
end

describe("a stopped attempt", function()
  before_each(function()
    it_all = cluster.open()
    path = temp.write(it_all.folder .. "/job.lua", JOB)
    it_all:start(2)
  end)

  after_each(function()
    it_all:close()
  end)

  it("that loses a race is gone a second after the winner, and gives its slot back", function()
    local inputs = write_inputs()
    local expected = it_all:expected_parts(path, inputs)
    local job = it_all:submit(path, inputs, { "--param", "first=" .. FIRST })
    local pids, at, other = stop_attempt(0)
    it_all:wait_for_job(job, "all other maps have ended", 60, function(status)
      return status.stages.map.tasks_done == FAST
    end)
    assert.is_false(are_gone(pids, at))
    it_all:wait_for_job(job, "the second attempt has ended", LATE_SECONDS, function(status)
      return status.stages.map.tasks_done == FAST + 1
    end)
    expect_gone(pids, at)

    it_all:expect_parts(job, expected)
    other:kill()
    it_all:expect_parts(it_all:submit(path, inputs), expected) -- by the worker of the loser alone
    it_all:expect_clean()
  end)

  it("of a stage without another task is made again elsewhere, and said to have lost", function()
    local inputs = { temp.write(it_all.folder .. "/slow", "slow\n") }
    local expected = it_all:expected_parts(path, inputs)
    local job = it_all:submit(path, inputs, { "--param", "first=" .. ALONE })
    local pids, at = stop_attempt(0)
    it_all:expect_parts(job, expected)
    expect_gone(pids, at)

    local said = it_all.master:text "err"
    local _, losers = said:gsub("killed %(lost race%)", "")
    assert.equal(1, losers, said)
    it_all:expect_clean()
  end)

  it("of a job that is cancelled is gone a second later, with its files", function()
    local job = it_all:submit(path, write_inputs(), { "--param", "first=" .. ALL })
    local pids, at = stop_attempt(0)
    assert.equal(0, it_all:run({ "cancel", it_all:job_id(job) }).code)
    expect_gone(pids, at)

    assert.same({}, holders(0))
    it_all:expect_clean()
  end)
end)

-- Jobs of several steps on a cluster: what they mean, and that no step that has ended runs again.

local cluster = require "spec.support.cluster"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

-- Lengths of words, then so many rounds of a step that moves each to the next place.
local DRIVER <const> = [[
  local job = { params = { rounds = 5 }, steps = {} }
  local steps = job.steps
  function steps.length(word, n, emit) emit(#word, n) end
  function steps.turn(length, n, emit)
    mr.count("turned", n)
    emit((length * 7 + mr.params.round) % 23, n)
  end
  function job.drive(mr, params)
    local step = mr.run { map = "words", combine = "sum", reduce = "sum", reducers = 2 }
    step = mr.run { map = steps.length, reduce = "sum", inputs = step }
    for round = 1, params.rounds do
      local records, sum = 0, 0
      for _, n in step:output() do records, sum = records + 1, sum + n end
      assert(records == step.records)
      step = mr.run { map = steps.turn, reduce = "sum", inputs = step, reducers = 1 + round % 3,
        params = { round = round } }
      assert(step:counter "turned" == sum)
    end
    return { map = "identity", reduce = "sum", inputs = step }
  end
  return job]]

local STEPS <const> = [[
  return { steps = {
    { map = "words" },
    { map = function(word, n, emit) emit(#word, n) end, reduce = "sum", reducers = 3 },
    { map = function(length, n, emit) emit(n, length) end, reduce = "identity" },
  } }]]

-- Its steps do little else than to commit.
local ENDLESS <const> = [[
  local reducers = 16
  return { drive = function(mr)
    local step = mr.run { map = "words", reduce = "sum", reducers = reducers }
    while true do
      step = mr.run { map = "identity", reduce = "sum", inputs = step, reducers = reducers }
    end
  end }]]
local CANCELS <const> = 6

describe("a job of several steps on a cluster", function()
  local it_all

  before_each(function()
    it_all = cluster.open()
    temp.write(it_all.folder .. "/driver.lua", DRIVER)
    temp.write(it_all.folder .. "/steps.lua", STEPS)
  end)

  after_each(function()
    it_all:close()
  end)

  local function path(name)
    return it_all.folder .. "/" .. name
  end

  -- The jobs that the master has accepted, by name: how often.
  local function accepted()
    local names = {}
    for id = 1, 400 do
      local status = it_all:status(id)
      if status then
        names[status.job.name] = (names[status.job.name] or 0) + 1
      end
    end
    return names
  end

  it("has the output of mrlua run, with steps and with drive", function()
    it_all:start(2)
    for _, name in ipairs { "steps.lua", "driver.lua" } do
      local expected = it_all:expected_parts(path(name), texts.LICENSES)
      local job = it_all:submit(path(name), texts.LICENSES)

      it_all:expect_parts(job, expected)
    end
    it_all:expect_clean()
    assert.same({}, temp.list(it_all.folder .. "/.out-1"))
  end)

  it("needs no more than one worker with one slot", function()
    it_all:start(1)
    local expected = it_all:expected_parts(path "driver.lua", texts.LICENSES)

    it_all:expect_parts(it_all:submit(path "driver.lua", texts.LICENSES), expected)
    it_all:expect_clean()
  end)

  -- Submits the driver with so many rounds, and waits until some steps have ended.
  local function submit_long(rounds, steps)
    local flags = { "--param", "rounds=" .. rounds }
    local expected = it_all:expected_parts(path "driver.lua", texts.LICENSES, flags)
    local job = it_all:submit(path "driver.lua", texts.LICENSES, flags)
    it_all:wait_for_job(job, "steps have ended", 60, function(status)
      return status.steps and status.steps > steps
    end)
    return job, expected
  end

  -- Kills a worker; another one gets its folder.
  local function replace_worker(number)
    local worker = table.remove(it_all.workers, number)
    worker:kill()
    it_all:start_worker { dir = worker.dir }
  end

  it("shows the step that runs, and lists the job alone", function()
    it_all:start(1)
    local job = submit_long(400, 3)
    local jobs = it_all:list_jobs()

    assert.equal(1, #jobs)
    assert.equal("driver", jobs[1].name)
    assert.equal(0, it_all:run({ "cancel", job.id }).code)
    it_all:wait("the job ends", 30, function()
      return job:code()
    end)
    assert.equal(1, job:code())
    assert.matches("cancelled", job:text "err")
    it_all:wait("all of it is gone", 30, function()
      return #temp.list(job.out) == 0 and #temp.capture("ls -d " .. it_all.folder
        .. "/.out-1.* 2>/dev/null || true") == 0
    end)
    it_all:expect_clean()
  end)

  it("leaves nothing when it is cancelled, whatever its step is at", function()
    temp.write(path "endless.lua", ENDLESS)
    it_all:start(1)
    for _ = 1, CANCELS do
      local job = it_all:submit(path "endless.lua", { texts.GPL })
      it_all:wait_for_job(job, "a step has ended", 60, function(status)
        return status.steps and status.steps > 1
      end)
      assert.equal(0, it_all:run({ "cancel", job.id }).code)
      assert.equal(1, it_all:wait("the job ends", 60, function() return job:code() end))
      assert.equal("", temp.capture("ls -d " .. it_all.folder .. "/.out-* 2>/dev/null || true"))
    end
    it_all:expect_clean()
  end)

  -- The lines of a client whose standard error is no terminal, up to what was measured.
  local function lines_of(job)
    local lines = {}
    for line in job:text("err"):gmatch "[^\n]+" do
      lines[#lines + 1] = line:match "^step %d+/?%d*, %l+"
    end
    return lines
  end

  it("tells of each step, however short, and counts no tasks where it is listed", function()
    it_all:start(1)
    local job = it_all:submit(path "steps.lua", { texts.GPL }, {}, { tells = true })
    assert.equal(0, it_all:wait("the job ends", 60, function() return job:code() end))
    assert.same({ "step 1/2, map", "step 1/2, reduce", "step 2/2, map", "step 2/2, reduce" },
      lines_of(job))
    assert.matches("\nstep 2/2, reduce: ", it_all:run({ "status", "1" }).stdout)
    assert.matches("\n *1  steps +done +%- ", it_all:run({ "jobs" }).stdout)

    local expected = {}
    for step = 1, 7 do
      expected[2 * step - 1] = ("step %d, map"):format(step)
      expected[2 * step] = ("step %d, reduce"):format(step)
    end
    local driver = it_all:submit(path "driver.lua", { texts.GPL }, { "--param", "rounds=4" },
      { tells = true })
    assert.equal(0, it_all:wait("the job ends", 60, function() return driver:code() end))
    assert.same(expected, lines_of(driver))
  end)

  it("ends with the step that fails, and says which", function()
    temp.write(path "bad.lua", [[
      return { steps = { { map = "words", reduce = "sum" },
        { map = function(word) error("boo " .. word) end, reduce = "sum" } } }]])
    it_all:start(1)
    local job = it_all:submit(path "bad.lua", texts.LICENSES)
    it_all:wait("the job ends", 60, function()
      return job:code()
    end)

    assert.equal(1, job:code())
    assert.matches("mrlua: step 2: [^\n]*bad.lua:2: boo", job:text "err")
    assert.same({}, temp.list(job.out))
    it_all:expect_clean()
  end)

  it("goes on with the step that it was at when its workers and its master are killed", function()
    it_all:start(2)
    local job, expected = submit_long(240, 4) -- four times as many as 20 kills were seen to take
    local seed = texts.seed(20261129)
    math.randomseed(seed)
    for kill = 1, 20 do
      if job:code() then
        error(("the job ended before kill %d, SEED=%d"):format(kill, seed))
      end
      local before = (it_all:status(job.id) or {}).steps or 0
      if kill % 4 == 0 then
        it_all:restart_master()
      else
        replace_worker(math.random(#it_all.workers))
      end
      it_all:wait_for_job(job, "it goes on", 60, function(status)
        return status.outcome or (status.steps or 0) > before + math.random(0, 1)
      end)
    end

    it_all:expect_parts(job, expected)
    local names = accepted()
    names.driver = names.driver - 1 -- the last step has the name of the job
    for step = 1, 242 do
      assert.equal(1, names["driver, step " .. step], "SEED=" .. seed)
    end
    for name, count in pairs(names) do
      assert.equal(1, count, name)
    end
    it_all:expect_clean()
  end)

  it("fails a driver that asks for other steps than before, and says which call differs", function()
    temp.write(path "odd.lua", [[
      local job = { steps = { f = function(k, v, emit) emit(k, v) end } }
      function job.drive(mr)
        local step = mr.run { map = "words", reduce = "sum" }
        step = mr.run { map = job.steps.f, reduce = "sum", inputs = step,
          reducers = mr.attempt % 1000 }
        for i = 1, 1000 do step = mr.run { map = job.steps.f, inputs = step } end
        return step
      end
      return job]])
    it_all:start(1)
    local job = it_all:submit(path "odd.lua", texts.LICENSES)
    it_all:wait_for_job(job, "steps have ended", 60, function(status)
      return status.steps and status.steps > 3
    end)
    replace_worker(1)
    it_all:wait("the job ends", 60, function()
      return job:code()
    end)

    assert.matches("call 2 of drive is not the one it was when drive ran before: field 'reducers' "
      .. "was another", job:text "err")
    it_all:expect_clean()
  end)
end)

-- The master dies by kill -9 and is started again on its state folder: what was done stays done.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local engine = require "spec.support.engine"
local slow = require "spec.support.slow"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local KILLS = 5 -- of one job, or of as many as that takes where they end early
local SEED = texts.seed(13)
local UNSAFE = { flags = { "--allow-unsafe" } }

local it_all, gate

-- How many attempts each task of a stage had.
local function attempts_of(stage)
  local counts = {}
  for _, attempt in ipairs(gate:ran(stage)) do
    counts[attempt.task] = (counts[attempt.task] or 0) + 1
  end
  return counts
end

describe("a master that is killed", function()
  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
  end)

  after_each(function()
    it_all:close()
  end)

  it("during maps finds what its workers hold: maps that have ended do not run again", function()
    it_all:start(2, UNSAFE)
    local job = gate:submit()
    gate:wait_for("map", 2)
    local first = gate:ran "map"
    gate:open("map", first[1].task)
    gate:open("map", first[2].task)
    gate:wait_for("map", 4)
    it_all:restart_master()
    gate:open "map"
    gate:open "reduce"

    gate:expect_parts(job)
    assert.equal(1, attempts_of("map")[first[1].task])
    assert.equal(1, attempts_of("map")[first[2].task])
    it_all:expect_clean()
  end)

  it("during reduces finds what its workers hold: no map runs again", function()
    it_all:start(2, UNSAFE)
    gate:open "map"
    local job = gate:submit()
    gate:wait_for("reduce", 2)
    local first = gate:ran "reduce"
    gate:open("reduce", first[1].task)
    gate:wait_for("reduce", 3)
    it_all:restart_master()
    gate:open "reduce"

    gate:expect_parts(job)
    assert.equal(it_all:status(job.id).stages.map.tasks, #gate:ran "map")
    assert.equal(1, attempts_of("reduce")[first[1].task])
    it_all:expect_clean()
  end)

  it("after a job has ended does not run it again", function()
    it_all:start(2, UNSAFE)
    gate:open "map"
    gate:open "reduce"
    local job = gate:submit()
    gate:expect_parts(job)
    local ran = #gate:ran "map" + #gate:ran "reduce"
    local times = temp.capture(("stat -c '%%n %%y %%i' %s/*"):format(job.out))
    it_all:restart_master()
    it_all:wait_for_ready(2)

    local known = it_all:list_jobs()
    assert.equal(1, #known)
    assert.equal("done", known[1].state)
    assert.equal(job.id, known[1].id)
    assert.equal(times, temp.capture(("stat -c '%%n %%y %%i' %s/*"):format(job.out)))
    assert.equal(ran, #gate:ran "map" + #gate:ran "reduce")
    it_all:expect_clean()
  end)

  it("together with its workers has all of it done again", function()
    it_all:start(2, UNSAFE)
    local job = gate:submit()
    gate:wait_for("map", 2)
    it_all.master:kill()
    it_all.workers[1]:kill()
    it_all.workers[2]:kill()
    it_all:start_master()
    gate:open "map"
    gate:open "reduce"
    it_all:start_worker(UNSAFE)

    gate:expect_parts(job)
  end)

  it("when the last reduce has ended finishes the commit", function()
    it_all:start(2)
    local path, flags = slow.write(it_all.folder), { "--split-size", "64K", "--reducers", "100" }
    local expected = it_all:expected_parts(path, slow.INPUTS, flags)
    local job = it_all:submit(path, slow.INPUTS, flags)
    it_all:wait_for_job(job, "the reduces are done", 90, function(status)
      return status.stages.reduce.tasks_done == 100
    end)
    it_all:restart_master()

    it_all:expect_parts(job, expected)
  end)

  it("again and again, at any time, changes no byte, SEED=" .. SEED, function()
    math.randomseed(SEED)
    local path = slow.write(it_all.folder)
    local expected = it_all:expected_parts(path, slow.INPUTS, slow.FLAGS)
    it_all:start(2)
    local kills = 0
    repeat
      local job, at = it_all:submit(path, slow.INPUTS, slow.FLAGS), 0
      it_all:job_id(job)
      while kills < KILLS and not job:code() do
        local status = it_all:status(job.id)
        if status and status.job.tasks_done >= at then
          it_all:restart_master()
          kills, at = kills + 1, status.job.tasks_done + math.random(6)
        end
      end
      it_all:expect_parts(job, expected)
    until kills == KILLS
    it_all:expect_clean()
  end)
end)

describe("a state folder", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  local function expect_second_refused()
    local second = engine.run({ "master", "--listen", "127.0.0.1:0", "--state",
      it_all.folder .. "/state", "--key-file", it_all.folder .. "/key" }, { seconds = 20 })

    assert.equal(2, second.code, second.stderr)
    assert.truthy(second.stderr:find(it_all.folder .. "/state", 1, true), second.stderr)
  end

  it("has one master: a second one refuses", function()
    it_all:start_master()

    expect_second_refused()
  end)

  it("belongs to a master that stands still, too", function()
    it_all:start_master():signal "STOP"

    expect_second_refused()
    it_all.master:signal "CONT"
    it_all:start_worker()
    it_all:expect_clean()
  end)
end)

describe("an output folder", function()
  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
  end)

  after_each(function()
    it_all:close()
  end)

  it("belongs to one job: a second submit is refused, and told by whom", function()
    it_all:start(1, UNSAFE)
    local job = gate:submit()
    local argv = { "submit", gate.path, "-o", job.out, "--quiet", table.unpack(gate.flags) }
    local second = it_all:run(table.move(gated.INPUTS, 1, #gated.INPUTS, #argv + 1, argv))
    gate:open "map"
    gate:open "reduce"

    assert.equal(2, second.code, second.stderr)
    assert.truthy(second.stderr:find(job.out, 1, true), second.stderr)
    gate:expect_parts(job)
  end)
end)

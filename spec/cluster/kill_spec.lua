-- Workers die by kill -9: the job ends, its parts are those of `mrlua run`, and no more is run
-- again than what was lost.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local slow = require "spec.support.slow"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local KILLS = 5 -- of one job, or of as many as that takes where they end early
local SEED = texts.seed(11)
local UNSAFE = { flags = { "--allow-unsafe" } }

local it_all, gate

local function wait_for_done(job, stage, count)
  it_all:wait_for_job(job, ("%s tasks are done"):format(stage), 90, function(status)
    local done = status.stages[stage]
    return done.tasks_done >= (count or math.max(1, done.tasks))
  end)
end

-- Its death is seen at once, without a heartbeat that is missing: that would be 10 s.
local function kill(worker)
  worker:kill()
  it_all:wait("the master sees the death of a worker", 5, function()
    local known = it_all:worker_state(worker.id)
    return not known or known.state ~= "ready"
  end)
end

describe("a worker that is killed", function()
  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
  end)

  after_each(function()
    it_all:close()
  end)

  it("during maps costs what it had, and nothing else", function()
    it_all:start(3, UNSAFE)
    local job = gate:submit()
    gate:wait_for("map", 3)
    local victim = it_all.workers[2]
    local lost = #gate:ran("map", victim.id)
    kill(victim)
    gate:open "map"
    gate:open "reduce"

    gate:expect_parts(job)
    local status = it_all:status(job.id)
    assert.equal(1, lost)
    assert.equal(status.stages.map.tasks + lost, #gate:ran "map")
    assert.equal(gated.REDUCERS, #gate:ran "reduce")
  end)

  it("after the last map has its maps run again, and no others", function()
    it_all:start(2, UNSAFE)
    gate:open "map"
    local job = gate:submit()
    wait_for_done(job, "map")
    gate:wait_for("reduce", 2)
    local victim = it_all.workers[1]
    local maps, lost = #gate:ran "map", #gate:ran("map", victim.id)
    kill(victim)
    gate:open "reduce"

    gate:expect_parts(job)
    assert.is_true(lost > 0)
    assert.equal(maps + lost, #gate:ran "map")
    assert.equal(gated.REDUCERS + 1, #gate:ran "reduce")
  end)

  it("during reduces does not take those with it that have ended", function()
    it_all:start(2, UNSAFE)
    gate:open "map"
    local job = gate:submit()
    gate:wait_for("reduce", 2)
    local first = gate:ran "reduce"
    gate:open("reduce", first[1].task)
    gate:open("reduce", first[2].task)
    wait_for_done(job, "reduce", 2)
    gate:wait_for("reduce", 4)
    kill(it_all.workers[2])
    gate:open "reduce"

    gate:expect_parts(job)
    local count = {}
    for _, attempt in ipairs(gate:ran "reduce") do
      count[attempt.task] = (count[attempt.task] or 0) + 1
    end
    assert.equal(1, count[first[1].task])
    assert.equal(1, count[first[2].task])
    assert.equal(gated.REDUCERS + 1, #gate:ran "reduce")
  end)

  it("as the last one leaves a job that goes on with the next", function()
    it_all:start(2, UNSAFE)
    local job = gate:submit()
    gate:wait_for("map", 2)
    kill(it_all.workers[1])
    kill(it_all.workers[2])
    it_all:start_worker(UNSAFE)
    gate:open "map"
    gate:open "reduce"

    gate:expect_parts(job)
  end)

  it("and comes back on its folder is a new worker without the files of the old", function()
    it_all:start(2, UNSAFE)
    gate:open "map"
    local job = gate:submit()
    gate:wait_for("reduce", 2)
    local victim = it_all.workers[1]
    kill(victim)
    assert.is_true(#it_all:leftovers() > 0)
    local back = it_all:start_worker { flags = UNSAFE.flags, dir = victim.dir }
    assert.not_equal(victim.id, back.id)
    gate:open "reduce"

    gate:expect_parts(job)
    it_all:expect_clean()
  end)

  it("and is back on its port before anybody misses it is a new worker all the same", function()
    it_all:start(1, UNSAFE)
    local port = temp.capture([[python3 -c 'import socket; s = socket.socket()
s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])']])
    local flags = { "--allow-unsafe", "--listen", "127.0.0.1:" .. port }
    local victim = it_all:start_worker { flags = flags }
    gate:open "map"
    local job = gate:submit()
    wait_for_done(job, "map")
    gate:wait_for("reduce", 2)
    local maps, lost = #gate:ran "map", #gate:ran("map", victim.id)
    victim:kill()
    local back = it_all:start_worker { flags = flags, dir = victim.dir }
    gate:open "reduce"

    gate:expect_parts(job)
    assert.not_equal(victim.id, back.id)
    assert.is_true(lost > 0)
    assert.equal(maps + lost, #gate:ran "map")
    it_all:expect_clean()
  end)

  it("again and again, at any time, changes no byte, SEED=" .. SEED, function()
    math.randomseed(SEED)
    local path = slow.write(it_all.folder)
    local expected = it_all:expected_parts(path, slow.INPUTS, slow.FLAGS)
    it_all:start(3)
    local kills, living = 0, { table.unpack(it_all.workers) }
    repeat
      local job, at = it_all:submit(path, slow.INPUTS, slow.FLAGS), 0
      it_all:job_id(job)
      while kills < KILLS and not job:code() do
        local status = it_all:status(job.id)
        if status and status.job.tasks_done >= at then
          local place = math.random(#living)
          living[place]:kill()
          living[place] = it_all:start_worker { dir = living[place].dir }
          kills, at = kills + 1, status.job.tasks_done + math.random(6)
        end
      end
      it_all:expect_parts(job, expected)
    until kills == KILLS
    it_all:expect_clean()
  end)
end)

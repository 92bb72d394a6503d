-- partition = "range" on a cluster: a worker samples, and all cut where it says, whoever dies.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local texts = require "spec.support.texts"

local UNSAFE = { flags = { "--allow-unsafe" } }

local it_all, gate

-- The sample runs the job's map, as task 0, before any map does.
local function attempts_of_first()
  local count = 0
  for _, attempt in ipairs(gate:ran "map") do
    count = count + (attempt.task == 0 and 1 or 0)
  end
  return count
end

-- Goes on when it samples.
local function start_job()
  it_all:start(2, UNSAFE)
  local job = gate:submit()
  gate:wait_for("map", 1)
  return job
end

local function open_all()
  gate:open "map"
  gate:open "reduce"
end

local function expect_attempts(job, of_first)
  gate:expect_parts(job)
  assert.equal(of_first, attempts_of_first())
  assert.equal(it_all:status(job.id).stages.map.tasks + of_first - 1, #gate:ran "map")
  it_all:expect_clean()
end

describe("a job with partition = \"range\" on a cluster", function()
  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all, "partition = 'range',")
  end)

  after_each(function()
    it_all:close()
  end)

  it("writes what mrlua run writes", function()
    it_all:start(2)
    local flags = { "--reducers", 5, "--split-size", "16K" }
    local job = it_all:submit("jobs/sort.lua", texts.LICENSES, flags)

    it_all:expect_parts(job, it_all:expected_parts("jobs/sort.lua", texts.LICENSES, flags))
    it_all:expect_clean()
  end)

  it("samples once, and its maps wait for that", function()
    local job = start_job()
    it_all:wait_for_job(job, "no map runs beside the sample", 10, function(status)
      return status.stages.map.tasks > 0 and status.stages.map.tasks_running == 0
    end)
    open_all()

    expect_attempts(job, 2)
  end)

  for who, kill in pairs {
    ["its worker"] = function() it_all:worker_with(gate:ran("map")[1].worker):kill() end,
    ["the master"] = function() it_all:restart_master() end,
  } do
    it("samples again when " .. who .. " dies meanwhile", function()
      local job = start_job()
      kill()
      gate:wait_for("map", 2)
      open_all()

      expect_attempts(job, 3)
    end)
  end

  it("keeps its sample when the master dies before the maps are done", function()
    local job = start_job()
    gate:open("map", 0)
    gate:wait_for("map", 4) -- the sample, map 0, and two that wait
    it_all:restart_master()
    open_all()

    gate:expect_parts(job)
    assert.equal(2, attempts_of_first())
    it_all:expect_clean()
  end)
end)

-- Where the output of maps is uneven: seen while maps run, by whoever asks, and not lost with a
-- master.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local temp = require "spec.support.temp"

local it_all

-- The counts of all keys that are told, by key.
local function hot_keys(status)
  local counts = {}
  for _, hot in ipairs(status.skew and status.skew.keys or {}) do
    counts[hot.key] = hot.records
  end
  return counts
end

describe("what a cluster tells of hot keys", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("is there as soon as a map is done, outlives the master, and grows with the maps", function()
    it_all:start(1, { flags = { "--allow-unsafe" } })
    local gate = gated.new(it_all)
    local job = gate:submit()
    gate:wait_for("map", 1)
    assert.is_nil(it_all:status(job.id).skew)
    gate:open("map", gate:ran("map")[1].task)
    local early = it_all:wait_for_job(job, "a map is done", 60, function(status)
      return status.stages.map.tasks_done == 1 and status
    end)
    assert.is_true(hot_keys(early)['"the"'] > 0)

    it_all:restart_master()
    local later = it_all:wait_for_job(job, "the master knows the map", 60, function(status)
      return status.stages.map.tasks_done == 1 and status
    end)
    assert.same(early.skew, later.skew)

    gate:open "map"
    gate:open "reduce"
    gate:expect_parts(job)
    local ended = it_all:status(job.id)
    assert.is_true(hot_keys(ended)['"the"'] > hot_keys(early)['"the"'])
    assert.same(ended.skew, ended.outcome.skew)
    assert.equal(ended.counters.map_records_written, ended.skew.records)
    assert.equal(gated.REDUCERS, ended.skew.partitions)
    assert.matches('\nhot keys: "the" %d+%.%d %%', it_all:run({ "status", job.id }).stdout)
    assert.matches("\nlargest of 8 partitions: %d %(", it_all:run({ "status", job.id }).stdout)
    it_all:expect_clean()
  end)

  it("is in the summary of submit, where it matters", function()
    it_all:start(1)
    local path = temp.write(it_all.folder .. "/job.lua", [[
      return {
        map = function(_, line, emit) for i = 1, 100000 do emit(line, i) end end,
        reduce = "count",
      }]])
    local input = temp.write(it_all.folder .. "/in", "hot\ncold\ncold\n")
    local result = it_all:run { "submit", path, input, "-o", it_all.folder .. "/out" }

    assert.equal(0, result.code, result.stderr)
    assert.matches('skew: key "cold" has 66.7 % of the records that the maps wrote (200000 of'
      .. " 300000) and 1 more has 5 % or more, and one reduce reads all of each: declare a"
      .. " combiner", result.stderr, 1, true)
    it_all:expect_clean()
  end)
end)

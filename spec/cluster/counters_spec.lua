-- mr.count on a cluster: seen while the job runs, and of completed attempts only.

local cjson = require "cjson"
local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local temp = require "spec.support.temp"

local it_all

describe("what a job counts on a cluster", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("is shown while it runs, and of lost attempts nothing is left", function()
    local options = { flags = { "--allow-unsafe" } }
    it_all:start(2, options)
    local gate = gated.new(it_all, "setup = function(ctx) ctx.count(ctx.stage) end,")
    local job = gate:submit()
    gate:wait_for("map", 2)
    local victim = it_all:worker_with(gate:ran("map")[1].worker)
    victim:kill() -- it has counted, and is not done
    options.dir = victim.dir
    it_all:start_worker(options)
    gate:open "map"
    gate:wait_for("reduce", 1)
    local status = it_all:status(job.id)
    local live = it_all:run({ "status", job.id }).stdout
    gate:open "reduce"
    gate:expect_parts(job)

    local map_count = status.stages.map.tasks
    assert.equal(map_count, status.counters["user.map"])
    assert.matches(("\ncounted: map %d\n"):format(map_count), live)
    assert.is_true(#gate:ran "map" > map_count)
    local counters = cjson.decode(temp.read(job.out .. "/_SUCCESS")).counters
    assert.equal(map_count, counters["user.map"])
    assert.equal(gated.REDUCERS, counters["user.reduce"])
    assert.equal(map_count, it_all:status(job.id).outcome.counters["user.map"])
    it_all:expect_clean()
  end)
end)

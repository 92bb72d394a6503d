-- Links that are cut, slow, silent, or change what passes. What a link does is nobody's loss: a
-- worker that is back in time keeps what it has, and nothing is run twice.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local proxy = require "spec.support.proxy"

local LEASE = 10 -- seconds of silence after which a worker is given up

describe("a link between a worker and its master", function()
  local it_all, gate, link

  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
    it_all:start_master()
    link = proxy.start(it_all.folder .. "/proxy", it_all.address)
    for _ = 1, 2 do
      it_all:start_worker { flags = { "--allow-unsafe" }, master = link.address }
    end
  end)

  after_each(function()
    link:stop()
    it_all:close()
  end)

  it("may be cut while maps run, and while reduces do", function()
    local job = gate:submit()
    for _, stage in ipairs { "map", "reduce" } do
      gate:wait_for(stage, 2)
      for _ = 1, 10 do
        link:tell "cut"
        it_all:wait_for_ready(2)
      end
      gate:open(stage)
    end

    gate:expect_nothing_twice(job)
    it_all:expect_clean()
  end)

  it("may be slow, and give bytes away one by one", function()
    link:tell "delay 20"
    link:tell "dribble 1"
    local job = gate:submit()
    gate:open "map"
    gate:open "reduce"

    gate:expect_nothing_twice(job)
    it_all:expect_clean()
  end)

  it("may change a bit now and then", function()
    local job = gate:submit()
    for _, stage in ipairs { "map", "reduce" } do
      gate:wait_for(stage, 2)
      for _ = 1, 5 do
        link:tell "flip" -- the next piece is a heartbeat, if nothing else
        it_all:wait_for_ready(2)
      end
      gate:open(stage)
    end

    gate:expect_nothing_twice(job)
    it_all:expect_clean()
  end)

  it("may be silent for a while", function()
    local job = gate:submit()
    gate:wait_for("map", 2)
    link:tell "hold"
    it_all:wait("the master hears nothing", LEASE, function()
      local known = it_all:worker_state(it_all.workers[1].id)
      return known and known.silent_ms > 3000
    end)
    link:tell "release"
    gate:open "map"
    gate:open "reduce"

    gate:expect_nothing_twice(job)
    it_all:expect_clean()
  end)

  it("that is silent for too long costs the workers their tasks, not the job", function()
    local other = it_all:start_worker { flags = { "--allow-unsafe" } }
    local job = gate:submit()
    gate:wait_for("map", 3)
    link:tell "hold"
    gate:open "map"
    gate:open "reduce"
    gate:expect_parts(job)
    assert.equal(it_all:status(job.id).stages.map.tasks, #gate:ran("map", other.id))
    link:tell "release"
    it_all:expect_clean()
  end)
end)

describe("a link between a client and the master", function()
  local it_all, gate, link

  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
    it_all:start(2, { flags = { "--allow-unsafe" } })
    link = proxy.start(it_all.folder .. "/proxy", it_all.address)
  end)

  after_each(function()
    link:stop()
    it_all:close()
  end)

  it("may be cut: submit comes back to its job", function()
    local job = gate:submit { master = link.address }
    gate:wait_for("map", 2)
    for _ = 1, 5 do
      link:tell "cut"
    end
    gate:open "map"
    gate:open "reduce"

    gate:expect_parts(job)
    assert.equal(1, #it_all:list_jobs())
    it_all:expect_clean()
  end)
end)

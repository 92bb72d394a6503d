-- Links between workers that are cut, slow, or change what passes, while segments are fetched.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local proxy = require "spec.support.proxy"

local UNSAFE = { flags = { "--allow-unsafe" } }

describe("a link between two workers", function()
  local it_all, gate, link

  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
    it_all:start_master()
    link = proxy.start(it_all.folder .. "/proxy", it_all.address, "segments")
    for _ = 1, 2 do
      it_all:start_worker { flags = UNSAFE.flags, master = link.address }
    end
  end)

  after_each(function()
    link:stop()
    it_all:close()
  end)

  it("may be slow, and give bytes away a few at a time", function()
    link:tell "delay 5"
    link:tell "dribble 64"
    gate:open "map"
    gate:open "reduce"

    gate:expect_nothing_twice(gate:submit())
    it_all:expect_clean()
  end)

  it("may be cut while segments pass: they are fetched from there on", function()
    link:tell "dribble 16"
    link:tell "delay 20"
    gate:open "map"
    local job = gate:submit()
    for count = 1, gated.REDUCERS do
      gate:wait_for("reduce", count)
      link:tell "cut"
      -- All that wait: they are listed by task, and a fetch that is cut changes their order.
      for _, attempt in ipairs(gate:ran "reduce") do
        gate:open("reduce", attempt.task)
      end
    end
    gate:open "reduce"

    gate:expect_nothing_twice(job)
    it_all:expect_clean()
  end)

  it("may change a bit: no wrong byte is used", function()
    gate:open "map"
    local job = gate:submit()
    gate:wait_for("reduce", 2)
    gate:open "reduce"
    for _ = 1, 3 do
      link:tell "flip"
    end

    gate:expect_parts(job)
    it_all:expect_clean()
  end)
end)

describe("a worker whose segments nobody gets", function()
  local it_all, gate, link

  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
    it_all:start_master()
    link = proxy.start(it_all.folder .. "/proxy", it_all.address, "segments")
  end)

  after_each(function()
    link:stop()
    it_all:close()
  end)

  -- It is there for its master, and the link before its segments swallows all that is asked.
  it("has its maps made elsewhere, and stops no job", function()
    local good = it_all:start_worker(UNSAFE)
    local mute = it_all:start_worker { flags = UNSAFE.flags, master = link.address }
    local job = gate:submit()
    gate:wait_for("map", 2)
    link:tell "hold"
    gate:open "map"
    gate:open "reduce"

    gate:expect_parts(job)
    local made = {}
    for _, attempt in ipairs(gate:ran("map", good.id)) do
      made[attempt.task] = true
    end
    assert.is_true(#gate:ran("map", mute.id) > 0)
    for _, attempt in ipairs(gate:ran("map", mute.id)) do
      assert.is_true(made[attempt.task], "map " .. attempt.task)
    end
    link:tell "release"
    it_all:expect_clean()
  end)
end)

-- What a network does to a cluster: a link that swallows everything, one that is cut a hundred
-- times, a host that is gone at once, a master that stands still. STOPPED_S=30 makes that longer.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local network = require "spec.support.network"
local proxy = require "spec.support.proxy"
local temp = require "spec.support.temp"

local UNSAFE = { flags = { "--allow-unsafe" } }
local CUTS = 100
local RESET_SECONDS = 1.5   -- until a connection that was reset is noticed
local SILENCE_SECONDS = 15  -- until a silent one is: a lease of 10 s, looked at now and then
local STOPPED_SECONDS = tonumber(os.getenv "STOPPED_S") or 12 -- more than that lease

local it_all, gate

local function now()
  return tonumber(temp.read("/proc/uptime"):match("%S+"))
end

-- Waits until the master no longer calls a worker ready. Answers when the last question began that
-- it answered with "ready", and when the first answer came that was another.
local function wait_for_loss(worker, seconds)
  local ready_at = now()
  it_all:wait("the master has lost " .. worker.name, seconds, function()
    local begins = now()
    local known = it_all:worker_state(worker.id)
    if known and known.state ~= "ready" then
      return true
    end
    ready_at = begins
  end)
  return ready_at, now()
end

local function tell(what, seconds)
  if os.getenv "MEASURED" then
    io.stderr:write(("%s: %.2f s\n"):format(what, seconds))
  end
end

local function wait_for_maps(job)
  it_all:wait_for_job(job, "all maps are done", 90, function(status)
    local map = status.stages.map
    return map.tasks > 0 and map.tasks_done == map.tasks
  end)
end

describe("a link that swallows everything", function()
  local net

  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
    net = network.open(it_all.folder)
  end)

  after_each(function()
    if net then
      net:close()
    end
    it_all:close()
  end)

  it("costs the worker behind it what it had; it joins again when the link is back", function()
    if not net then
      return pending("needs root, network namespaces, and iproute2")
    end
    it_all.address = net.near.ip .. ":0"
    it_all:start_master()
    it_all:start_worker { flags = { "--allow-unsafe", "--listen", net.near.ip .. ":0" } }
    local far = it_all:start_worker { wrap = net:wrap(net.far),
      flags = { "--allow-unsafe", "--listen", net.far.ip .. ":0" } }
    gate:open "map"
    local job = gate:submit()
    wait_for_maps(job)
    gate:wait_for("reduce", 2)
    local maps, lost = #gate:ran "map", gate:ran("map", far.id)
    net:black_hole(true)
    local began = now()
    local _, lost_at = wait_for_loss(far, 2 * SILENCE_SECONDS)
    tell("loss of a worker behind a black hole", lost_at - began)
    assert.is_true(lost_at - began <= SILENCE_SECONDS, lost_at - began)

    gate:open "reduce"
    gate:expect_parts(job)
    assert.is_true(#lost > 0)
    assert.equal(maps + #lost, #gate:ran "map")
    assert.equal(maps, #gate:ran("map", it_all.workers[1].id))
    net:black_hole(false)
    local healed = now()
    it_all:wait_for_ready(2)
    tell("return after the black hole", now() - healed)
    it_all:expect_clean()
  end)
end)

describe("a cluster", function()
  local link

  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
    it_all:start_master()
  end)

  after_each(function()
    it_all.master:signal "CONT"
    if link then
      link:stop()
      link = nil
    end
    it_all:close()
  end)

  it("runs nothing twice when a connection is cut again and again", function()
    link = proxy.start(it_all.folder .. "/proxy", it_all.address)
    it_all:start_worker { flags = UNSAFE.flags, master = link.address, slots = 2 }
    local job = gate:submit()
    local began = now()
    for _, stage in ipairs { "map", "reduce" } do
      gate:wait_for(stage, 2)
      for _ = 1, CUTS / 2 do
        link:tell "cut"
        it_all:wait_for_ready(1)
      end
      gate:open(stage)
    end
    tell("a hundred cuts", now() - began)

    gate:expect_nothing_twice(job)
    it_all:expect_clean()
  end)

  it("notices the death of a worker at once when all maps are done", function()
    it_all:start_worker(UNSAFE)
    local victim = it_all:start_worker(UNSAFE)
    gate:open "map"
    local job = gate:submit()
    wait_for_maps(job)
    local maps, lost = #gate:ran "map", #gate:ran("map", victim.id)
    local killed = now()
    victim:signal "KILL"
    local ready_at, lost_at = wait_for_loss(victim, 20)
    tell("loss of a worker that was killed", lost_at - killed)
    assert.is_true(ready_at - killed <= RESET_SECONDS, ready_at - killed)

    gate:open "reduce"
    gate:expect_parts(job)
    assert.is_true(lost > 0)
    assert.equal(maps + lost, #gate:ran "map")
  end)

  it("runs nothing again when the master stood still while reduces ran", function()
    it_all:start_worker(UNSAFE)
    it_all:start_worker(UNSAFE)
    gate:open "map"
    local job = gate:submit()
    wait_for_maps(job)
    gate:wait_for("reduce", 2)
    it_all.master:signal "STOP"
    local ends = now() + STOPPED_SECONDS
    assert(temp.wait_until(3 * STOPPED_SECONDS, function()
      return now() >= ends
    end))
    it_all.master:signal "CONT"
    gate:open "reduce"

    gate:expect_nothing_twice(job)
    it_all:expect_clean()
  end)
end)

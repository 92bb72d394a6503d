-- Processes that stand still (SIGSTOP) and wake up again: what they believed is stale by then.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local session = require "spec.support.session"
local temp = require "spec.support.temp"

local UNSAFE = { flags = { "--allow-unsafe" } }
local LEASE = 10 -- seconds of silence after which a worker is given up

local it_all, gate

local function signal_all(process, name)
  for _, pid in ipairs(session.processes(process.pid)) do
    os.execute(("kill -%s %s 2>/dev/null"):format(name, pid))
  end
end

-- How often a worker has tried a map.
local function attempts_of(task, worker)
  local count = 0
  for _, attempt in ipairs(gate:ran("map", worker.id)) do
    count = count + (attempt.task == task and 1 or 0)
  end
  return count
end

local function is_ready(worker)
  local known = it_all:worker_state(worker.id)
  return known ~= nil and known.state == "ready"
end

-- A lease is time; there is nothing else to wait for.
local function let_the_lease_pass()
  local ends = os.time() + LEASE + 2
  assert(temp.wait_until(2 * LEASE, function()
    return os.time() >= ends
  end))
end

describe("a process that stands still", function()
  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
    it_all:start(2, UNSAFE)
  end)

  after_each(function()
    for _, process in ipairs(it_all.started) do
      process:signal "CONT"
    end
    it_all:close()
  end)

  it("as a worker past its lease loses its task, and is of use when it wakes", function()
    local job = gate:submit()
    gate:wait_for("map", 2)
    local sleeper, other = it_all.workers[1], it_all.workers[2]
    local task = gate:ran("map", sleeper.id)[1].task
    signal_all(sleeper, "STOP")
    gate:open "map"
    it_all:wait("its task is given to the other", 2 * LEASE, function()
      return attempts_of(task, other) == 1
    end)
    assert.is_false(is_ready(sleeper))
    gate:open "reduce"
    gate:expect_parts(job)
    signal_all(sleeper, "CONT")
    other:kill()

    gate:expect_parts(gate:submit())
    it_all:expect_clean()
  end)

  it("as the master blames nobody when it wakes", function()
    local job = gate:submit()
    gate:wait_for("map", 2)
    it_all.master:signal "STOP"
    let_the_lease_pass()
    it_all.master:signal "CONT"
    gate:open "map"
    gate:open "reduce"

    gate:expect_nothing_twice(job)
    it_all:expect_clean()
  end)

  it("as a worker that may not drain for longer hands back what it does", function()
    local short = it_all:start_worker { flags = { "--allow-unsafe", "--drain", "1" } }
    local job = gate:submit()
    gate:wait_for("map", 3)
    local task = gate:ran("map", short.id)[1].task
    short:signal "TERM"
    assert.equal(0, short:wait(20)) -- and its map has not ended
    gate:open "map"
    gate:open "reduce"

    gate:expect_parts(job)
    assert.equal(1, attempts_of(task, it_all.workers[1]) + attempts_of(task, it_all.workers[2]))
    it_all:expect_clean()
  end)

  it("as a worker that is asked to end says goodbye, and its work is done by others", function()
    local job = gate:submit()
    gate:wait_for("map", 2)
    it_all.workers[1]:signal "TERM"
    it_all:wait("it drains", 10, function()
      return not is_ready(it_all.workers[1])
    end)
    gate:open "map"
    gate:open "reduce"

    gate:expect_parts(job)
    assert.equal(0, it_all.workers[1]:wait(40))
    it_all:expect_clean()
  end)
end)

describe("a worker's folder", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("has one worker: a second one refuses", function()
    it_all:start(1)
    local second = it_all:start_worker { dir = it_all.workers[1].dir, unawaited = true }

    assert.equal(2, second:wait(20), second:text "err")
  end)
end)

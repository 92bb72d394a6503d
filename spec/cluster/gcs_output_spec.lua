-- Output on gs://, and outputs of maps there: whatever the store does to requests, and whoever dies
-- at which step, the parts are those of `mrlua run` on files, and nothing else is left.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local gcs = require "spec.support.gcs"
local slow = require "spec.support.slow"

local JOB_SECONDS <const> = 120
local ENDS <const> = { done = true, failed = true, cancelled = true }

local it_all, storage, expected

local function begin()
  it_all = cluster.open()
  storage = gcs.start(it_all.folder .. "/gcs")
end

local function finish()
  it_all:close()
  storage:stop()
end

-- Every process of the cluster knows the store.
local function with_storage(flags)
  return { wrap = "env " .. storage.environment .. " %s", flags = flags }
end

local function start(count, flags)
  it_all:start_master(with_storage())
  for _ = 1, count do
    it_all:start_worker(with_storage(flags))
  end
end

-- Submits without waiting; answers the job's number.
local function submit(argv)
  local command = { "submit", "--detach", "-o", "gs://bkt/out" }
  table.move(argv, 1, #argv, #command + 1, command)
  local result = it_all:run(command)
  assert(result.code == 0, result.stderr)
  return assert(math.tointeger(tonumber(result.stdout:match "%d+")), result.stdout)
end

local function submit_slow(path, ...)
  local argv = { path, ... }
  table.move(slow.FLAGS, 1, #slow.FLAGS, #argv + 1, argv)
  return submit(table.move(slow.INPUTS, 1, #slow.INPUTS, #argv + 1, argv))
end

local function wait_for_end(id)
  local status = it_all:wait("the job ends", JOB_SECONDS, function()
    local known = it_all:status(id)
    return known and ENDS[known.job.state] and known
  end)
  if status.job.state ~= "done" then
    error(("the job has %s\n%s"):format(status.job.state, it_all.master:text "err"), 2)
  end
  return status
end

-- The parts below gs://bkt/out, as engine.parts() has those of a folder; and nothing beside them.
local function parts_of(count)
  local names, parts = storage:list(), {}
  assert.equal("out/_SUCCESS", names[1])
  assert.equal(count + 1, #names, table.concat(names, " "))
  for i = 1, count do
    assert.equal(("out/part-%05d"):format(i - 1), names[i + 1])
    parts[i] = ("== part-%05d\n%s"):format(i - 1, storage:get(names[i + 1]))
  end
  assert.same({}, storage:open_sessions())
  return table.concat(parts)
end

-- Of Google's conformance tests for clients: spec/gcs/faults.py.
local FAULTS <const> = { "S1.503-503", "S1.reset-reset", "S1.reset-503", "S8.broken-broken" }

describe("a job with its output on gs://", function()
  setup(begin)
  teardown(finish)

  it("has the parts of mrlua run, with both shuffles and through every fault", function()
    local path = slow.write(it_all.folder)
    expected = it_all:expected_parts(path, slow.INPUTS, slow.FLAGS)
    start(2)
    for _, shuffle in ipairs { "local", "gcs" } do
      for _, preset in ipairs(FAULTS) do
        storage:preset(preset)
        wait_for_end(submit_slow(path, "--overwrite", "--shuffle", shuffle))
        storage:clear()
        assert(parts_of(6) == expected, preset .. " " .. shuffle)
      end
    end
  end)

  it("is refused before anything runs when something is there", function()
    local status
    local id = submit_slow(slow.write(it_all.folder))
    it_all:wait("the job ends", JOB_SECONDS, function()
      status = it_all:status(id)
      return status and status.job.state == "failed"
    end)
    assert.truthy(it_all:run({ "status", id }).stdout:find("not empty", 1, true))
    assert.equal(0, status.stages.map and status.stages.map.tasks_done or 0)
  end)
end)

describe("a commit on gs://", function()
  before_each(begin)
  after_each(finish)

  -- Waits until the server holds the request that the rule is about.
  local function wait_until_held()
    it_all:wait("a request is held", JOB_SECONDS, function()
      return storage:rules()[1].taken > 0
    end)
  end

  it("outlives kill -9 of the master at its requests", function()
    local path = slow.write(it_all.folder)
    expected = it_all:expected_parts(path, slow.INPUTS, slow.FLAGS)
    start(1)
    wait_for_end(submit_slow(path)) -- so that there is something to replace
    -- Of a job's deletions: the old manifest, old parts, tickets, the claim.
    for _, nth in ipairs { 1, 2, 5, 8, 12, 15 } do
      storage:faults { match = { operation = "objects.delete", nth = nth },
        action = { delay = 60 } }
      local id = submit_slow(path, "--overwrite")
      wait_until_held()
      it_all.master:kill()
      storage:clear()
      it_all:start_master(with_storage())
      wait_for_end(id)
      assert(parts_of(6) == expected, "deletion " .. nth)
    end
  end)
end)

describe("outputs of maps on gs://", function()
  before_each(begin)
  after_each(finish)

  it("outlive their worker: no map is run again", function()
    local gate = gated.new(it_all)
    start(2, { "--allow-unsafe" })
    local argv = { gate.path, "--shuffle", "gcs" }
    table.move(gate.flags, 1, #gate.flags, #argv + 1, argv)
    local id = submit(table.move(gated.INPUTS, 1, #gated.INPUTS, #argv + 1, argv))
    gate:open "map"
    local total
    it_all:wait("all maps are done", JOB_SECONDS, function()
      local status = it_all:status(id)
      local maps = status and status.stages.map
      total = maps and maps.tasks
      return total and total > 0 and maps.tasks_done == total
    end)
    it_all.workers[1]:kill()
    gate:open "reduce"
    wait_for_end(id)
    assert.equal(total, #gate:ran "map")
    parts_of(gated.REDUCERS)
  end)
end)

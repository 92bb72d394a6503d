-- A worker whose disk is full: its attempts are tried elsewhere, and the job does not notice.

local cluster = require "spec.support.cluster"
local temp = require "spec.support.temp"

local MOUNT = "mount -t tmpfs -o size=1m tmpfs"
local SEED = 1
local FLAGS = { "--split-size", "2M", "--reducers", "2" }

-- Can this process mount a small disk that nobody else sees?
local function can_mount()
  return os.execute("unshare -m sh -c '" .. MOUNT .. " /tmp' 2>/dev/null") == true
end

describe("a worker whose disk is full", function()
  local it_all, input

  before_each(function()
    it_all = cluster.open()
    math.randomseed(SEED)
    local lines = {} -- 8 MB that LZ4 cannot make small
    for i = 1, 120000 do
      lines[i] = ("%016x%016x%016x%016x"):format(math.random(0), math.random(0), math.random(0),
        math.random(0))
    end
    input = temp.write(it_all.folder .. "/input", table.concat(lines, "\n"))
  end)

  after_each(function()
    it_all:close()
  end)

  -- A worker that has 1 MB.
  local function start_small_worker()
    local dir = it_all.folder .. "/small"
    local script = temp.write(it_all.folder .. "/small.sh", ("%s %s && exec \"$@\"\n"):format(MOUNT,
      dir))
    return it_all:start_worker { dir = dir, wrap = "unshare -m sh " .. script .. " %s" }
  end

  local function claim(what, check)
    it(what, function()
      if not can_mount() then
        return pending("needs root and a mount namespace")
      end
      check()
    end)
  end

  claim("leaves the work to the others", function()
    local expected = it_all:expected_parts("jobs/sort.lua", { input }, FLAGS)
    it_all:start_master()
    start_small_worker()
    it_all:start_worker()
    it_all:start_worker()

    it_all:expect_parts(it_all:submit("jobs/sort.lua", { input }, FLAGS), expected)
    it_all:expect_clean()
  end)

  claim("makes a job wait, when it is the only one, for another", function()
    local expected = it_all:expected_parts("jobs/sort.lua", { input }, FLAGS)
    it_all:start_master()
    start_small_worker()
    local job = it_all:submit("jobs/sort.lua", { input }, FLAGS)
    it_all:wait_for_job(job, "it has failed there", 90, function(status)
      return status.stages.map.tasks > 0 and status.stages.map.tasks_running == 0
    end)
    it_all:start_worker()

    it_all:expect_parts(job, expected)
    it_all:expect_clean()
  end)
end)

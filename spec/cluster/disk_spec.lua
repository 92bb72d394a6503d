-- A worker whose disk is full: its attempts are tried elsewhere, and the job does not notice.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local temp = require "spec.support.temp"

local MOUNT = "mount -t tmpfs -o size=1m tmpfs"
local SEED = 1
local UNSAFE = { flags = { "--allow-unsafe" } }
local REDUCERS = 5 -- more than two workers run and fetch ahead; a part each that is not small
local LETTERS = { ["0"] = "g", ["1"] = "h", ["2"] = "i", ["3"] = "j", ["4"] = "k", ["5"] = "l",
  ["6"] = "m", ["7"] = "n", ["8"] = "o", ["9"] = "p" } -- of digits, for a job that reads words
local FLAGS = { "--split-size", "2M", "--reducers", "2" }

-- Can this process mount a small disk that nobody else sees?
local function can_mount()
  return os.execute("unshare -m sh -c '" .. MOUNT .. " /tmp' 2>/dev/null") == true
end

-- 8 MB that LZ4 cannot make small.
local function write_input(folder)
  math.randomseed(SEED)
  local lines = {}
  for i = 1, 120000 do
    lines[i] = ("%016x%016x%016x%016x"):format(math.random(0), math.random(0), math.random(0),
      math.random(0))
  end
  return temp.write(folder .. "/input", table.concat(lines, "\n"))
end

describe("a worker whose disk is full", function()
  local it_all, input

  before_each(function()
    it_all = cluster.open()
    input = write_input(it_all.folder)
  end)

  after_each(function()
    it_all:close()
  end)

  -- A worker that has 1 MB.
  local function start_small_worker(options)
    local dir = it_all.folder .. "/small"
    local script = temp.write(it_all.folder .. "/small.sh", ("%s %s && exec \"$@\"\n"):format(MOUNT,
      dir))
    options = options or {}
    options.dir, options.wrap = dir, "unshare -m sh " .. script .. " %s"
    return it_all:start_worker(options)
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

  claim("fails a reduce, and no map is blamed or run again for that", function()
    local gate = gated.new(it_all)
    temp.write(input, temp.read(input):gsub("%d", LETTERS))
    local flags = { "--allow-unsafe", "--split-size", "2M", "--reducers", REDUCERS }
    it_all:start(2, UNSAFE)
    gate:open "map"
    local job = it_all:submit(gate.path, { input }, { "--param", "gates=" .. gate.folder,
      table.unpack(flags) })
    gate:wait_for("reduce", 2)
    local small = start_small_worker { flags = UNSAFE.flags, unawaited = true }
    it_all:wait("it is blamed for its disk", 30, function()
      for _, known in ipairs(it_all:list_workers()) do
        small.id = known.state == "set aside" and known.id
        if small.id then
          return true
        end
      end
    end)
    gate:open "reduce"

    it_all:expect_parts(job, it_all:expected_parts(gate.path, { input }, flags))
    assert.equal(it_all:status(it_all:job_id(job)).stages.map.tasks, #gate:ran "map")
    assert.equal(REDUCERS, #gate:ran "reduce") -- there it ended before its first key
    assert.same({}, gate:ran("reduce", small.id))
    assert.is_nil(it_all.master:text("err"):match("output_lost[^\n]*"))
    assert.is_nil(it_all.master:text("err"):match("segment_lost[^\n]*"))
    it_all:expect_clean()
  end)
end)

describe("a worker with a --disk-limit", function()
  local it_all

  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("leaves to others what takes more", function()
    local input = write_input(it_all.folder)
    local expected = it_all:expected_parts("jobs/sort.lua", { input }, FLAGS)
    it_all:start_master()
    it_all:start_worker { flags = { "--disk-limit", "1M" } }
    local job = it_all:submit("jobs/sort.lua", { input }, FLAGS)
    local maps
    it_all:wait_for_job(job, "it has failed there", 90, function(status)
      maps = status.stages.map
      return maps.tasks > 0 and maps.tasks_running == 0
    end)
    assert.is_true(maps.tasks_done < maps.tasks)
    it_all:start_worker()

    it_all:expect_parts(job, expected)
    it_all:expect_clean()
  end)
end)

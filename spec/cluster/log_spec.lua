-- What the daemons log with --log json, line by line, for a whole job.

local cjson = require "cjson"
local cluster = require "spec.support.cluster"
local temp = require "spec.support.temp"

local LABELS <const> = "logging.googleapis.com/labels"
local SEVERITIES <const> = { INFO = true, NOTICE = true, WARNING = true, ERROR = true }

local HOSTILE <const> = [[
return {
  map = function()
    error("a \"quote\", a\n{\"severity\":\"ERROR\"} line, an \27[2J escape, a \255 byte")
  end,
  reduce = "sum",
}
]]

local it_all

-- The lines of a daemon, decoded; raises at the first that is no JSON object of the known shape.
local function lines_of(process)
  local lines = {}
  for line in process:text("err"):gmatch "[^\n]+" do
    local ok, decoded = pcall(cjson.decode, line)
    assert(ok and type(decoded) == "table", line)
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$", decoded.time)
    assert.is_true(SEVERITIES[decoded.severity], line)
    assert.equal(1, (decoded.message:find(decoded.event, 1, true)))
    assert.is_string(decoded[LABELS].component)
    lines[#lines + 1] = decoded
  end
  return lines
end

-- How often `event` was said, by the label `key` of its lines.
local function count_by(lines, event, key)
  local counts = {}
  for _, line in ipairs(lines) do
    if line.event == event then
      local value = line[LABELS][key]
      counts[value] = (counts[value] or 0) + 1
    end
  end
  return counts
end

local function start(flags, wrap)
  it_all:start_master { flags = flags, wrap = wrap }
  it_all:start_worker { flags = flags, wrap = wrap, slots = 2 }
end

describe("the log", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("is JSON on every line when asked for, and tells each change of each task", function()
    start { "--log", "json" }
    local input = temp.write(it_all.folder .. "/in", ("a line of words\n"):rep(1000))
    local flags = { "--split-size", "8K", "--reducers", 2 }
    local job = it_all:submit("jobs/wordcount.lua", { input }, flags)
    it_all:expect_parts(job, it_all:expected_parts("jobs/wordcount.lua", { input }, flags))
    it_all:expect_clean()

    local master, worker = lines_of(it_all.master), lines_of(it_all.workers[1])
    local tasks = { ["map/0"] = 1, ["map/1"] = 1, ["reduce/0"] = 1, ["reduce/1"] = 1 }
    local started = count_by(master, "attempt_started", "task")
    assert.equal(1, started["plan/0"])
    assert.equal(1, started["commit/0"])
    local completed = count_by(master, "task_completed", "task")
    local done = count_by(worker, "attempt_done", "task")
    for task in pairs(tasks) do
      assert.equal(1, started[task], task)
      assert.equal(1, completed[task], task)
      assert.equal(1, done[task], task)
    end
    for _, line in ipairs(master) do
      if line.event == "task_completed" then
        assert.matches("^%d+$", line[LABELS].job)
        assert.matches("^%d+$", line[LABELS].attempt)
      end
    end
  end)

  it("stays JSON whatever a job says when it fails", function()
    start { "--log", "json" }
    local path = temp.write(it_all.folder .. "/job.lua", HOSTILE)
    local job = it_all:submit(path, { temp.write(it_all.folder .. "/in", "a line\n") })

    assert.equal(1, job:wait(60))
    it_all:expect_clean()
    for _, process in ipairs { it_all.master, it_all.workers[1] } do
      local reasons = {}
      for _, line in ipairs(lines_of(process)) do
        if line.event == "attempt_failed" then
          reasons[#reasons + 1] = line.reason
        end
      end
      assert.matches('a "quote", a', reasons[1], 1, true)
      assert.is_nil((process:text("err"):gsub("\n", "")):find "%c")
    end
  end)

  it("takes its format from MRLUA_LOG, and text is key=value", function()
    start(nil, "env MRLUA_LOG=json %s")
    assert.is_true(#lines_of(it_all.master) > 0)
    assert.equal("worker", lines_of(it_all.workers[1])[1][LABELS].component)
    it_all:restart_master()
    assert.matches("^epoch_begun epoch=%d+\n", it_all.master:text "err")
  end)
end)

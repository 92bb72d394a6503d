-- What is told of a job that is done: on a terminal, on a pipe, as JSON.

local cjson = require "cjson"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local JOB <const> = [[return {
  map = function(_, line, emit)
    mr.count("lines")
    emit(line, 1)
  end,
  reduce = "count",
}]]

local folder, input, job

-- What a terminal of so many columns shows at the end, without what bars left there.
local function on_terminal(arguments, columns)
  local line = ("stty cols %d; exec %s"):format(columns, engine.command(arguments))
  local screen = temp.capture(("TERM=xterm script -qec %s /dev/null </dev/null"):format(
    temp.quote(line)))
  return (screen:gsub("\r", ""):gsub("^.*\27%[J", ""))
end

describe("the summary of a job", function()
  before_each(function()
    folder = temp.folder()
    job = temp.write(folder .. "/job.lua", JOB)
    input = temp.write(folder .. "/in", "a\nb\na\nc\n")
  end)

  after_each(function()
    temp.remove(folder)
  end)

  it("stands below where the bars were", function()
    local text = on_terminal({ "run", job, input, "-o", folder .. "/out", "--split-size", 4 }, 80)

    assert.matches("^plan +[%d.]+ m?s\nmap +[%d.]+ m?s  2 tasks  read +8 B  4 records\n"
      .. "reduce +[%d.]+ m?s +1 task  shuffled +[%d.]+ K?B  4 records\n"
      .. "commit +[%d.]+ m?s +1 part  written +12 B  3 records\n"
      .. "slowest   %l+ %d in [%d.]+ m?s\ncounted   lines 4\ndone: 8 B read in [^\n]*out\n?$", text)
  end)

  it("fits a terminal of 40 columns, but for its last line", function()
    local text = on_terminal({ "run", job, input, "-o", folder .. "/out" }, 40)

    local seen = 0
    for line in text:gmatch("[^\n]+") do
      seen = seen + 1
      assert.is_true(#line < 40 or line:find("^done: ") ~= nil, line)
    end
    assert.is_true(seen >= 5)
  end)

  it("is one line per phase on a pipe", function()
    local result = engine.run { "run", job, input, "-o", folder .. "/out" }

    assert.matches("^map: 1 task, [^\n]+\nreduce: 1 task, [^\n]+\n$", result.stderr)
    assert.equal("", result.stdout)
  end)

  it("goes nowhere near the records", function()
    local result = engine.run { "run", job, input }

    assert.equal("a\t2\nb\t1\nc\t1\n", result.stdout)
  end)

  it("is an object with --json", function()
    local told = cjson.decode(engine.output { "run", job, input, "-o", folder .. "/out", "--json",
      "--quiet" })

    local summary = told.summary
    assert.is_true(summary.seconds.plan > 0)
    assert.is_true(summary.seconds.commit > 0)
    assert.same({ bytes = 8, records = 4 }, summary.read)
    assert.equal(4, summary.shuffled.records)
    assert.same({ bytes = 12, records = 3 }, summary.written)
    assert.same({ lines = 4 }, summary.counted)
    assert.equal(0, summary.attempts.failed)
    assert.is_true(#summary.slowest >= 2)
  end)

  it("adds up the steps of a job", function()
    temp.write(folder .. "/steps.lua", [[return {
      steps = {
        { map = function(_, line, emit) emit(line, 1) end, reduce = "count" },
        { map = function(key, n, emit) emit(n, key) end, reduce = "count" },
      },
    }]])
    local text = on_terminal({ "run", folder .. "/steps.lua", input, "-o", folder .. "/out" }, 80)

    assert.matches("\nmap +[%d.]+ m?s +read +8 B  4 records\n", text)
    assert.matches("\nslowest   step %d, %l+ %d in ", text)
    assert.matches("\nreduce +[%d.]+ m?s +shuffled +[%d.]+ K?B  7 records\n", text)
  end)

  it("tells as it happens that a task is tried again", function()
    temp.write(folder .. "/greedy.lua", [[return {
      map = function(_, line, emit) local s = "x" while true do s = s .. s end end,
      reduce = "count", attempts = 2,
    }]])
    local result = engine.run { "run", folder .. "/greedy.lua", input, "-o", folder .. "/out" }

    assert.equal(1, result.code)
    assert.matches("^mrlua: map 0 is tried again: [^\n]+\nmrlua: ", result.stderr)
    assert.not_matches("tried again", engine.run({ "run", folder .. "/greedy.lua", input, "-o",
      folder .. "/out", "--quiet" }).stderr)
  end)
end)

-- What others chose, a record, a name, an error, moves no cursor and changes no colour.

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"
local terminal = require "spec.support.terminal"

local folder

local function mrlua(argv)
  return engine.run(argv, { folder = folder,
    environment = "XDG_STATE_HOME=" .. temp.quote(folder) })
end

local function assert_clean(result, told)
  local text <const> = result.stdout .. result.stderr
  assert.truthy(text:find(told, 1, true), text)
  assert.is_nil(text:find "\27", text)
  assert.is_nil(text:find("\u{202e}", 1, true), text)
  assert.is_nil(text:find("\u{9b}", 1, true), text)
end

describe("mrlua, of a job whose error and input have escape sequences,", function()
  temp.each(function(path) folder = path end)

  before_each(function()
    temp.write(folder .. "/job.lua", [[return { map = function(_, line)
      error("bad: " .. line)
    end, reduce = "sum" }]])
    temp.write(folder .. "/in\27[31m", "x\27]0;title\7 \u{202e}y \u{9b}31mz\n")
  end)

  it("tells none where it fails, is shown and is done again", function()
    assert_clean(mrlua { "run", "job.lua", "in\27[31m", "--quiet" }, "bad: x?]0;title? ?y ?31mz")
    assert_clean(mrlua { "show", "r1" }, "bad: x?]0;title? ?y ?31mz")
    assert_clean(mrlua { "replay", "r1/m0" }, "bad: x?]0;title? ?y ?31mz")
    assert_clean(mrlua { "replay", "r1/m0", "--debug" }, "bad: x?]0;title? ?y ?31mz")
  end)

  it("tells none where it is checked", function()
    assert_clean(mrlua { "check", "job.lua", "in\27[31m" }, "bad: x?]0;title? ?y ?31mz")
  end)

  it("tells none where a command line is wrong", function()
    assert_clean(mrlua { "run", "job.lua", "none\27[31m" }, "none?[31m")
    assert_clean(mrlua { "show", "none\27[31m" }, "none?[31m")
    assert_clean(mrlua { "logs", "none\27[31m" }, "none?[31m")
  end)
end)

describe("mrlua run, of a job that prints escape sequences,", function()
  temp.each(function(path) folder = path end)

  before_each(function()
    temp.write(folder .. "/in", "x\n")
    temp.write(folder .. "/job.lua", [[return { map = function(_, line, emit)
      print("a\27[2Kb\tc")
      emit(line, 1)
    end }]])
  end)

  it("passes them on to a file", function()
    local result = mrlua { "run", "job.lua", "in", "--quiet" }

    assert.equal("a\27[2Kb\tc\n", result.stderr)
  end)

  it("shows none on a terminal", function()
    local seen = terminal.run({ "run", "job.lua", "in", "--quiet", "-o", "out" },
      { { await = "a?[2Kb" }, { await_end = true } }, { folder = folder })

    assert.equal(0, seen.code)
  end)
end)

local dataset = require "mrlua.repl.dataset"
local temp = require "spec.support.temp"
local typed = require "spec.support.typed"

local function f() end
local function g() end

local function chain()
  return dataset.new(error, { inputs = "in", input = "lines" })
end

describe("repl.dataset job()", function()
  it("is one job of a map and a reduce", function()
    assert.same({ inputs = "in", input = "lines", map = f, reduce = "sum" },
      chain():map(f):reduce("sum"):job())
    assert.same({ inputs = "in", input = "lines", map = "identity" }, chain():job())
  end)

  it("has a step for each map after the first, and each reduce after one", function()
    assert.same({ inputs = "in", steps = { { map = f, input = "lines" },
      { map = g, reduce = "sum" }, { map = "identity", reduce = g } } },
      chain():map(f):map(g):reduce("sum"):reduce(g):job())
  end)

  it("leaves the chain as it was that is continued", function()
    local begun = chain():map(f)
    begun:reduce("sum"):map(g)
    assert.same({ inputs = "in", input = "lines", map = f }, begun:job())
  end)
end)

describe("repl.dataset", function()
  local folder
  temp.each(function(path)
    folder = path
    temp.write(path .. "/in", "b\na\nc\nb\nb\na\n")
  end)

  local function output(...)
    return typed.output({ ... }, { folder = folder })
  end

  local COUNT <const> = "counts = mr.lines('in'):map(function(_, line, emit) emit(line, 1) end)"
    .. ":reduce('sum')"

  it("answers the largest values, the first of equal ones first", function()
    assert.equal("key  value\nb        3\na        2\n", output(COUNT, "counts:top(2)"))
    assert.equal("key  value\nb        3\na        2\nc        1\n", output(COUNT, "counts:top()"))
  end)

  it("runs once, whatever is asked", function()
    assert.equal("key  value\na        2\nkey  value\nb        3\n1\n",
      output(COUNT, "counts:head(1)", "counts:top(1)", "#mr.jobs()"))
  end)

  it("runs steps", function()
    assert.equal("key  value\n  1  c\n  2  a\n  3  b\n", output(COUNT,
      "counts:map(function(word, n, emit) emit(n, word) end):reduce('first'):head()"))
  end)

  it("shows values as bars", function()
    assert.matches("^1 to 1.2  [^\n]* 1\n.*2.8 to 3  [^\n]* 1\n$",
      output(COUNT, "counts:histogram()"))
  end)

  it("says what it is before it runs", function()
    assert.equal("1 steps over in; head(), top(), histogram() or run() runs them\n",
      output(COUNT, "counts"))
  end)
end)

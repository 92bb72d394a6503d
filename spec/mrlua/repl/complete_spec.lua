local complete = require "mrlua.repl.complete"

local shape = setmetatable({ width = 3 }, { __index = { area = function() end, name = "x" } })
local world = {
  env = setmetatable({ shape = shape, shade = 1, ["no name"] = 2 },
    { __index = { string = string, print = print } }),
  paths = function(start)
    return start == "lo" and { "logs/", "look.txt" } or {}
  end,
  names = function()
    return { "wordcount", "local_sort", "longest" }
  end,
}

-- The words for a line whose cursor is at "|", joined; and where they begin.
local function words(text)
  local before, behind = text:match "^(.*)|(.*)$"
  local list, start = complete.words(before .. behind, #before, world)
  return table.concat(list, " "), start
end

describe("repl.complete words()", function()
  it("finds globals, those behind the table too, and keywords", function()
    assert.same({ "shade shape", 1 }, { words "sha|" })
    assert.same({ "print", 5 }, { words "x = pri|" })
    assert.same({ "repeat return", 1 }, { words "re|" })
    assert.same({ "shade shape", 3 }, { words "f(sha|, 1)" })
  end)

  it("finds fields, those of __index too, and methods behind a colon", function()
    assert.same({ "shape.area shape.name shape.width", 1 }, { words "shape.|" })
    assert.equal("shape:area", (words "shape:|"))
    assert.equal("string.rep string.reverse", (words "string.re|"))
  end)

  it("finds the methods of a string", function()
    world.env.text = "x"
    assert.equal("text:rep text:reverse", (words "text:re|"))
  end)

  it("finds paths and names of jobs in a string", function()
    assert.same({ "logs/ look.txt local_sort longest", 9 }, { words 'mr.run("lo|' })
    assert.equal("wordcount", (words "x = 'word|"))
    assert.equal("shade shape", (words [["a\"b" .. sh|"]])) -- which is open behind the cursor only
  end)

  it("finds nothing where it knows nothing", function()
    for _, line in ipairs { "f().x|", "a[1].b|", "nothing.x|", "shape.width.x|", "1.|", "-- 'lo|",
      '"a"|' } do
      assert.equal("", (words(line)), line)
    end
  end)

  it("calls nothing but the table's own metamethods", function()
    local called = 0
    local function count()
      called = called + 1
    end
    local env = setmetatable({ lazy = setmetatable({}, { __index = count, __pairs = count }) },
      { __index = function(_, name) return name == "hidden" and { field = 1 } or nil end,
        __pairs = function() return next, { hidden = {} } end })
    assert.same({ "hidden.field" }, (complete.words("hidden.f", 8, { env = env })))
    assert.same({}, (complete.words("lazy.f", 6, { env = env })))
    assert.same({ "hidden" }, (complete.words("hid", 3, { env = env })))
    assert.equal(0, called)
  end)
end)

describe("repl.complete answer()", function()
  it("inserts what all words begin with", function()
    assert.same({ erase = 2, insert = "shape" }, complete.answer({ "shape", "shapes" }, "sh"))
    assert.same({ erase = 1, insert = "é" }, complete.answer({ "éa", "éb" }, "x"))
    assert.same({ erase = 0, insert = "a" }, complete.answer({ "aé", "aè" }, ""))
  end)

  it("lists the words when there is nothing to insert, their last part", function()
    assert.same({ list = "rep      reverse\n" },
      complete.answer({ "string.rep", "string.reverse" }, "string.re"))
    assert.same({ list = "logs/\nlook.txt\n" }, complete.answer({ "a/logs/", "a/look.txt" }, "a/lo",
      12))
  end)

  it("does nothing without words", function()
    assert.same({}, complete.answer({}, "x"))
    assert.same({}, complete.answer({ "x" }, "x"))
  end)

  it("lists a hundred words at most, and no control bytes", function()
    local many = {}
    for i = 1, 101 do
      many[i] = ("x\27%d"):format(i)
    end
    local list = complete.answer(many, "x\27").list
    assert.is_truthy(list:find("... 1 more\n", 1, true))
    assert.is_nil(list:find "\27")
  end)
end)

local pretty = require "mrlua.repl.pretty"

local function lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    list[#list + 1] = line
  end
  return list
end

describe("repl.pretty", function()
  it("shows scalars as Lua writes them", function()
    local shown = {}
    for i, value in ipairs { 1, 1.0, true, "a", -3 } do
      shown[i] = pretty.text(value)
    end
    assert.same({ "1", "1.0", "true", '"a"', "-3" }, shown)
    assert.equal("nil", pretty.text(nil))
  end)

  it("escapes what is no printable text", function()
    assert.equal([["a\n\t\"\\\x1b[31m"]], pretty.text 'a\n\t"\\\27[31m')
    assert.equal([["\xff"]], pretty.text "\xff")
    assert.equal([["é"]], pretty.text "é")
    assert.equal([["\xc2\x9b"]], pretty.text "\u{9b}")
    assert.equal([["\xe2\x80\xae"]], pretty.text "\u{202e}")
    assert.equal([[{ ["\x1b"] = 1 }]], pretty.text { ["\27"] = 1 })
  end)

  it("says where functions are from", function()
    assert.equal("function: builtin", pretty.text(print))
    assert.is_truthy(pretty.text(function() end):find "^function: .*pretty_spec.lua:%d+$")
  end)

  it("sorts keys, the list first", function()
    assert.equal('{ 1, 2, [10] = 3, ["a b"] = 4, b = 6, ["end"] = 5, [true] = 7 }',
      pretty.text { 1, 2, [10] = 3, b = 6, ["a b"] = 4, ["end"] = 5, [true] = 7 })
    assert.equal("{}", pretty.text {})
  end)

  it("breaks what does not fit the line", function()
    assert.equal("{\n  a = \"xxxxxxxxxx\",\n  b = { 1, 2 },\n}",
      pretty.text({ a = ("x"):rep(10), b = { 1, 2 } }, { columns = 20 }))
    assert.equal("{\n  1, 2,\n  3, 4,\n}", pretty.text({ 1, 2, 3, 4 }, { columns = 9 }))
  end)

  it("shows a table that holds itself once", function()
    local t = { 1 }
    t.self = { t }
    assert.equal("{ 1, self = { <cycle> } }", pretty.text(t))
    local shared = { 1 }
    assert.equal("{ { 1 }, { 1 } }", pretty.text { shared, shared })
  end)

  it("has limits for depth, fields, strings and all of it", function()
    local deep = {}
    local inner = deep
    for _ = 1, 20 do
      inner.x = {}
      inner = inner.x
    end
    assert.is_truthy(pretty.text(deep):find("x = {...}", 1, true))
    local wide = {}
    for i = 1, 101 do
      wide[i] = i
    end
    assert.is_truthy(pretty.text(wide):find("100,\n  ... 1 more,", 1, true))
    wide[101] = nil
    assert.is_nil(pretty.text(wide):find "more")
    assert.is_truthy(pretty.text(("é"):rep(2001)):find '"%.%.%. %(4002 bytes%)$')
    assert.is_nil(pretty.text(("x"):rep(4000)):find "bytes")
    local all = {}
    for i = 1, 100 do
      all[i] = { a = { b = wide } }
    end
    assert.is_true(#pretty.text(all) < 20000)
  end)

  it("shows what a metatable says, and survives what it raises", function()
    assert.equal("job 3", pretty.text(setmetatable({}, { __tostring = function()
      return "job 3"
    end })))
    assert.equal("{ <error in __tostring> }", pretty.text { setmetatable({}, {
      __tostring = function() error "x" end,
    }) })
    assert.equal("{}", pretty.text(setmetatable({}, { __pairs = error, __len = error,
      __index = error })))
  end)
end)

describe("repl.pretty of a list of records", function()
  it("is a table with a column per field, numbers to the right", function()
    assert.same({ "id  name", " 1  sort", "22  grép" },
      lines(pretty.text { { id = 1, name = "sort" }, { id = 22, name = "grép" } }))
  end)

  it("has a dash where a record has no field", function()
    assert.same({ "a  b", "1  x", "2  -" }, lines(pretty.text { { a = 1, b = "x" }, { a = 2 } }))
  end)

  it("is one of like records only", function()
    for _, list in ipairs { { { a = 1 } }, { { a = 1 }, { b = 2 }, { c = 3 } }, { { 1 }, { 2 } },
      { { a = {} }, { a = {} } }, { { a = 1 }, { a = 2 }, x = 1 } } do
      assert.is_truthy(pretty.text(list):find "^{ {")
    end
  end)

  it("has the columns that its metatable names, whatever the rows are", function()
    local names = { __columns = { "key", "value" } }
    assert.same({ "key  value", "a    1", "b    { 2 }" },
      lines(pretty.text(setmetatable({ { "a", 1 }, { "b", { 2 } } }, names))))
    assert.same({ "key  value", "a        1" },
      lines(pretty.text(setmetatable({ { key = "a", value = 1, other = 2 } }, names))))
    assert.same({ "key  value" }, lines(pretty.text(setmetatable({}, names))))
  end)

  it("keeps within the terminal, line by line", function()
    local rows = {}
    for i = 1, 101 do
      rows[i] = { text = ("é"):rep(100), more = "line\nbreak" }
    end
    local shown = lines(pretty.text(rows, { columns = 40 }))
    assert.equal(102, #shown)
    assert.equal("... 1 more", shown[102])
    for i = 1, 101 do
      assert.is_true(utf8.len(shown[i]) <= 40)
    end
  end)
end)

local tokens = require "mrlua.repl.tokens"

local function texts(source)
  local list = {}
  for i, one in ipairs(tokens.list(source)) do
    list[i] = one.text
  end
  return list
end

describe("repl.tokens list()", function()
  it("tells strings, comments and numbers from what is in them", function()
    assert.same({ "x", "=", "[==[ ]] end ]==]", "..", "'q\\'end'", "y", "(", "0x1p-3", "+", "1",
      "..", "...", ")" },
      texts("x = [==[ ]] end ]==] .. 'q\\'end' -- end\n--[[ end\n]] y(0x1p-3 +1 .. ...)"))
  end)

  it("counts lines, those in strings and comments too", function()
    local lines = {}
    for i, one in ipairs(tokens.list "a --[[\n\n]] b\n'\\\n' c") do
      lines[i] = one.line
    end
    assert.same({ 1, 3, 4, 5 }, lines)
  end)
end)

describe("repl.tokens functions()", function()
  local function functions(source)
    local list = {}
    for i, one in ipairs(tokens.functions(source)) do
      list[i] = { one.first, one.last, one.text }
    end
    return list
  end

  it("cuts functions out whatever is in them", function()
    local text = "function() if x then end repeat until y\nfor i = 1, 2 do end\n"
      .. "while x do end do end end"
    assert.same({ { 1, 3, text } }, functions("local f = " .. text))
  end)

  it("has functions in functions, and several on a line", function()
    assert.same({ { 1, 1, "function(a) end" }, { 1, 1, "function(b) return function() end end" } },
      { functions("f(function(a) end, function(b) return function() end end)")[1],
        functions("f(function(a) end, function(b) return function() end end)")[3] })
  end)

  it("makes expressions of statements, with self where that is meant", function()
    assert.same({ { 1, 1, "function(a) end" }, { 1, 1, "function(self) end" },
      { 1, 1, "function(self, a) end" }, { 1, 1, "function(...) end" } },
      functions("local function f(a) end function a.b:c() end function a:b(a) end "
        .. "function a.b.c(...) end"))
  end)
end)

describe("repl.tokens names()", function()
  it("has each name once", function()
    assert.same({ "a", "b", "end_x" }, tokens.names "a.b(a, 'c', end_x) -- d")
  end)
end)

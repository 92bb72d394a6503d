local frames = require "mrlua.frames"

local function text(value)
  return frames.text(debug, value)
end

-- The frames at an error that `f` raises.
local function gather(f)
  local list
  xpcall(f, function()
    list = frames.gather(debug)
  end)
  table.remove(list, 1) -- the handler, which in an attempt is C's
  return list
end

local function names_of(variables)
  local names = {}
  for i, variable in ipairs(variables) do
    names[i] = variable[1]
  end
  return names
end

describe("lua/mrlua/frames", function()
  it("tells scalars as Lua writes them", function()
    assert.same({ "nil", "true", "7", "1.5", "\"a\"" },
      { text(nil), text(true), text(7), text(1.5), text "a" })
  end)

  it("escapes what is no printable ASCII", function()
    assert.equal([["\x1b[31m\n\"\\ \xe2\x80\xae"]], text "\27[31m\n\"\\ \u{202e}")
  end)

  it("cuts long strings and says how long they are", function()
    local long = ("x"):rep(1000)

    assert.equal("\"" .. ("x"):rep(200) .. "\" ... (1000 bytes)", text(long))
  end)

  it("tells lists before the other keys of a table", function()
    assert.equal("{10, 20, n = 2}", text { n = 2, 10, 20 })
    assert.equal("{[\"a b\"] = {}}", text { ["a b"] = {} })
  end)

  it("leaves out what is too deep, too many or its own", function()
    local own = {}
    own.own = own
    local many = {}
    for i = 1, 100 do many[i] = i end

    assert.equal("{own = {own = {own = {...}}}}", text(own))
    assert.equal("{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, ...}", text(many))
  end)

  it("bounds a table of long strings", function()
    local long = {}
    for i = 1, 16 do long[i] = ("\0"):rep(200) end

    assert.is_true(#text(long) < 2 * frames.VALUE_BYTES_MAX)
  end)

  it("says where a function is written", function()
    assert.matches("^function: .*frames_spec%.lua:%d+$", text(gather))
    assert.equal("function: built in", text(print))
  end)

  it("calls no metamethod", function()
    local called = false
    local function call() called = true end
    local value = setmetatable({ 1 }, { __tostring = call, __index = call, __len = call,
      __pairs = call, __name = "x" })

    assert.equal("{1}", text(value))
    assert.is_false(called)
  end)

  it("gathers locals and upvalues of each frame, innermost first", function()
    local outer = 1
    local function inner(word)
      local here = outer + 1
      error(word .. here)
    end
    local list = gather(function()
      local size = 3
      inner "x"
      return size
    end)

    assert.same({ { "word", "\"x\"" }, { "here", "2" } }, list[1].locals)
    assert.same({ { "outer", "1" } }, list[1].upvalues)
    assert.same({ { "size", "3" } }, list[2].locals)
    assert.same({ "inner" }, names_of(list[2].upvalues))
    assert.equal(list[1].line + 4, list[2].line)
  end)

  it("gathers no more frames than it says", function()
    local function deep(n)
      if n == 0 then error "x" end
      return (deep(n - 1))
    end

    assert.equal(frames.COUNT_MAX - 1, #gather(function() deep(100) end))
  end)

  it("gathers no more bytes than it says", function()
    local function deep(n)
      local a, b, c = ("x"):rep(200), ("y"):rep(200), { ("z"):rep(200), ("z"):rep(200) }
      if n == 0 then error "x" end
      deep(n - 1)
      return a, b, c
    end
    local budget = frames.BYTES_MAX
    frames.BYTES_MAX = 2000
    finally(function() frames.BYTES_MAX = budget end)

    assert.equal(3, #gather(function() deep(100) end))
  end)
end)

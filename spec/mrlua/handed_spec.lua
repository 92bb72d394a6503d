local handed = require "mrlua.handed"

local function nested(depth)
  local key = {}
  for _ = 2, depth do
    key = { key }
  end
  return key
end

describe("mrlua/handed key_problem()", function()
  it("has nothing against keys", function()
    for _, key in ipairs { "", 1, 1.5, math.huge, true, {}, { "a", { 1, false } }, nested(16) } do
      assert.is_nil(handed.key_problem(key))
    end
    assert.is_nil(handed.key_problem(false))
  end)

  it("says what is none", function()
    local function problem(key)
      return (handed.key_problem(key):gsub("^a key must be a string, number, boolean or a list of"
        .. " those, not ", "not "))
    end

    assert.equal("not nil", problem(nil))
    assert.equal("not a function", problem(print))
    assert.equal("not a function", problem { "a", { print } })
    assert.equal("NaN is not a key", problem { 0 / 0 })
    assert.equal("not a table with field 'x'", problem { "a", x = 1 })
    assert.equal("not a table with a number as index or a hole in the list",
      problem { "a", nil, "c", [5] = "d" })
    assert.equal("tuples nested deeper than 16", problem(nested(17)))
    local ring <const> = {}
    ring[1] = ring
    assert.equal("tuples nested deeper than 16", problem(ring))
  end)
end)

describe("mrlua/handed error_text()", function()
  it("is what the engine says of what was raised", function()
    local function of(tostring_of)
      return handed.error_text(setmetatable({}, { __tostring = tostring_of }))
    end

    assert.equal("text", handed.error_text "text")
    assert.equal("7", handed.error_text(7))
    assert.equal("error(): nil was raised", handed.error_text(nil))
    assert.equal("error(): a table without __tostring was raised", handed.error_text {})
    assert.equal("told", of(function() return "told" end))
    assert.equal("no", of(function() error("no", 0) end))
    assert.equal("error(): its __tostring raised another error", of(function() error {} end))
  end)
end)

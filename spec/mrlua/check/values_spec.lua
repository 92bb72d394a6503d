local values = require "mrlua.check.values"

describe("mrlua/check/values", function()
  it("text() writes a value as Lua would", function()
    for text, value in pairs {
      ["1"] = 1, ["1.0"] = 1.0, ["0.1"] = 0.1, ["-inf"] = -math.huge, ["true"] = true,
      ['"a\\nb"'] = "a\nb", ['"\u{fc}"'] = "\u{fc}", ['"\\xff"'] = "\255", ["{}"] = {},
      ['{ 1, 2, [true] = 3, n = "x" }'] = { 1, 2, n = "x", [true] = 3 },
    } do
      assert.equal(text, values.text(value))
    end
  end)

  it("text() of what is nested for ever ends", function()
    local ring = {}
    ring[1] = ring

    assert.matches("{...}", values.text(ring), 1, true)
    assert.has_error(function() values.copy(ring) end,
      "value has more than 64 tables in tables, or contains itself")
  end)

  it("copy() goes as deep as values may be", function()
    local value = {}
    for _ = 2, 64 do
      value = { value }
    end

    assert.is_true(values.same(value, values.copy(value)))
    assert.has_error(function() values.copy { value } end)
  end)

  it("list_text() cuts what is long", function()
    local text = values.list_text { ("x"):rep(100), 1 }

    assert.equal('"' .. ("x"):rep(56) .. "..., 1", text)
  end)

  it("copy() shares nothing", function()
    local value = { { 1 } }
    local copied = values.copy(value)
    value[1][1] = 2

    assert.same({ { 1 } }, copied)
  end)

  it("shape() tells apart what may not stand for each other", function()
    assert.equal(values.shape(1), values.shape(2))
    assert.equal(values.shape { sum = 1, n = 2 }, values.shape { n = 5, sum = 7 })
    assert.not_equal(values.shape(1), values.shape(1.5))
    assert.not_equal(values.shape { sum = 1 }, values.shape { mean = 1 })
  end)

  it("same() leaves out the last bits of floats, and nothing else", function()
    assert.is_true(values.same({ a = { 0.1 + 0.2 } }, { a = { 0.3 } }))
    assert.is_true(values.same(0 / 0, 0 / 0))
    assert.is_false(values.same(0.3, 0.3001))
    assert.is_false(values.same({ 1 }, { 1, 2 }))
    assert.is_false(values.same({ 1, 2 }, { 1 }))
    assert.is_false(values.same("1", 1))
  end)
end)

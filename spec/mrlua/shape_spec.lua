local shape = require "mrlua.shape"

describe("mrlua/shape", function()
  it("finds nothing wrong with what is right", function()
    assert.is_nil(shape.fault({ a = "x", b = 1.5, c = 3.0, e = { 1, 2 }, more = print },
      { a = "string", b = "number", c = "integer", d = "string?", e = { list = "integer" },
        f = { optional = true, x = "string" }, g = "table?" }))
    assert.is_nil(shape.fault({ a = {}, b = { x = 1, y = 2 } },
      { a = { is_empty_too = true, x = "string" }, b = { map = "number" } }))
  end)

  it("names the field that is wrong", function()
    local function fault(value, wanted)
      return shape.fault({ a = value }, { a = wanted })
    end

    assert.equal("'a' is missing", fault(nil, "string"))
    assert.equal("'a' is 1, not a string", fault(1, "string"))
    assert.equal("'a' is a string, not a number", fault("1", "number"))
    assert.equal("'a' is 1.5, not an integer", fault(1.5, "integer"))
    assert.equal("'a' is 1e+300, not an integer", fault(1e300, "integer"))
    assert.equal("'a' is inf, not a number", fault(math.huge, "number"))
    assert.equal("'a' is a string, not a boolean", fault("x", "boolean?"))
    assert.equal("'a' is missing", fault(nil, { x = "string" }))
    assert.equal("'a' is a boolean, not a table", fault(false, { list = "string" }))
    assert.equal("'a.x' is missing", fault({ y = 1 }, { is_empty_too = true, x = "string" }))
    assert.equal("'a.2.x' is missing", fault({ { x = 1 }, {} }, { list = { x = "number" } }))
    assert.equal("'a.y' is a table, not a number", fault({ y = {} }, { map = "number" }))
  end)
end)

local json = require "mrlua.json"

describe("mrlua/json encode()", function()
  it("keeps integers whole and floats exact", function()
    assert.equal("9223372036854775807", json.encode(math.maxinteger))
    assert.equal("-9223372036854775808", json.encode(math.mininteger))
    assert.equal("0.1", json.encode(0.1))
    assert.equal(1 / 3, tonumber(json.encode(1 / 3)))
    assert.equal("1.5e+300", json.encode(1.5e300))
  end)

  it("has null for numbers that JSON cannot say", function()
    assert.equal("[null,null,null]", json.encode { 0 / 0, math.huge, -math.huge })
  end)

  it("sorts the keys of objects", function()
    assert.equal('{"a":1,"b":{"c":[1,2],"d":true},"e":"x"}',
      json.encode { e = "x", b = { d = true, c = { 1, 2 } }, a = 1 })
  end)

  it("tells an empty list from an empty object by its metatable", function()
    assert.equal("{}", json.encode {})
    assert.equal("[]", json.encode(setmetatable({}, json.list)))
  end)

  it("escapes what a JSON string must escape", function()
    assert.equal([["a\"b\\c\n\t\u0000\u001b\u007f"]], json.encode 'a"b\\c\n\t\0\27\127')
    assert.equal('"grün"', json.encode "grün")
  end)

  it("replaces bytes that are not UTF-8, one by one, and keeps the rest", function()
    assert.equal('"a\u{FFFD}b\u{FFFD}\u{FFFD}ü"', json.encode "a\xffb\xc3\xc3ü")
    assert.equal('"\u{FFFD}"', json.encode "\xe2")
  end)

  it("is read back the same by another decoder", function()
    local cjson = require "cjson"
    local value = { text = 'x"\\\0\r\n', list = { 1, 2.5, "three", false }, n = -7 }

    assert.same(value, cjson.decode(json.encode(value)))
  end)
end)

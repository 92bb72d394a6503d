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

describe("mrlua/json decode()", function()
  it("has integers where there is no fraction, up to 2^53", function()
    local list = json.decode "[1, -7, 2.5, 1e3, 9007199254740992, 9007199254740994, 1e300]"

    assert.same({ "integer", "integer", "float", "integer", "integer", "float", "float" }, {
      math.type(list[1]), math.type(list[2]), math.type(list[3]), math.type(list[4]),
      math.type(list[5]), math.type(list[6]), math.type(list[7]) })
    assert.equal(1 << 53, list[5])
  end)

  it("leaves null out of objects, and keeps the places of lists", function()
    local value = json.decode '{"a": null, "b": [null, {"c": null, "d": 1}]}'

    assert.same({ b = { json.null, { d = 1 } } }, value)
    assert.equal('{"b":[null,{"d":1}]}', json.encode(value))
    assert.is_nil(json.decode "null")
  end)

  it("reads back what was written", function()
    local value = { text = 'x"\\\0\r\n', list = { 1, 2.5, "three", false }, n = -7 }

    assert.same(value, json.decode(json.encode(value)))
  end)

  it("says what is no JSON, and raises nothing", function()
    for _, bad in ipairs { "", "{", "{a:1}", "[1,]", ("["):rep(2000) } do
      local value, message = json.decode(bad)
      assert.is_nil(value)
      assert.is_string(message)
    end
  end)
end)

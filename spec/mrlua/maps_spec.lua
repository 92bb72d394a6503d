local maps = require "mrlua.maps"

describe("built-in maps", function()
  local function mapped(name, params, text)
    local records = {}
    maps.new(name, params)(7, text, function(key, value)
      records[#records + 1] = { key, value }
    end)
    return records
  end

  it("words: emits each run of letters with 1", function()
    assert.same({ { "To", 1 }, { "be", 1 }, { "be", 1 } }, mapped("words", {}, "To be, 2be\xe4"))
    assert.same({}, mapped("words", {}, ""))
  end)

  it("grep: keeps what matches a Lua pattern", function()
    assert.same({ { 7, "one" } }, mapped("grep", { pattern = "e$" }, "one"))
    assert.same({}, mapped("grep", { pattern = "^e" }, "one"))
    assert.same({ { 7, "" } }, mapped("grep", { pattern = "" }, ""))
  end)

  it("field: emits a field and the line, the line and true for field 0", function()
    assert.same({ { "b", " a\t b c" } }, mapped("field", { field = 2 }, " a\t b c"))
    assert.same({ { "", "a" } }, mapped("field", { field = 2, separator = "" }, "a"))
    assert.same({ { "", "a::c" } }, mapped("field", { field = 2, separator = ":" }, "a::c"))
    assert.same({ { "c", "a::c" } }, mapped("field", { field = 3, separator = ":" }, "a::c"))
    assert.same({ { "", "a::c" } }, mapped("field", { field = 4, separator = ":" }, "a::c"))
    assert.same({ { "x y", true } }, mapped("field", { field = 0 }, "x y"))
  end)

  it("say which param they need", function()
    assert.is_nil(maps.problem("words", {}))
    assert.is_nil(maps.problem("identity", {}))
    assert.is_nil(maps.problem("grep", { pattern = "%a" }))
    assert.matches("^needs params.pattern, a string", maps.problem("grep", {}))
    assert.matches("^needs params.pattern, a string", maps.problem("grep", { pattern = 1 }))
    assert.equal("cannot use params.pattern: malformed pattern (ends with '%')",
      maps.problem("grep", { pattern = "%" }))
    assert.is_nil(maps.problem("field", { field = 0 }))
    assert.is_nil(maps.problem("field", { field = 3, separator = "\0" }))
    assert.matches("^needs params.field, an integer", maps.problem("field", {}))
    assert.matches("^needs params.field", maps.problem("field", { field = -1 }))
    assert.matches("^needs params.field", maps.problem("field", { field = 1.0 }))
    assert.matches("^needs as params.separator a string of one byte",
      maps.problem("field", { field = 1, separator = ", " }))
    assert.matches("^needs as params.separator",
      maps.problem("field", { field = 1, separator = 1 }))
  end)
end)

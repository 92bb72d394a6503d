local cjson = require "cjson"
local lpeg = require "lpeg"
local records = require "mrlua.records"

describe("records.of()", function()
  it("reads lines with their offsets", function()
    assert.same({ { 0, "a" }, { 3, "" }, { 4, "b" } }, records.of(nil, "a\r\n\nb"))
    assert.same({}, records.of("lines", ""))
  end)

  it("reads CSV with quotes, newlines within them, and the names of the header", function()
    assert.same({ { 4, { a = "1", b = "x\"\n,y" } }, { 15, { a = "", b = "" } } },
      records.of("csv", "a,b\n1,\"x\"\"\n,y\"\n,\r\n"))
    assert.same({ { 3, { "1", "2" } } },
      records.of({ format = "csv", header = false, separator = ";" }, "\xef\xbb\xbf1;2\n\n\r\n"))
    assert.same({ { 0, { x = "1" } }, { 2, { x = "" } } },
      records.of({ format = "csv", columns = { "x" } }, "1\n\"\"\r"))
    for _, text in ipairs { "a\n\"b", "a\n\"b\"c", "a,a\n", "a\n1,2\n" } do
      assert.has_error(function() records.of("csv", text) end)
    end
  end)

  it("reads JSON with integers where they are exact", function()
    local list = records.of("jsonl", "\xef\xbb\xbf[1,1.5,null]\n\n{\"a\":2}")

    assert.same({ { 0, { 1, 1.5, cjson.null } }, { 17, { a = 2 } } }, list)
    assert.equal("integer", math.type(list[2][2].a))
    assert.has_error(function() records.of("jsonl", "{") end)
  end)

  it("reads records of so many bytes", function()
    local input = { format = "fixed", bytes = 2 }

    assert.same({ { 0, "ab" }, { 2, "c\n" } }, records.of(input, "abc\n"))
    assert.has_error(function() records.of(input, "abc") end,
      "the last record, at byte 2, is short")
  end)

  it("reads what a grammar matches, as its captures", function()
    local function of(record, text)
      return records.of({ format = "grammar", record = record }, text)
    end
    local word = lpeg.R "az" ^ 1

    assert.same({ { 0, "ab;" }, { 3, "c;" } }, of(word * ";", "ab;c;"))
    assert.same({ { 0, "ab" } }, of(lpeg.C(word) * ";", "ab;"))
    assert.same({ { 0, { "ab", "c" } } }, of(lpeg.C(word) * ";" * lpeg.C(word), "ab;c"))
    assert.has_error(function() of(word, "ab1") end, "what begins at byte 2 is no record")
  end)

  it("refuses what is no format", function()
    assert.has_error(function() records.of("lnes", "") end, "is \"lnes\": did you mean \"lines\"?")
  end)
end)

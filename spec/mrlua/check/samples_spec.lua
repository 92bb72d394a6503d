local lpeg = require "lpeg"
local samples = require "mrlua.check.samples"

describe("mrlua/check/samples invent()", function()
  it("makes the same records each time", function()
    for _, input in ipairs { "lines", "file", "csv", "jsonl" } do
      assert.same(samples.invent(input, { "a" }), samples.invent(input, { "a" }))
    end
  end)

  it("makes lines, an empty one and one without UTF-8 among them", function()
    local has = {}
    for _, record in ipairs(samples.invent("lines", {})) do
      assert.equal("integer", math.type(record[1]))
      has.empty = has.empty or record[2] == ""
      has.bytes = has.bytes or not utf8.len(record[2])
    end
    assert.same({ empty = true, bytes = true }, has)
  end)

  it("makes rows with the columns that the job names or asks for", function()
    assert.is_string(samples.invent("csv", { "uid" })[1][2].uid)
    local named = { format = "csv", columns = { "a", "b" } }
    assert.is_string(samples.invent(named, { "uid" })[1][2].b)
    assert.is_string(samples.invent({ format = "csv", header = false }, {})[1][2][2])
    assert.is_not_nil(samples.invent("jsonl", { "id" })[1][2].id)
  end)

  it("makes fixed records of their length", function()
    for _, record in ipairs(samples.invent({ format = "fixed", bytes = 13 }, {})) do
      assert.equal(13, #record[2])
    end
  end)

  it("makes none where it cannot know", function()
    assert.is_nil(samples.invent("run", {}))
    assert.is_nil(samples.invent({ format = "grammar", record = lpeg.P "a" }, {}))
  end)
end)

describe("mrlua/check/samples read()", function()
  it("reads whole records only of an input that is cut", function()
    assert.same({ { 0, "a" }, { 2, "b" } }, samples.read("lines", "a\nb\ncut", false))
    assert.same({ { 0, "a" }, { 2, "end" } }, samples.read("lines", "a\nend", true))
    assert.same({ { 0, "ab" } }, samples.read({ format = "fixed", bytes = 2 }, "abc", false))
  end)

  it("reads 200 records at most", function()
    assert.equal(200, #samples.read("lines", ("x\n"):rep(201), true))
  end)

  it("says what is wrong with an input", function()
    local list, message = samples.read("jsonl", "{\n", true)

    assert.is_nil(list)
    assert.matches("^Expected", message)
    assert.same({ nil, "run files cannot be tried here" }, { samples.read("run", "", true) })
  end)
end)

local outputs = require "mrlua.outputs"

-- The message of outputs.check for a value that it refuses.
local function refusal(value)
  local checked, message = outputs.check(value)
  assert.is_nil(checked)
  return message
end

-- So many outputs with names in order.
local function many(count)
  local by_name = {}
  for i = 1, count do
    by_name["o" .. i] = "tsv"
  end
  return by_name
end

describe("the job field outputs", function()
  it("is names and formats, with their options", function()
    assert.same({
      errors = { format = "jsonl" },
      rejected = { format = "csv.gz", options = { separator = ";", header = false } },
    }, outputs.check { errors = "jsonl", rejected = { format = "csv.gz", separator = ";" } })
  end)

  it("may be empty, and has eight names at most", function()
    assert.same({}, outputs.check {})
    assert.is_table(outputs.check(many(8)))
    assert.equal("has 9 names: 8 are the most, as each takes a file and a buffer in every task",
      refusal(many(9)))
  end)

  it("has names that parts can be told by", function()
    for _, name in ipairs { "e", "Errors_2", "partial", ("x"):rep(32) } do
      assert.is_table(outputs.check { [name] = "tsv" })
    end
    for _, name in ipairs { "", "2x", "_x", "a-b", "a.b", "a/b", "part", "a\n", ("x"):rep(33) } do
      assert.matches("^has the name '.*': a name is 1 to 32 letters", refusal { [name] = "tsv" })
    end
  end)

  it("names the output whose format is wrong", function()
    assert.equal("has 'errors', which is \"jsnl\": did you mean \"jsonl\"?",
      refusal { errors = "jsnl", other = "tsv" })
    assert.matches("^has 'errors', which has no option 'seperator' for \"csv\"",
      refusal { errors = { format = "csv", seperator = ";" } })
  end)

  it("is a table", function()
    assert.matches("^must be a table of names and formats", refusal "errors")
    assert.matches("^has the name '1'", refusal { "errors" })
  end)
end)

describe("outputs.names()", function()
  it("answers the names in byte order", function()
    assert.same({ "B", "a", "b" }, outputs.names { b = "tsv", a = "csv", B = "run" })
    assert.same({}, outputs.names(nil))
  end)
end)

describe("outputs.number()", function()
  it("gives numbers by name, from 0, and raises for others", function()
    local numbers = {}
    outputs.number(numbers, { rejected = {}, errors = {} })

    assert.equal(0, numbers.errors)
    assert.equal(1, numbers.rejected)
    assert.has_error(function() return numbers.error end)
  end)
end)

describe("outputs.emit_to()", function()
  it("keeps what it is given", function()
    local kept = {}
    local emit_to = outputs.emit_to({ errors = "tsv" }, function(...) kept = { ... } end)

    emit_to("errors", 1, { 2 })
    assert.same({ "errors", 1, { 2 } }, kept)
  end)

  it("raises at the line that called it for a name that is not there", function()
    local function message_of(by_name, name)
      local emit_to = outputs.emit_to(by_name, error)
      return select(2, pcall(function()
        emit_to(name, 1, 1)
      end))
    end

    assert.matches("outputs_spec.lua:%d+: mr.emit_to: the job has no output 'eror': did you mean "
      .. "'error'%?", message_of({ error = "tsv" }, "eror"))
    assert.matches("no output 'main': there are a, b$",
      message_of({ a = "tsv", b = "tsv" }, "main"))
    assert.matches("no output 'a': its field 'outputs' is missing$", message_of(nil, "a"))
    assert.matches("no output 'nil'", message_of({ a = "tsv" }, nil))
  end)
end)

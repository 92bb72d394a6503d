local params = require "mrlua.params"

local function problem_of(declared)
  local defaults, message = params.check { x = declared }
  assert.is_nil(defaults)
  return message
end

describe("params.check()", function()
  it("answers the defaults, whichever way they are written", function()
    local defaults = params.check { n = 10, rate = { default = 1, type = "number" }, on = false,
      mode = { default = "a", one_of = { "a", "b" } }, user = { type = "string" } }

    assert.same({ n = 10, rate = 1.0, on = false, mode = "a" }, defaults)
    assert.equal("float", math.type(defaults.rate))
    assert.same({}, params.check {})
  end)

  it("leaves the job's table as it is", function()
    local field = { rate = { default = 1, type = "number", one_of = { 1, 2 } } }

    params.check(field)
    assert.same({ rate = { default = 1, type = "number", one_of = { 1, 2 } } }, field)
    assert.equal("integer", math.type(field.rate.one_of[1]))
  end)

  it("takes only names with simple values or declarations", function()
    assert.equal("must be a table of names and their default values",
      select(2, params.check "n=1"))
    assert.equal("must have names as keys, not 1", select(2, params.check { "x" }))
    assert.equal("'x' must be a string, number or boolean, or a table that declares one, not a "
      .. "function", problem_of(print))
  end)

  it("names what is wrong in a declaration", function()
    assert.equal("'x' has an unknown option 'typ': did you mean 'type'?",
      problem_of { typ = "string" })
    assert.matches("^'x' has an unknown option 'required': there are default, help, max, min,",
      problem_of { type = "string", required = true })
    assert.equal("'x' needs a default or a type", problem_of { help = "what it is" })
    assert.equal("'x' has type \"intger\": did you mean \"integer\"?",
      problem_of { type = "intger" })
    assert.equal("'x' has type \"table\": must be \"boolean\", \"integer\", \"number\", \"string\"",
      problem_of { type = "table" })
    assert.equal("'x' is a string and has no min", problem_of { default = "a", min = 1 })
    assert.equal("'x' has a max that must be a number", problem_of { default = 1, max = "2" })
    assert.equal("'x' has a help that must be a string", problem_of { default = 1, help = 1 })
    assert.equal("'x' has one_of that must be a list of 1 to 100 values",
      problem_of { type = "string", one_of = {} })
    assert.equal("'x' has one_of with values that must be an integer: see item 2",
      problem_of { default = 1, one_of = { 1, "b" } })
  end)

  it("holds a default to what is declared beside it", function()
    assert.equal("'x' has a default that must be an integer from 1 to 9, not 10",
      problem_of { default = 10, min = 1, max = 9 })
    assert.equal("'x' has a default that must be one of \"a\", \"b\", not \"c\"",
      problem_of { default = "c", one_of = { "a", "b" } })
    assert.equal("'x' has a default that must be an integer, not \"ten\"",
      problem_of { default = "ten", type = "integer" })
  end)

  it("lists at most a hundred values", function()
    local values = {}
    for i = 1, 100 do
      values[i] = i
    end

    assert.same({}, params.check { x = { one_of = values, type = "integer" } })
    values[101] = 101
    assert.matches("a list of 1 to 100 values", problem_of { one_of = values, type = "integer" })
  end)

  it("wants a name that can be given where there is no default", function()
    assert.equal("'a-b' needs a default: --param can name only letters, digits and '_'",
      select(2, params.check { ["a-b"] = { type = "string" } }))
    assert.same({ ["a-b"] = 1 }, params.check { ["a-b"] = 1 })
  end)
end)

describe("params.missing()", function()
  it("is the first that has no value", function()
    local field = { a = 1, b = { type = "string" }, c = { type = "integer" } }

    assert.equal("b", params.missing(field, { a = 1 }))
    assert.equal("c", params.missing(field, { a = 1, b = "" }))
    assert.is_nil(params.missing(field, { a = 1, b = "", c = 0 }))
  end)
end)

describe("params.apply()", function()
  local field = { n = 10, rate = 0.5, pattern = "x", exact = false }

  local function complaint(declared, text)
    local values, message = params.apply({ x = declared }, { x = text })
    assert.is_nil(values)
    return message
  end

  it("converts to the type of the default", function()
    assert.same({ n = 12, rate = 2.0, pattern = "12", exact = true },
      params.apply(field, { n = "12", rate = "2", pattern = "12", exact = "true" }))
    assert.equal("float", math.type(params.apply(field, { rate = "2" }).rate))
    assert.same({ n = 10, rate = 0.5, pattern = "x", exact = false }, params.apply(field, {}))
  end)

  it("takes back what it answered", function()
    local declared = { n = { type = "integer", min = 1 }, rate = 0.5, on = true,
      mode = { one_of = { "a", "b" } } }
    local once = params.apply(declared, { n = "3", rate = "1", on = "false", mode = "b" })

    assert.same(once, params.apply(declared, once))
    assert.equal("float", math.type(params.apply(declared, once).rate))
  end)

  it("names the param, what it must be and what was given", function()
    assert.equal("param 'x' must be an integer, not '1.5'", complaint(10, "1.5"))
    assert.equal("param 'x' must be a boolean, true or false, not 'yes'", complaint(true, "yes"))
    assert.equal("param 'x' must be a number, not 'much'", complaint(0.5, "much"))
    assert.equal("param 'x' must be an integer from 1 to 100, not '101'",
      complaint({ default = 10, min = 1, max = 100 }, "101"))
    assert.equal("param 'x' must be an integer of at least 1, not '0'",
      complaint({ type = "integer", min = 1 }, "0"))
    assert.equal("param 'x' must be a number of at most 0.5, not '0.6'",
      complaint({ type = "number", max = 0.5 }, "0.6"))
    assert.equal("param 'x' must be one of \"asc\", \"desc\", not 'down'",
      complaint({ default = "asc", one_of = { "asc", "desc" } }, "down"))
  end)

  it("allows the bounds themselves", function()
    local declared = { x = { type = "integer", min = 1, max = 3 } }

    assert.equal(1, params.apply(declared, { x = "1" }).x)
    assert.equal(3, params.apply(declared, { x = "3" }).x)
  end)

  it("says which one is missing, and its help", function()
    assert.equal("param 'user' is missing: give --param user=VALUE, a string (whose lines)",
      select(2, params.apply({ n = 1, user = { type = "string", help = "whose lines" } },
        { n = "2" })))
    assert.equal("param 'x' must be an integer, not 'many' (how many)",
      complaint({ default = 1, help = "how many" }, "many"))
  end)

  it("suggests the nearest for an unknown one", function()
    assert.equal("unknown param 'patern': did you mean 'pattern'?",
      select(2, params.apply(field, { patern = "y" })))
    assert.equal("unknown param 'a': there are none", select(2, params.apply({}, { a = 1 })))
  end)
end)

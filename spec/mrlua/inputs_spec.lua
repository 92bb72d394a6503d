local inputs = require "mrlua.inputs"
local job = require "mrlua.job"
local lpeg = require "lpeg"

local function nothing() end

local function view_of(fields)
  local spec = { map = nothing, reduce = nothing }
  for name, value in pairs(fields) do
    spec[name] = value
  end
  local view, message = job.check(spec)
  return view, message
end

local function message_of(field)
  return select(2, view_of { inputs = field })
end

describe("the job field inputs", function()
  it("becomes data, with what the job says for all", function()
    local view = view_of { input = { format = "fixed", bytes = 3 }, inputs = {
      users = { "u1", "u2/*", map = nothing, input = "csv" },
      clicks = { map = "identity" },
    } }

    assert.same({
      users = { paths = { "u1", "u2/*" }, map = true, input = "csv",
        input_options = { header = true, separator = "," } },
      clicks = { paths = {}, map = "identity", input = "fixed", input_options = { bytes = 3 } },
    }, view.inputs)
    assert.equal("fixed", view.input)
  end)

  it("takes a grammar for each input", function()
    local view = view_of { inputs = {
      a = { input = { format = "grammar", record = lpeg.P(1), resync = "\n" } },
      b = { input = "jsonl" },
    } }

    assert.equal("grammar", view.inputs.a.input)
    assert.equal("jsonl", view.inputs.b.input)
  end)

  it("needs a map for each input, its own or the job's", function()
    assert.truthy(job.check { inputs = { a = { map = nothing } } })
    assert.equal("job field 'inputs.b.map' is missing: a function, or \"identity\"",
      select(2, job.check { inputs = { a = { map = nothing }, b = {} } }))
  end)

  it("holds each map to its format and its params", function()
    assert.equal("job field 'inputs.a.map' is \"words\" and reads text, and input = \"csv\" gives "
      .. "tables", message_of { a = { map = "words", input = "csv" } })
    assert.equal("job field 'inputs.b.map' is \"grep\" and needs params.pattern, a string: the Lua "
      .. "pattern of what is kept", message_of { a = {}, b = { map = "grep" } })
  end)

  it("names the input and what is wrong with it", function()
    assert.equal("job field 'inputs' must be a table of names and what they read", message_of {})
    assert.equal("job field 'inputs' must be a table of names and what they read", message_of(7))
    assert.equal("job field 'inputs' 'a' must be a table of paths, map and input",
      message_of { a = "path" })
    assert.equal("job field 'inputs' has the name '2': must be of letters, digits and '_', at "
      .. "most 64 of them", message_of { [2] = { "path" } })
    assert.matches("has the name 'a%-b': must be of letters", message_of { ["a-b"] = {} })
    assert.equal("job field 'inputs' 'a' has an unknown field 'maps': did you mean 'map'?",
      message_of { a = { maps = nothing } })
    assert.equal("job field 'inputs' 'a' has an unknown field '3': there are input, map",
      message_of { a = { "x", [3] = "y" } })
    assert.matches("^job field 'inputs' 'a' has a map that must be a function or one of",
      message_of { a = { map = "word" } })
    assert.equal("job field 'inputs' 'a' has an input that is \"cvs\": did you mean \"csv\"?",
      message_of { a = { input = "cvs" } })
    for _, path in ipairs { "", "a\0b", 7, false } do
      assert.equal("job field 'inputs' 'a' has paths that must be strings: see item 2",
        message_of { a = { "x", path } })
    end
  end)

  it("says of a path in place of names where each goes", function()
    for _, field in ipairs { "/path", { "/path" }, { { "/path" } }, { "/path", a = {} } } do
      assert.equal("job field 'inputs' is a table of names, inputs = { NAME = { \"path\" } }; a "
        .. "plain path goes on the command line", message_of(field))
    end
  end)

  it("has at most 64 names of 64 bytes, and 1000 paths each", function()
    local field, paths = {}, {}
    for i = 1, 64 do
      field[("n%063d"):format(i)] = {}
    end
    for i = 1, 1000 do
      paths[i] = "path"
    end
    field[("n%063d"):format(1)] = paths

    assert.truthy(view_of { inputs = field })
    paths[1001] = "path"
    assert.equal(("job field 'inputs' '%s' lists 1001 paths, 1000 are the most: name a folder or "
      .. "a pattern"):format(("n%063d"):format(1)), message_of(field))
    paths[1001], field.one_more = nil, {}
    assert.equal("job field 'inputs' has 65 names, 64 are the most", message_of(field))
    assert.matches("at most 64 of them", message_of { [("n%064d"):format(1)] = {} })
  end)
end)

describe("mrlua/inputs", function()
  it("lists what maps read by name, byte by byte", function()
    local view = view_of { inputs = { b = {}, B = {}, a1 = {}, a = {} } }
    local fields = {}
    for i, source in ipairs(inputs.sources(view)) do
      fields[i] = source[1]
    end

    assert.same({ "inputs.B.map", "inputs.a.map", "inputs.a1.map", "inputs.b.map" }, fields)
    assert.equal("map", inputs.sources(view_of {})[1][1])
  end)

  it("answers the fields of an input, and of a job without", function()
    local spec = { map = nothing, input = "csv", inputs = { a = { map = print }, b = {
      input = "lines" } } }

    assert.same({ map = print, input = "csv" }, inputs.of(spec, "a"))
    assert.same({ map = nothing, input = "lines" }, inputs.of(spec, "b"))
    assert.same({ map = nothing, input = "csv" }, inputs.of(spec))
  end)
end)

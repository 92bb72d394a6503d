local job = require "mrlua.job"
local pipeline = require "mrlua.pipeline"

local function f() end
local function g() end

local function nowhere()
  return ""
end

-- Why this is no job.
local function message_of(spec)
  local view, message = job.check(spec)
  assert.is_nil(view)
  return message
end

-- What a driver runs, as it asks for it; each answers its number.
local function asked(spec)
  local calls = {}
  local mr = { params = spec.params or {} }
  function mr.run(step)
    calls[#calls + 1] = step
    return #calls
  end
  local last = pipeline.driver(spec)(mr, mr.params)
  calls[#calls + 1] = last
  return calls
end

local function joined(spec, step, reads, is_last)
  local whole, message = pipeline.join(spec, step, reads, is_last, "")
  if not whole then
    return nil, message
  end
  local call = assert(pipeline.pack(whole, pipeline.paths_of(spec), nowhere))
  return pipeline.unpack(spec, call), call
end

describe("pipeline", function()
  describe("a list of steps", function()
    it("runs each on the one before it, and returns the last", function()
      local calls = asked { steps = {
        { map = f, reduce = g }, { map = "identity", reduce = "sum" }, { map = g },
      } }

      assert.same({ 3, f, g }, { #calls, calls[1].map, calls[3].map })
      assert.same({ nil, 1, 2 }, { calls[1].inputs, calls[2].inputs, calls[3].inputs })
    end)

    it("puts a map without reduce before that of the step that follows", function()
      local spec = { steps = {
        { map = "words" }, { map = f }, { map = g, reduce = "sum" }, { map = f }, { map = g },
      } }

      assert.equal(2, #asked(spec))
      assert.equal(2, job.check(spec).steps)
    end)

    it("reads the job's input first, and says which field of which step is wrong", function()
      local ok = { map = f, reduce = "sum" }

      assert.equal("steps[2]: field 'map' is missing: a function, or \"identity\"",
        message_of { steps = { ok, { reduce = "sum" } } })
      assert.equal("steps[1]: unknown job field 'reducer': did you mean 'reduce'?",
        message_of { steps = { { map = f, reducer = f }, ok } })
      assert.equal("steps[2]: field 'input' is there, and what it reads are the records of a step",
        message_of { steps = { ok, { map = f, reduce = "sum", input = "csv" } } })
      assert.equal("steps[1]: field 'output' is there, and only the last step's records are the "
        .. "job's output", message_of { steps = { { map = f, reduce = f, output = "csv" }, ok } })
      assert.equal("steps[1]: field 'unsafe' is the whole job's",
        message_of { steps = { { map = f, unsafe = true } } })
      assert.equal("steps[1]: field 'steps' is the whole job's",
        message_of { steps = { { steps = { ok } } } })
      assert.equal("steps[1]: field 'inputs' is the whole job's",
        message_of { steps = { { map = f, inputs = { a = {} } }, ok } })
      assert.equal("steps[2]: must be a table, not a string", message_of { steps = { ok, "x" } })
      assert.is_table(job.check { input = "csv", output = "jsonl", steps = { ok, ok } })
    end)

    it("reads the job's inputs by name in its first step, whose map is theirs, too", function()
      local inputs = { a = { "a.csv", map = g, input = "csv" }, b = {} }
      local ok = { map = f, reduce = "sum" }
      local view = assert(job.check { inputs = inputs, steps = { ok, ok } })

      assert.same({ paths = { "a.csv" }, map = true, input = "csv" },
        { paths = view.inputs.a.paths, map = view.inputs.a.map, input = view.inputs.a.input })
      assert.equal("lines", view.inputs.b.input)
      assert.is_table(job.check { inputs = { a = { map = g } }, steps = { { reduce = "sum" } } })
      assert.equal("steps[1]: field 'inputs.b.map' is missing: a function, or \"identity\"",
        message_of { inputs = inputs, steps = { { reduce = "sum" }, ok } })
      assert.equal("steps[1]: field 'input' is there, and the job's inputs have formats of their "
        .. "own", message_of { inputs = inputs, steps = { { map = f, input = "csv" }, ok } })
    end)

    it("gives a map that has no attempts of its own no limits of its own", function()
      local map = { map = f, limits = { seconds = 1 } }

      assert.equal("steps[1]: field 'limits' is there, and its map runs in the attempts of the next"
        .. " step", message_of { steps = { map, { map = f, reduce = "sum" } } })
      assert.is_table(job.check { steps = { map } })
      map = { map = f, params = { n = 1 } }
      assert.matches("^steps%[1%]: field 'params' is there, .*: give them to the job$",
        message_of { steps = { map, { map = f, reduce = "sum" } } })
    end)

    it("has at least one and at most 100 steps, and no names", function()
      local many = {}
      for i = 1, 100 do
        many[i] = { map = f, reduce = "sum" }
      end
      assert.is_table(job.check { steps = many })
      many[101] = many[1]
      assert.equal("job field 'steps' has 101 steps, more than 100: a loop is what drive is for",
        message_of { steps = many })
      assert.matches("^job field 'steps' is empty", message_of { steps = {} })
      assert.matches("one by name is for drive", message_of { steps = { a = { map = f } } })
      assert.equal("job field 'steps' must be a table of steps", message_of { steps = 7 })
    end)
  end)

  it("leaves map and the like to the steps", function()
    for _, field in ipairs { "map", "reduce", "combine", "reducers", "setup", "group" } do
      assert.equal(("job field '%s' is that of a step: put it into 'steps'"):format(field),
        message_of { drive = f, [field] = f })
    end
    assert.equal("job field 'drive' must be a function", message_of { drive = 1 })
    assert.is_table(job.check { drive = f, steps = { any = f, { "table" } } })
  end)

  describe("a step as a job of its own", function()
    local spec = {
      name = "n", input = "csv", output = "jsonl", params = { a = 1, b = 2 },
      limits = { seconds = 3 }, drive = f, steps = { one = { map = f } },
    }

    it("has what the whole job says, and its own", function()
      local step = joined(spec, { map = f, params = { b = 3, c = 4 }, attempts = 2 }, "job", false)

      assert.same({ name = "n", input = "csv", output = "run", params = { a = 1, b = 3, c = 4 },
        limits = { seconds = 3 }, map = f, attempts = 2 }, step)
      assert.same({ a = 1, b = 2 }, spec.params)
    end)

    it("reads and writes run files between the first and the last", function()
      assert.equal("run", joined(spec, { map = f }, "steps", false).input)
      assert.equal("jsonl", joined(spec, { map = f }, "steps", true).output)
      assert.equal("tsv", joined(spec, { map = f, output = "tsv" }, "steps", true).output)
      assert.equal("file", joined(spec, { map = f, input = "file" }, "job", true).input)
    end)

    it("has the job's inputs where it reads those, and by their paths", function()
      local of_job = { inputs = { a = { map = f, input = "csv" }, b = {} },
        steps = { g } }
      local step, call = joined(of_job, { map = g, reduce = "sum" }, "job")

      assert.same({ f, "csv", g }, { step.inputs.a.map, step.inputs.a.input, step.map })
      assert.same({ at = { "inputs", "a", "map" }, path = { "inputs", "a", "map" } }, call.paths[1])
      assert.is_nil(joined(of_job, { map = f, reduce = "sum" }, "steps").inputs)
    end)

    it("travels as data and paths", function()
      local _, call = joined(spec, { map = f, reduce = "sum" }, "job", true)

      assert.same({ { at = { "map" }, path = { "drive" } } }, call.paths)
      assert.is_nil(call.fields.map)
      assert.equal("sum", call.fields.reduce)
    end)

    it("finds the same place of several each time, and leaves cycles", function()
      local twice = { b = { g }, a = { x = g } }
      twice.self = twice

      assert.same({ "a", "x" }, pipeline.paths_of(twice)[g])
    end)

    it("refuses what is not in the job table, wherever it is", function()
      local paths = pipeline.paths_of(spec)

      local call, message = pipeline.pack({ map = g }, paths, function()
        return " (it begins at x.lua:3)"
      end)
      assert.is_nil(call)
      assert.matches("^field 'map' is a function that is not in the job table %(it begins at "
        .. "x.lua:3%): ", message)
      message = select(2, pipeline.pack({ input = { record = io.stdout } }, paths, nowhere))
      assert.matches("^field 'input.record' is a pattern that is not in the job table: ", message)
    end)
  end)
end)

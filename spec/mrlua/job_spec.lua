local job = require "mrlua.job"

local function nothing() end

-- A job that is fine, with these fields besides.
local function with(fields)
  local spec = { map = nothing, reduce = nothing }
  for name, value in pairs(fields) do
    spec[name] = value
  end
  return spec
end

local function message_of(fields)
  return select(2, job.check(with(fields)))
end

describe("job.check()", function()
  it("answers plain data with every default", function()
    assert.same({
      map = true, reduce = true, input = "lines", output = "tsv", partition = "hash", group = 0,
      params = {}, files = {}, attempts = 4, skip_bad = 0, unsafe = false, deterministic = true,
      limits = { memory = 536870912, seconds = 600.0, seconds_per_record = 60.0 },
    }, job.check(with {}))
  end)

  it("keeps what is given, functions as true and built-ins by name", function()
    local view = job.check {
      name = "w", map = "identity", combine = "max", reduce = "max", partition = nothing,
      group = 2, reducers = 3, attempts = 1, skip_bad = 7, unsafe = true, deterministic = false,
      input = "run", output = "jsonl", setup = nothing, cleanup = nothing,
      params = { pattern = "x", n = 1 }, files = { "d/geo.csv" },
      limits = { memory = "64M", seconds = 1 },
    }

    assert.same({
      name = "w", map = "identity", combine = "max", reduce = "max", partition = true,
      group = 2, reducers = 3, attempts = 1, skip_bad = 7, unsafe = true, deterministic = false,
      input = "run", output = "jsonl", setup = true, cleanup = true,
      params = { pattern = "x", n = 1 }, files = { { name = "geo.csv", path = "d/geo.csv" } },
      limits = { memory = 67108864, seconds = 1.0, seconds_per_record = 60.0 },
    }, view)
  end)

  it("takes a partition by name", function()
    assert.equal("range", job.check(with { partition = "range" }).partition)
    assert.equal("job field 'partition' must be \"hash\", \"range\" or a function",
      message_of { partition = "ranges" })
  end)

  it("suggests the nearest field for an unknown one", function()
    assert.equal("unknown job field 'reducer': did you mean 'reduce'?",
      message_of { reducer = nothing })
    assert.equal("unknown job field 'Map': did you mean 'map'?", message_of { Map = nothing })
    assert.matches("^unknown job field 'something_else': there are attempts, cleanup, ",
      message_of { something_else = 1 })
    assert.matches("^unknown job field '1': there are", message_of { [1] = 1 })
  end)

  it("knows jobs of several steps: mrlua.pipeline", function()
    local view = job.check { steps = { { map = "words", reduce = "sum" } }, params = { n = 1 } }

    assert.same({ true, 1, { n = 1 } }, { view.drive, view.steps, view.params })
    assert.is_nil(view.map)
  end)

  it("names the field and what it must be", function()
    assert.equal("job field 'group' must be an integer from 0 to 16", message_of { group = 1.5 })
    for _, wrong in ipairs { -1, 1001, 1.5, "3", true } do
      assert.equal("job field 'skip_bad' must be an integer from 0 to 1000",
        message_of { skip_bad = wrong })
    end
    assert.equal("job field 'setup' must be a function", message_of { setup = "x" })
    assert.equal("job field 'unsafe' must be true or false", message_of { unsafe = 1 })
    assert.equal('job field \'map\' must be a function or one of "field", "grep", "identity", '
      .. '"words"', message_of { map = "word" })
    assert.equal('job field \'reduce\' must be a function or one of "count", "distinct", "first", '
      .. '"identity", "list", "max", "mean", "min", "sum", "top"', message_of { reduce = "median" })
    assert.equal('job field \'combine\' must be a function or one of "count", "distinct", "first", '
      .. '"identity", "max", "min", "sum", "top"', message_of { combine = "mean" })
    assert.equal("job field 'output' is \"tsvv\": did you mean \"tsv\"?",
      message_of { output = "tsvv" })
    assert.equal("job field 'input' has no option 'byte' for \"fixed\": did you mean 'bytes'?",
      message_of { input = { format = "fixed", byte = 1 } })
    assert.matches("^job field 'name' must be a word", message_of { name = "a/b" })
  end)

  it("keeps the options of a format beside its name", function()
    local output = { format = "csv.gz", columns = { "a" } }
    local view = job.check(with { input = "csv", output = output })

    assert.equal("csv", view.input)
    assert.same({ header = true, separator = "," }, view.input_options)
    assert.equal("csv.gz", view.output)
    assert.same({ columns = { "a" }, header = true, separator = "," }, view.output_options)
  end)

  it("refuses a built-in map of text where values are tables", function()
    assert.equal("job field 'map' is \"words\" and reads text, and input = \"csv\" gives tables",
      message_of { map = "words", input = "csv" })
    assert.is_nil(message_of { map = "identity", input = "jsonl" })
  end)

  it("checks each limit", function()
    assert.equal("job field 'limits' has an unknown limit 'second': did you mean 'seconds'?",
      message_of { limits = { second = 1 } })
    assert.matches("^job field 'limits' memory must be a size", message_of {
      limits = { memory = "lots" },
    })
    assert.equal("job field 'limits' memory must be at least 1M",
      message_of { limits = { memory = 1000 } })
    assert.equal("job field 'limits' seconds must be a number of seconds above 0",
      message_of { limits = { seconds = 0 } })
  end)

  it("checks what combine and reduce mean together", function()
    assert.matches("'combine' can be \"count\" only where reduce is \"count\"",
      message_of { combine = "count" })
    assert.matches("would change what reduce = \"min\" answers",
      message_of { combine = "sum", reduce = "min" })
    assert.truthy(job.check(with { combine = "count", reduce = "count" }))
    assert.truthy(job.check(with { combine = "sum" }))
  end)

  it("checks how many values are top", function()
    local message = "job field '%s' is \"top\" and params.n must be an integer from 1 to 1000"
    assert.equal(message:format("reduce"), message_of { reduce = "top" })
    for _, n in ipairs { 0, 1001, 1.5, "3" } do
      assert.equal(message:format("combine"),
        message_of { combine = "top", reduce = nothing, params = { n = n } })
    end
    assert.truthy(job.check(with { combine = "top", reduce = "top", params = { n = 1000 } }))
  end)

  it("leaves what a built-in reads for the run to say, where it has no default", function()
    assert.truthy(job.check { map = "grep", params = { pattern = { type = "string" } } })
    assert.matches("params.pattern", select(2, job.check { map = "grep",
      params = { patern = { type = "string", default = "x" } } }))
  end)

  it("may have no reduce, and then nothing that is for one", function()
    assert.is_nil(job.check({ map = nothing }).reduce)
    for field, value in pairs {
      combine = "sum", group = 1, reducers = 2, partition = "range",
    } do
      local view, message = job.check { map = nothing, [field] = value }
      assert.is_nil(view)
      assert.matches("^job field '" .. field .. "' is there and 'reduce' is missing", message)
    end
    assert.matches("params.pattern", select(2, job.check { map = "grep" }))
  end)

  it("needs map", function()
    assert.matches("'map' is missing", select(2, job.check { reduce = nothing }))
    assert.equal("a job file must return a table, not nil", select(2, job.check(nil)))
    assert.equal("a job file must return a table, not a function", select(2, job.check(nothing)))
  end)

  it("takes only params that have a type", function()
    assert.equal("job field 'params' 'f' needs a default or a type",
      message_of { params = { f = {} } })
    assert.matches("must have names as keys", message_of { params = { "x" } })
  end)
end)

local temp = require "spec.support.temp"

local loads, view_files, view_more

package.loaded["mrlua.engine"] = {
  load_job = function(args)
    loads[#loads + 1] = args
    local view = { input = "lines", output = "tsv", reduce = "sum", reducers = 5, attempts = 7,
      limits = { memory = "1M" }, files = view_files }
    for name, value in pairs(view_more) do
      view[name] = value
    end
    return { view = view, log = {} }
  end,
}
local request = require "mrlua.cli.request"

local folder

local function make(flags)
  flags.job, flags.inputs = temp.write(folder .. "/count.lua", "return {}"), { "in" }
  flags.params = {}
  return assert(request.make(flags, "run"))
end

describe("mrlua/cli/request make()", function()
  before_each(function()
    loads, view_files, view_more, folder = {}, {}, {}, temp.folder()
  end)

  after_each(function()
    temp.remove(folder)
  end)

  it("takes the job's fields where no flag is given", function()
    local config = make {}

    assert.equal("count", config.job_name)
    assert.equal(5, config.reducers)
    assert.equal(7, config.attempts)
    assert.equal(1 << 20, config.memory_bytes)
    assert.equal(600000, config.progress_ms)
    assert.is_false(config.unsafe)
    assert.same({ "in" }, config.inputs)
    assert.same({}, config.input_groups)
    assert.equal(1, #loads)
  end)

  it("says what is wrong with the inputs", function()
    local path = temp.write(folder .. "/count.lua", "return {}")
    local config, fault = request.make({ job = path, inputs = {}, params = {} }, "run")

    assert.is_nil(config)
    assert.equal("setup", fault.kind)
    assert.matches("^missing argument 'INPUT'", fault.message)
  end)

  it("lets a flag win", function()
    local config = make { reducers = 2, attempts = 1, limit_memory_bytes = 3,
      limit_seconds = 1.5 }

    assert.equal(2, config.reducers)
    assert.equal(1, config.attempts)
    assert.equal(3, config.memory_bytes)
    assert.equal(1500, config.progress_ms)
  end)

  it("says where the side files are: beside the job, or where a flag says", function()
    view_files = { { name = "a", path = "x/a.txt" }, { name = "b", path = "/b" } }

    assert.same({ a = folder .. "/x/a.txt", b = "/b" }, make({}).files)
    assert.same({ a = folder .. "/x/a.txt", b = "c" }, make({ files = { b = "c" } }).files)
  end)

  it("refuses a flag for a side file that the job has not", function()
    local config, fault = request.make { job = temp.write(folder .. "/count.lua", "return {}"),
      inputs = { "in" }, params = {}, files = { c = "d" } }

    assert.is_nil(config)
    assert.same({ kind = "setup",
      message = "option '--file': there is no side file 'c': the job has no field 'files'" }, fault)
  end)

  it("says which file is not there, and loads nothing", function()
    local config, fault = request.make({ job = "/nowhere/job.lua", inputs = {}, params = {} },
      "run")

    assert.is_nil(config)
    assert.equal("setup", fault.kind)
    assert.matches("^/nowhere/job.lua: ", fault.message)
    assert.equal(0, #loads)
  end)

  it("lets only jobs take part in --reuse whose maps answer the same each time", function()
    local flags = { job = temp.write(folder .. "/count.lua", "return {}"), inputs = { "in" },
      params = {}, reuse = true }

    assert.is_true(make({ reuse = true }).reuse)
    assert.is_false(make({}).reuse)
    view_more = { deterministic = false }
    local config, fault = request.make(flags)
    assert.is_nil(config)
    assert.equal("setup", fault.kind)
    assert.matches("count.lua says deterministic = false", fault.message)
    assert.is_truthy(make {})
  end)
end)

local job_options = require "mrlua.cli.job_options"

local function parse(...)
  local parser = job_options.parser("do", "Does it.", "Files.")
  job_options.add_inputs(parser)
  job_options.add_plan(parser)
  job_options.add_rare(parser)
  return job_options.parse(parser, { "job.lua", ... })
end

describe("mrlua/cli/job_options", function()
  it("reads a job and its inputs", function()
    assert.same({ job = "job.lua", inputs = { "a", "b" }, params = {}, files = {} },
      parse("a", "b"))
  end)

  it("makes a table of parameters, each once", function()
    assert.same({ n = "1", m = "" }, parse("a", "--param", "n=1", "--param", "m=").params)
    assert.equal("option '--param': 'n' is given twice",
      select(2, parse("a", "--param", "n=1", "--param", "n=2")))
  end)

  it("makes a table of side files, each once", function()
    assert.same({ stop = "a=b", ["geo.csv"] = "gs://b/geo" },
      parse("a", "--file", "stop=a=b", "--file", "geo.csv=gs://b/geo").files)
    assert.equal("option '--file': 'n' is given twice",
      select(2, parse("a", "--file", "n=1", "--file", "n=2")))
  end)

  it("refuses an input without a name", function()
    assert.equal("an input is an empty name", select(2, parse("a", "")))
  end)
end)

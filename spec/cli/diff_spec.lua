-- mrlua diff, of runs of this machine; of jobs of a master: spec/cluster/history_spec.lua.

local cjson = require "cjson"
local runs = require "spec.support.runs"
local temp = require "spec.support.temp"

local it_all

describe("mrlua diff", function()
  before_each(function()
    it_all = runs.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("tells the param that changed, and what came of it", function()
    it_all:run_job()
    it_all:run_job("--param", "least=2")
    local result = it_all:run { "diff", "r1", "r2" }

    assert.equal(1, result.code)
    assert.matches("^%-%-%- r1: [^\n]+\n%+%+%+ r2: [^\n]+\nparams\n    least  1 %-> 2\nresult\n",
      result.stdout)
    assert.matches("\n    records  2 %-> 1  %-50.0 %%\n", result.stdout)
    assert.not_matches("\nsource\n", result.stdout)
    assert.not_matches("\ninputs\n", result.stdout)
  end)

  it("finds nothing between two runs of the same", function()
    it_all:run_job()
    it_all:run_job()
    local result = it_all:run { "diff", "r1", "r2" }

    assert.equal(0, result.code)
    assert.matches("^%-%-%- r1: [^\n]+\n%+%+%+ r2: [^\n]+\ntime\n", result.stdout)
  end)

  it("tells the lines of the source and the inputs that changed", function()
    it_all:run_job()
    temp.write(it_all.job, (runs.JOB:gsub("lines", "seen")))
    temp.write(it_all.input, "a\nbb\na\n\nc\n")
    it_all:run_job()
    local text = it_all:run({ "diff", "r1", "r2" }).stdout

    assert.matches('\n  %-    mr.count%("lines"%)\n  %+    mr.count%("seen"%)\n', text)
    assert.matches("\ninputs\n    [^\n]*/in  8 B, of [^\n]+ %-> 10 B, of ", text)
    assert.matches("\n  %- user.lines +4\n", text)
  end)

  it("does so for programs", function()
    it_all:run_job()
    it_all:run_job("--reducers", 2)
    local result = it_all:run { "diff", "r1", "r2", "--json" }
    local told = cjson.decode(result.stdout)

    assert.equal(1, result.code)
    assert.is_false(told.same)
    assert.same({ { name = "reducers", old = 0, new = 2 } }, told.options)
    assert.same({}, told.params)
  end)

  it("says which of both there is none of, as diff(1) by 2", function()
    it_all:run_job()
    local result = it_all:run { "diff", "r1", "r9" }

    assert.equal(2, result.code)
    assert.equal("", result.stdout)
    assert.matches("^mrlua: there is no run r9 ", result.stderr)
  end)
end)

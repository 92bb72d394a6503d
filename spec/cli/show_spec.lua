-- mrlua show, of runs of this machine and of outputs; of jobs of a master:
-- spec/cluster/history_spec.lua.

local cjson = require "cjson"
local engine = require "spec.support.engine"
local runs = require "spec.support.runs"
local temp = require "spec.support.temp"

local it_all

-- What it tells of a job.
local function show(...)
  local result = it_all:run { "show", "--master", runs.NOBODY, ... }
  assert.equal(0, result.code, result.stderr)
  return result.stdout
end

describe("mrlua show", function()
  before_each(function()
    it_all = runs.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("tells all of a run", function()
    it_all:run_job("--param", "least=2")
    local text = it_all:run({ "show", "r1" }).stdout

    assert.matches("^r1: job, done in [^\n]+\nsource +[^\n]*/job.lua, id %x+\nparams +least=2\n"
      .. "inputs +[^\n]*/in %(8 B%)\n", text)
    assert.matches("\noutput +[^\n]*/out: 1 part, 1 records, ", text)
    assert.matches("\nmap +[%d.]+ m?s +1 task +read +8 B +4 records\n", text)
    assert.matches("\ncounted +lines 4\n", text)
  end)

  it("prints the source, so that it can be run again", function()
    it_all:run_job()

    assert.equal(runs.JOB, show("last", "--source"))
  end)

  it("does so for programs", function()
    it_all:run_job()
    local told = cjson.decode(it_all:run({ "show", "r1", "--json" }).stdout)

    assert.equal("run", told.kind)
    assert.same({ least = 1 }, told.params)
    assert.equal(runs.JOB, told.source.files[it_all.job])
    assert.equal(8, told.inputs[1].bytes)
    assert.equal(4, told.counters["user.lines"])
  end)

  it("tells why a run failed", function()
    it_all.job = temp.write(it_all.folder .. "/job.lua",
      "return { map = function() error('no such luck') end, reduce = 'count' }")
    assert.equal(1, it_all:run({ "run", it_all.job, it_all.input, "--quiet" }).code)

    assert.matches("^r1: job, failed [^\n]+\n.*\nerror +[^\n]*no such luck[^\n]*\n", show "last")
  end)

  it("finds the run that wrote an output, else tells what its manifest does", function()
    it_all:run_job()
    local out = it_all.folder .. "/out"

    assert.matches("^r1: job, ", it_all:run({ "show", out }).stdout)
    assert.matches("^output of [^\n]*/out: job, done\ninputs +[^\n]*/in %(8 B%)\n",
      engine.run({ "show", out }).stdout) -- elsewhere there is no record of it
    assert.matches("^mrlua: the source of [^\n]* is not known",
      engine.run({ "show", out, "--source" }).stderr)
  end)

  it("has no record of a run that could not start", function()
    assert.equal(2, it_all:run({ "run", it_all.job, it_all.folder .. "/nothing" }).code)

    assert.matches("^mrlua: there is no run r1 ", it_all:run({ "show", "r1" }).stderr)
  end)

  it("says which jobs there are none of", function()
    local function complaint(name)
      local result = it_all:run { "show", name, "--master", runs.NOBODY }
      assert.equal(2, result.code)
      return result.stderr
    end

    assert.matches("^mrlua: no master answers", complaint "7")
    assert.matches("^mrlua: there is no run r7 %(the last 100 are kept", complaint "r7")
    assert.matches("^mrlua: there is no job yet", complaint "last")
    assert.matches("^mrlua: 'wordcount' is neither the number of a job", complaint "wordcount")
    assert.matches("^mrlua: gs://b/o: neither a run of this machine nor", complaint "gs://b/o")
    assert.equal(2, it_all:run({ "show" }).code)
  end)

  it("takes a damaged record for none", function()
    it_all:run_job()
    temp.write(it_all.folder .. "/state/mrlua/runs/r1/job.json", "{")

    assert.matches("^mrlua: run r1 has no record that can be read",
      it_all:run({ "show", "r1" }).stderr)
    assert.equal(0, it_all:run({ "jobs", "--all", "--master", runs.NOBODY }).code)
  end)
end)

-- The records that runs of this machine leave, and mrlua jobs --all, which lists them.

local cjson = require "cjson"
local engine = require "spec.support.engine"
local runs = require "spec.support.runs"
local temp = require "spec.support.temp"

local it_all

describe("the past of this machine", function()
  before_each(function()
    it_all = runs.open()
  end)

  after_each(function()
    it_all:close()
  end)

  describe("jobs --all", function()
    it("lists the runs of this machine, newest first, where no master answers", function()
      it_all:run_job()
      it_all:run_job("--quiet")
      local result = it_all:run { "jobs", "--all", "--master", runs.NOBODY }

      assert.equal(0, result.code)
      assert.matches("^mrlua: only the runs of this machine: no master answers", result.stderr)
      assert.matches("^JOB +WHERE +NAME +STATE +BEGUN +TIME +OUTPUT\n +r2 +here +job +done "
        .. "[^\n]*/out\n +r1 +here ", result.stdout)
    end)

    it("does so for programs", function()
      it_all:run_job()
      local told = cjson.decode(it_all:run({ "jobs", "--all", "--json", "--master",
        runs.NOBODY }).stdout)

      assert.same({}, told.jobs)
      assert.equal("r1", told.runs[1].id)
      assert.equal("done", told.runs[1].state)
      assert.is_string(told.error.message)
    end)

    it("leaves out a run whose record is damaged", function()
      it_all:run_job()
      it_all:run_job()
      local path = it_all.folder .. "/state/mrlua/runs/r1/job.json"
      temp.write(path, '{"version":1,"name":"job","state":"done","begun":"x","seconds":1}')
      local result = it_all:run { "jobs", "--all", "--master", runs.NOBODY }
      local shown = it_all:run { "show", "r1", "--master", runs.NOBODY }

      assert.equal(0, result.code)
      assert.matches("\n +r2 ", result.stdout)
      assert.is_nil(result.stdout:find "r1")
      assert.equal("mrlua: run r1 has no record that can be read: the record of run r1 is damaged:"
        .. " 'begun' is a string, not an integer\n", shown.stderr)
      assert.equal(2, shown.code)
    end)

    it("is empty before there was anything", function()
      local result = it_all:run { "jobs", "--all", "--master", runs.NOBODY }

      assert.equal("JOB  WHERE  NAME  STATE  BEGUN  TIME  OUTPUT\n", result.stdout)
    end)
  end)

  it("is mentioned to who asks for a job where no master answers", function()
    local function complaint(command, name)
      local result = it_all:run { command, name, "--master", runs.NOBODY }
      assert.equal(2, result.code)
      return result.stderr
    end

    assert.not_matches("runs? of this machine", complaint("show", "1"))
    it_all:run_job()
    for _, case in ipairs { { "show", "1" }, { "logs", "1" }, { "replay", "1/m0" },
      { "status", "1" }, { "cancel", "1" } } do
      assert.matches("^mrlua: no master answers [^\n]*; did you mean r1, a run of this machine%?"
        .. "\n$", complaint(case[1], case[2]))
    end
    for _, case in ipairs { { "show", "7" }, { "logs", "7" }, { "replay", "7/m0" },
      { "status", "7" } } do
      assert.matches("^mrlua: no master answers [^\n]*; runs of this machine are called r1: "
        .. "'mrlua jobs %-%-all' lists them\n$", complaint(case[1], case[2]))
    end
  end)

  it("is not what status and cancel are for", function()
    for _, command in ipairs { "status", "cancel" } do
      local result = it_all:run { command, "r8" }

      assert.equal(2, result.code)
      assert.matches("'r8' is a run of this machine: mrlua show r8\n", result.stderr)
    end
  end)

  it("runs a job whose record cannot be kept", function()
    temp.write(it_all.folder .. "/state", "no folder")
    local result = it_all:run { "run", it_all.job, it_all.input, "--quiet" }

    assert.equal(0, result.code)
    assert.equal("a\t2\nbb\t1\n", result.stdout)
  end)

  it("says why there can be no record of a run", function()
    local result = engine.run({ "show", "r1" }, { environment = "env -u HOME -u XDG_STATE_HOME" })

    assert.equal(2, result.code)
    assert.matches("^mrlua: [^\n]*set XDG_STATE_HOME or HOME\n$", result.stderr)
  end)

  it("keeps the input of a job of several steps, not that of its last one", function()
    temp.write(it_all.job, [[return { steps = {
      { map = function(_, line, emit) emit(line, 1) end, reduce = "count" },
      { map = function(key, n, emit) emit(n, key) end, reduce = "count" },
    } }]])
    it_all:run_job()
    local told = cjson.decode(it_all:run({ "show", "r1", "--json" }).stdout)

    assert.equal(it_all.input, told.inputs[1].name)
    assert.equal(2, told.steps)
  end)
end)

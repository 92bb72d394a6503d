local cluster = require "spec.support.cluster"
local temp = require "spec.support.temp"

local it_all

describe("mrlua jobs", function()
  before_each(function()
    it_all = cluster.open()
    it_all:start_master()
  end)

  after_each(function()
    it_all:close()
  end)

  it("is a heading, or an empty list, when there is none", function()
    assert.equal("JOB  NAME  STATE  TASKS  TIME  OUTPUT\n", it_all:run({ "jobs" }).stdout)
    assert.equal('{"jobs":[]}\n', it_all:run({ "jobs", "--json" }).stdout)
  end)

  it("lists the jobs, the newest first", function()
    for i = 1, 2 do
      assert.equal(0, it_all:run({ "submit", "jobs/wordcount.lua", "README.md", "--detach",
        "-o", it_all.folder .. "/out" .. i }).code)
    end
    local text = it_all:run({ "jobs" }).stdout

    assert.matches("^JOB  NAME[^\n]*\n  2  wordcount  running [^\n]*/out2\n"
      .. "  1  wordcount  running [^\n]*/out1\n$", text)
    assert.equal(2, it_all:list_jobs()[1].id)
  end)

  it("counts no tasks of a job of steps, for they are those of its last one", function()
    it_all:start_worker()
    local path = temp.write(it_all.folder .. "/steps.lua", [[return { steps = {
      { map = "words", reduce = "sum" }, { map = "identity", reduce = "sum" } } }]])
    assert.equal(0, it_all:run({ "submit", path, "README.md", "--quiet", "-o",
      it_all.folder .. "/out" }).code)

    assert.matches("\n  1  steps  done +%- ", it_all:run({ "jobs" }).stdout)
    assert.equal("step 2/2", it_all:list_jobs()[1].title)
  end)

  it("says of a job that has no tasks yet why", function()
    local path = temp.write(it_all.folder .. "/steps.lua",
      "return { steps = { { map = 'words', reduce = 'sum' } } }")
    local argv = { "submit", path, "README.md", "--detach", "-o", it_all.folder .. "/out" }
    assert.equal(0, it_all:run(argv).code) -- its driver waits for a worker
    assert.matches("\n  1  steps  running  planning ", it_all:run({ "jobs" }).stdout)
    assert.equal(0, it_all:run({ "cancel", "1" }).code)
    assert.matches("\n  1  steps  cancelled +%- ", it_all:run({ "jobs" }).stdout)
  end)
end)

local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"

local it_all

describe("mrlua status", function()
  it("wants the number of a job", function()
    local result = engine.run { "status", "wordcount" }

    assert.equal(2, result.code)
    assert.equal("mrlua: 'wordcount' is not the number of a job; 'mrlua jobs' lists them\n"
      .. "try 'mrlua status --help'\n", result.stderr)
  end)

  describe("of a cluster", function()
    before_each(function()
      it_all = cluster.open()
      it_all:start_master()
    end)

    after_each(function()
      it_all:close()
    end)

    it("names a job that is not there", function()
      local result = it_all:run { "status", 7 }

      assert.equal(2, result.code)
      assert.matches("^mrlua: there is no job 7", result.stderr)
      assert.matches('"ok":false', it_all:run({ "status", 7, "--json" }).stdout)
    end)

    it("tells of a job that waits, and how it ended", function()
      local out = it_all.folder .. "/out"
      it_all:run { "submit", "jobs/wordcount.lua", "README.md", "--detach", "-o", out }
      local waiting = it_all:run({ "status", 1 }).stdout
      it_all:start_worker()
      it_all:wait("the job is done", 20, function()
        return it_all:status(1).job.state == "done"
      end)
      local done = it_all:run({ "status", 1 }).stdout

      assert.matches("^job 1: wordcount, running, [^\n]+\noutput: [^\n]+\nmap ", waiting)
      assert.matches("\nwaiting: no worker is ready [^\n]+\n$", waiting)
      assert.matches("^job 1: wordcount, done, [^\n]+\noutput: [^\n]+\nmap: %d+ tasks?, [^\n]+\n"
        .. "reduce: 1 task, [^\n]+\n$", done)
    end)
  end)
end)

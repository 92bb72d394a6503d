local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

describe("mrlua cancel", function()
  it("wants the number of a job", function()
    assert.matches("^mrlua: missing argument 'JOB'\n", engine.run({ "cancel" }).stderr)
  end)

  it("ends a job once, and gives its output back", function()
    local it_all = cluster.open()
    finally(function()
      it_all:close()
    end)
    it_all:start_master()
    local out = it_all.folder .. "/out"
    it_all:run { "submit", "jobs/wordcount.lua", "README.md", "--detach", "-o", out }
    local first, second = it_all:run { "cancel", 1 }, it_all:run { "cancel", 1 }

    assert.equal("job 1 is cancelled\n", first.stdout)
    assert.equal(0, first.code)
    assert.equal(2, second.code)
    assert.equal("mrlua: job 1 has ended\n", second.stderr)
    it_all:wait("the output is given back", 20, function()
      return not temp.exists(out)
    end)
  end)
end)

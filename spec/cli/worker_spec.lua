local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local it_all

describe("mrlua worker", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("joins, and ends at SIGTERM with an empty folder", function()
    it_all:start_master()
    local worker = it_all:start_worker()
    worker:signal "TERM"

    assert.equal(0, worker:wait(20))
    assert.equal("", worker:text "out")
    assert.same({}, it_all:leftovers())
  end)

  it("refuses a folder that another one has", function()
    it_all:start_master()
    local worker = it_all:start_worker()
    local result = engine.run { "worker", "--master", it_all.address, "--dir", worker.dir,
      "--key-file", it_all.folder .. "/key" }

    assert.equal(2, result.code)
    assert.matches(worker.dir, result.stderr, 1, true)
  end)

  it("does not run a job that leaves the sandbox unless it may", function()
    it_all:start_master()
    it_all:start_worker()
    local job = temp.write(it_all.folder .. "/job.lua",
      "return { unsafe = true, map = 'identity', reduce = 'count' }")
    local argv = { "submit", job, "README.md", "--allow-unsafe", "--quiet", "-o",
      it_all.folder .. "/out" }
    local result = it_all:run(argv)

    assert.not_equal(0, result.code)
    assert.matches("unsafe", result.stderr)
  end)

  it("opens nothing outside of its --root", function()
    it_all:start_master()
    it_all:start_worker { flags = { "--root", it_all.folder } }
    local result = it_all:run { "submit", "jobs/wordcount.lua", "README.md", "--quiet", "-o",
      it_all.folder .. "/out" }

    assert.not_equal(0, result.code)
    assert.matches("^mrlua: worker [^\n]* opens nothing outside of its root: /", result.stderr)
  end)

  it("tells which flag is wrong", function()
    local result = engine.run { "worker", "--slots", "none" }

    assert.equal(2, result.code)
    assert.equal("mrlua: option '--slots': 'none' is not a whole number from 1 to 1024\n"
      .. "try 'mrlua worker --help'\n", result.stderr)
  end)
end)

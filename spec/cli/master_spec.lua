local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local gated = require "spec.support.gated"

local it_all

describe("mrlua master", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("says where it listens, and ends at SIGTERM", function()
    it_all:start_master()
    it_all.master:signal "TERM"

    assert.equal(0, it_all.master:wait(20))
    assert.matches("^mrlua master listens on 127%.0%.0%.1:%d+\n$", it_all.master:text "out")
  end)

  it("refuses a state folder that another one has", function()
    it_all:start_master()
    local result = engine.run { "master", "--listen", "127.0.0.1:0", "--state",
      it_all.folder .. "/state", "--key-file", it_all.folder .. "/key" }

    assert.equal(2, result.code)
    assert.equal("", result.stdout)
    assert.matches(it_all.folder .. "/state", result.stderr, 1, true)
  end)

  it("lets jobs read and write below its --root only", function()
    it_all:start_master { flags = { "--root", it_all.folder } }
    local result = it_all:run { "submit", "jobs/wordcount.lua", "README.md", "--quiet", "-o",
      it_all.folder .. "/out" }

    assert.equal(2, result.code)
    assert.matches("/README%.md: the master opens nothing outside of its root", result.stderr)
  end)

  -- Goal: who gets a slot that is given back while a first job has more maps to run? Method: its
  -- maps wait for the spec, and one may end when the other job has its plan.
  local function begin_two_jobs(flags)
    local gate = gated.new(it_all)
    it_all:start_master { flags = flags }
    it_all:start_worker { slots = 2, flags = { "--allow-unsafe" } }
    local first = gate:submit()
    gate:wait_for("map", 2)
    local second = it_all:submit("jobs/wordcount.lua", { "README.md" })
    it_all:wait_for_job(second, "its plan is made", 20, function(status)
      return status.stages.map and status.stages.map.tasks > 0
    end)
    gate:open("map", gate:ran("map")[1].task)
    return gate, first, second
  end

  it("gives a slot to the job that has fewer", function()
    local gate, first, second = begin_two_jobs {}

    it_all:wait_for_job(second, "a map of it has run", 20, function(status)
      return status.stages.map.tasks_done > 0
    end)
    gate:open "map"
    gate:open "reduce"
    gate:expect_parts(first)
    assert.equal(0, second:wait(60), second:text "err")
  end)

  it("gives slots to jobs in the order they came with --fifo", function()
    local gate, first, second = begin_two_jobs { "--fifo" }

    gate:wait_for("map", 3)
    local maps = it_all:status(second.id).stages.map
    assert.equal(0, maps.tasks_running + maps.tasks_done)
    gate:open "map"
    gate:open "reduce"
    gate:expect_parts(first)
    assert.equal(0, second:wait(60), second:text "err")
  end)

  it("refuses to listen beyond this machine without a key, with TLS or in plain text", function()
    for _, flags in ipairs { {}, { "--insecure-plain" } } do
      local argv = { "master", "--listen", "0.0.0.0:0", "--state", it_all.folder .. "/state" }
      local result = engine.run(table.move(flags, 1, #flags, #argv + 1, argv),
        { environment = "XDG_STATE_HOME=" .. it_all.folder, seconds = 20 })

      assert.equal(2, result.code)
      assert.equal("", result.stdout)
      assert.matches("needs %-%-key%-file FILE", result.stderr)
    end
  end)

  it("names what is wrong with --http, --log and MRLUA_LOG", function()
    local function complaint(flags, environment)
      local result = engine.run(table.move(flags, 1, #flags, 2, { "master" }),
        { environment = environment })
      assert.equal(2, result.code)
      return result.stderr
    end

    assert.matches("'7080' is not HOST:PORT", complaint { "--http", "7080" }, 1, true)
    assert.matches("--log", complaint { "--log", "xml" }, 1, true)
    assert.matches("MRLUA_LOG: it is 'text' or 'json', not 'xml'", complaint({}, "MRLUA_LOG=xml"),
      1, true)
  end)
end)

-- What who waits for a job is told while it runs: tasks that are tried again, workers that are
-- lost, what is counted.

local cjson = require "cjson"
local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local gated = require "spec.support.gated"
local temp = require "spec.support.temp"

local UNSAFE <const> = { flags = { "--allow-unsafe" } }

local it_all

local function wait_for_text(job, pattern)
  it_all:wait(("submit tells %q"):format(pattern), 60, function()
    return job:text("err"):find(pattern) or job:text("out"):find(pattern)
  end)
end

describe("mrlua submit, while a job runs,", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("tells that a worker is lost, and in the end what that cost", function()
    it_all:start(2, UNSAFE)
    local gate = gated.new(it_all)
    local job = gate:submit { tells = true }
    gate:wait_for("map", 2)
    it_all:worker_with(gate:ran("map")[1].worker):kill()
    wait_for_text(job, "mrlua: lost worker %d+ %([^)]+%), with 1 attempt and 0 outputs of this job")
    gate:open "map"
    gate:open "reduce"
    gate:expect_parts(job)

    local effort = it_all:status(job.id).effort
    assert.equal(1, effort.workers_lost)
    assert.equal(1, effort.lost)
    assert.is_true(#effort.slowest > 0)
    assert.is_true(effort.seconds.map > 0)
  end)

  it("tells that a task is tried again, why and where it was", function()
    it_all:start(1)
    local path = temp.write(it_all.folder .. "/greedy.lua", [[return {
      map = function(_, line, emit) local s = "x" while true do s = s .. s end end,
      reduce = "count", attempts = 2,
    }]])
    local result = it_all:run { "submit", path, "README.md", "-o", it_all.folder .. "/out" }

    assert.equal(1, result.code)
    assert.matches("^job 1: greedy, on [^\n]*\nmrlua: map 0, on worker 1 %([^)]+%), is tried"
      .. " again: [^\n]*memory[^\n]*\nmrlua: ", result.stderr)
  end)

  it("draws what the job has counted, below the bars", function()
    it_all:start(1, UNSAFE)
    local gate = gated.new(it_all, "setup = function(ctx) ctx.count(ctx.stage) end,")
    local argv = { "submit", gate.path, "-o", it_all.folder .. "/out", "--master", it_all.address,
      "--key-file", it_all.folder .. "/key" }
    table.move(gate.flags, 1, #gate.flags, #argv + 1, argv)
    table.move(gated.INPUTS, 1, #gated.INPUTS, #argv + 1, argv)
    local screen = it_all.folder .. "/screen"
    temp.write(screen, "")
    local pid = temp.capture(("TERM=xterm script -qefc %s %s </dev/null >/dev/null 2>&1 & echo $!")
      :format(temp.quote(engine.command(argv)), screen))
    gate:wait_for("map", 1)
    gate:open "map"
    it_all:wait("what is counted is drawn", 60, function()
      return temp.read(screen):find "\ncounted map %d+"
    end)
    gate:open "reduce"
    it_all:wait("the summary is there", 60, function()
      return temp.read(screen):find "\ndone: "
    end)
    temp.capture(("while kill -0 %s 2>/dev/null; do sleep 0.05; done"):format(pid))

    assert.matches("\ncounted   map %d+, reduce %d+\r?\ndone: ", temp.read(screen))
  end)

  it("sums up for programs what the master knows", function()
    it_all:start(1)
    local result = it_all:run { "submit", "jobs/wordcount.lua", "README.md", "-o",
      it_all.folder .. "/out", "--json", "--quiet" }
    local summary = cjson.decode(result.stdout).summary

    assert.is_true(summary.seconds.plan > 0)
    assert.is_true(summary.seconds.map > 0)
    assert.is_true(summary.seconds.commit > 0)
    assert.is_true(summary.read.records > 0)
    assert.is_true(summary.shuffled.bytes > 0)
    assert.is_string(summary.slowest[1].worker)
  end)

  it("sums up all steps of a job", function()
    it_all:start(1)
    local path = temp.write(it_all.folder .. "/steps.lua", [[return { steps = {
      { map = function(_, line, emit) emit(line, 1) end, reduce = "count" },
      { map = function(key, n, emit) emit(n, key) end, reduce = "count" },
    } }]])
    local input = temp.write(it_all.folder .. "/in", "a\nb\na\n")
    local result = it_all:run { "submit", path, input, "-o", it_all.folder .. "/out", "--json",
      "--quiet" }
    local summary = cjson.decode(result.stdout).summary

    assert.same({ bytes = 6, records = 3 }, summary.read) -- not what one reads of the other
    assert.equal(3 + 2, summary.shuffled.records)
    assert.is_true(summary.seconds.map > 0)
    assert.equal(4, #summary.slowest)
    assert.is_true(summary.slowest[1].step == 1 or summary.slowest[1].step == 2)
  end)
end)

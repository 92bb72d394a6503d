local summary = require "mrlua.summary"

local function effort_with(fields)
  local effort = {
    seconds = { plan = 0.012, sample = 0.0, map = 3.2, reduce = 1.1, commit = 0.003 },
    bytes_read = 400000000, records_read = 65000000, bytes_shuffled = 12100000,
    records_shuffled = 1200000, failed = 0, given_up = 0, lost = 0, lost_races = 0,
    outputs_lost = 0, workers_lost = 0,
    slowest = { { stage = "map", task = 3, seconds = 1.2, worker = "w3", worker_id = 1 },
      { stage = "reduce", task = 0, seconds = 0.9 } },
  }
  for name, value in pairs(fields or {}) do
    effort[name] = value
  end
  return effort
end

local function ended_with(fields)
  return {
    seconds = 4.3, output = "out", parts = { {}, {} }, bytes = 5000, records = 812,
    input_bytes = 400000000, plan = { split_count = 64, reducer_count = 2 }, counters = {},
    skew = {}, effort = effort_with(fields),
  }
end

describe("mrlua/summary", function()
  it("tells each phase with its time and what it moved, in columns", function()
    assert.same({
      "plan      12 ms",
      "map       3.2 s  64 tasks  read       400 MB  65.0 M records",
      "reduce    1.1 s   2 tasks  shuffled  12.1 MB  1.20 M records",
      "commit     3 ms   2 parts  written   5.00 KB     812 records",
      "slowest   map 3 in 1.2 s, worker 1 (w3)",
    }, summary.lines(ended_with(), 80))
  end)

  it("tells what was written to standard output, which takes no commit", function()
    local lines = summary.lines(ended_with { seconds = { map = 1.0, reduce = 1.0 } }, 80)

    assert.equal("output            2 parts  written   5.00 KB     812 records", lines[3])
  end)

  it("leaves out what a narrow terminal has no room for, numbers of records last", function()
    local function widest(width)
      local most = 0
      for _, line in ipairs(summary.lines(ended_with(), width)) do
        most = math.max(most, #line)
      end
      return most
    end

    assert.is_true(widest(60) < 60)
    assert.matches("read +400 MB  65.0 M records$", summary.lines(ended_with(), 60)[2])
    assert.is_true(widest(40) < 40)
    assert.matches("^map .* read +400 MB$", summary.lines(ended_with(), 40)[2])
  end)

  it("breaks lists where the terminal ends", function()
    local ended = ended_with()
    ended.counters = { ["user.first"] = 1, ["user.second"] = 22, ["user.third"] = 333 }
    local lines = summary.lines(ended, 30)

    assert.equal("counted   first 1, second 22,", lines[#lines - 1])
    assert.equal("          third 333", lines[#lines])
  end)

  it("says nothing of the slowest where there was no choice", function()
    local ended = ended_with()
    ended.plan = { split_count = 1, reducer_count = 1 }

    assert.not_matches("slowest", table.concat(summary.lines(ended, 80), "\n"))
  end)

  it("tells hot keys, and trouble when there was any", function()
    local ended = ended_with { failed = 3, workers_lost = 1, lost = 2, outputs_lost = 7,
      lost_races = 1 }
    ended.skew = { records = 100, partitions = 2, largest = {}, keys = {
      { key = '"the"', records = 10, partition = 0 }, { key = '"of"', records = 5, partition = 1 },
    } }
    local text = table.concat(summary.lines(ended, 200), "\n")

    assert.matches('\nhot keys "the" 10.0 %%\n', (text:gsub("  +", " ")))
    assert.matches("\ntrouble +3 attempts failed, 1 worker lost, 2 attempts lost, 7 outputs lost,"
      .. " 1 attempt overtaken$", text)
  end)

  it("has no tasks of a job of several steps, whose plans were many", function()
    local ended = ended_with()
    ended.steps = 3

    assert.matches("^map +3.2 s +read +400 MB", summary.lines(ended, 80)[2])
  end)

  it("adds up steps", function()
    local total = summary.add(nil, effort_with { failed = 1 }, true, 1)
    total = summary.add(total, effort_with { seconds = { map = 1.0 }, slowest = {
      { stage = "map", task = 9, seconds = 7.0 } } }, false, 2)

    assert.equal(4.2, total.seconds.map)
    assert.equal(1.1, total.seconds.reduce)
    assert.equal(400000000, total.bytes_read) -- the second one read the first
    assert.equal(24200000, total.bytes_shuffled)
    assert.equal(1, total.failed)
    assert.same({ "step 2, map 9 in 7.0 s" }, summary.slow_texts(total.slowest[1]))
    assert.equal(3, #total.slowest)
  end)

  it("keeps the name of a worker from moving the cursor", function()
    local slow = { stage = "map", task = 0, seconds = 1.0, worker = "\27[2J", worker_id = 1 }

    assert.equal("worker 1 (?[2J)", summary.slow_texts(slow)[2])
  end)

  it("keeps the five slowest of all steps", function()
    local total
    for task = 1, 8 do
      total = summary.add(total, effort_with { slowest = {
        { stage = "map", task = task, seconds = task * 1.0 } } }, true, task)
    end

    assert.equal(5, #total.slowest)
    assert.equal(8, total.slowest[1].task)
    assert.equal(4, total.slowest[5].task)
  end)

  it("is an object for programs", function()
    local ended = ended_with { failed = 3 }
    ended.counters = { map_records_in = 5, ["user.bad"] = 2 }
    local object = summary.object(ended)

    assert.equal(3.2, object.seconds.map)
    assert.same({ bytes = 400000000, records = 65000000 }, object.read)
    assert.same({ bytes = 12100000, records = 1200000 }, object.shuffled)
    assert.same({ bytes = 5000, records = 812 }, object.written)
    assert.equal(3, object.slowest[1].task)
    assert.same({ bad = 2 }, object.counted)
    assert.equal(3, object.attempts.failed)
    assert.is_nil(summary.object { counters = {} })
  end)

  it("has shuffled nothing where there was no reduce", function()
    assert.is_nil(summary.object(ended_with { seconds = { map = 1.0 } }).shuffled)
  end)
end)

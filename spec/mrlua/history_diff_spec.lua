local history_diff = require "mrlua.history_diff"

local function job_with(fields)
  local job = {
    kind = "run", id = "r1", name = "a", state = "done", seconds = 4.0,
    params = { top = 10, word = "x" }, source = { name = "a.lua", files = { ["a.lua"] = "1\n" } },
    inputs = { { name = "in", bytes = 8, mtime_us = 77 } }, input_count = 1, input_sum = "ab",
    options = { reducers = 1, slots = 2 }, files = {}, part_count = 1, records = 3, bytes = 12,
    effort = { seconds = { plan = 0.1, map = 3.0, commit = 0.0 } },
    counters = { map_records_in = 4 },
  }
  for name, value in pairs(fields or {}) do
    job[name] = value
  end
  return job
end

local function compare(fields, other)
  return history_diff.compare(job_with(other), job_with(fields))
end

describe("mrlua/history_diff", function()
  it("finds nothing between two that differ in time alone", function()
    local diff = compare { id = "r2", seconds = 9.0, effort = { seconds = { map = 8.0 } } }

    assert.is_true(history_diff.is_same(diff))
    assert.same({ { "plan", 0.1 }, { "map", 3.0, 8.0 }, { "whole job", 4.0, 9.0 } }, diff.seconds)
  end)

  it("finds params that changed, came and went", function()
    local diff = compare { params = { top = 20, new = true } }

    assert.same({ { "new", nil, true }, { "top", 10, 20 }, { "word", "x" } }, diff.params)
    assert.is_false(history_diff.is_same(diff))
    assert.same({}, diff.source)
  end)

  it("takes 10 and 10.0 for the same, and tables by what is in them", function()
    assert.same({}, compare({ params = { top = 10.0, word = "x" } }).params)
    assert.same({}, compare({ params = { list = { 1, 2 } } }, { params = { list = { 1, 2 } } })
      .params)
    assert.equal(1, #compare({ params = { list = { 1, 2 } } }, { params = { list = { 2, 1 } } })
      .params)
  end)

  it("finds the lines of the source that changed, of every file", function()
    local diff = compare(
      { source = { name = "b.lua", files = { ["b.lua"] = "2\n", lib = "x\n" } } },
      { source = { name = "a.lua", files = { ["a.lua"] = "1\n", gone = "y\n" } } })

    assert.same({ "--- a.lua", "+++ b.lua", "@@ -1 +1 @@", "-1", "+2", "--- gone", "+++ /dev/null",
      "@@ -1 +0,0 @@", "-y", "--- /dev/null", "+++ lib", "@@ -0,0 +1 @@", "+x" }, diff.source)
  end)

  it("takes a source by another path for the same", function()
    local diff = compare { source = { name = "/x/a.lua", files = { ["/x/a.lua"] = "1\n" } } }

    assert.same({}, diff.source)
  end)

  it("finds inputs that came, went and changed", function()
    local same, new = { name = "in", bytes = 8, mtime_us = 77 }, { name = "new", bytes = 1 }
    local touched = { name = "in", bytes = 8, mtime_us = 79 }

    assert.same({ { "new", nil, new } }, compare({ inputs = { same, new } }).inputs)
    assert.same({ { "in", same } }, compare({ inputs = {} }).inputs)
    assert.same({ { "in", same, touched } }, compare({ inputs = { touched } }).inputs)
  end)

  it("takes times for the same that were rounded on their way", function()
    local rounded = { name = "in", bytes = 8, mtime_us = 78 }

    assert.same({}, compare({ inputs = { rounded } }).inputs)
  end)

  it("finds that inputs beyond those which are told differ", function()
    local many = { input_count = 300 }

    assert.is_false(compare(many, many).inputs_beyond)
    assert.is_true(history_diff.is_same(compare(many, many)))
    local diff = compare({ input_count = 300, input_sum = "cd" }, many)
    assert.is_true(diff.inputs_beyond)
    assert.is_false(history_diff.is_same(diff))
  end)

  it("compares the options that both tell", function()
    local diff = compare { options = { reducers = 2, priority = 1 } }

    assert.same({ { "reducers", 1, 2 } }, diff.options)
  end)

  it("finds other results and counters", function()
    local diff = compare { records = 4, counters = { map_records_in = 5, ["user.bad"] = 1 } }

    assert.same({ { "records", 3, 4 } }, diff.result)
    assert.same({ { "map_records_in", 4, 5 }, { "user.bad", nil, 1 } }, diff.counters)
  end)

  it("says what only one of both tells", function()
    local a = job_with()
    a.params, a.source = nil, nil
    local diff = history_diff.compare(a, job_with())

    assert.same({ "params", "source" }, diff.unknown)
    assert.is_true(history_diff.is_same(diff))
  end)

  it("is an object for programs", function()
    local a, b = job_with(), job_with { id = "r2", params = { top = 20, word = "x" } }
    local object = history_diff.object(history_diff.compare(a, b), a, b)

    assert.is_false(object.same)
    assert.equal("r2", object.new.id)
    assert.same({ { name = "top", old = 10, new = 20 } }, object.params)
  end)
end)

local history_diff = require "mrlua.history_diff"
local history_text = require "mrlua.history_text"

local function job_with(fields)
  local job = {
    kind = "run", id = "r1", name = "top", state = "done", begun = 1796002124, seconds = 4.0,
    params = { top = 10 }, source = { name = "top.lua", files = { ["top.lua"] = "return {}\n" } },
    inputs = { { name = "in", bytes = 8000, mtime_us = 77 } }, input_count = 1,
    options = { reducers = 3, attempts = 4, memory_bytes = 512 << 20, split_bytes = 16 << 20,
      shuffle = "local" }, files = {}, output = "out", part_count = 3, records = 30, bytes = 1200,
    plan = { split_count = 4, reducer_count = 3 }, counters = { ["user.bad"] = 2 }, skew = {},
    effort = { seconds = { map = 3.0, commit = 0.5 }, slowest = {}, bytes_read = 8000,
      records_read = 40, bytes_shuffled = 0, records_shuffled = 0 },
  }
  for name, value in pairs(fields or {}) do
    job[name] = value
  end
  return job
end

local function show(fields, width)
  return table.concat(history_text.show(job_with(fields), width or 80), "\n") .. "\n"
end

local function diff(fields)
  local a, b = job_with(), job_with(fields)
  b.id = "r2"
  return table.concat(history_text.diff(history_diff.compare(a, b), a, b), "\n") .. "\n"
end

describe("mrlua/history_text show()", function()
  it("tells what a job was asked for and what it did", function()
    local text = show()

    assert.matches("^r1: top, done in 4.0 s, %d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d\n", text)
    assert.matches("\nsource    top.lua, id %x+\n", text)
    assert.matches("\nparams    top=10\n", text)
    assert.matches("\ninputs    in %(8.00 KB%)\n", text)
    assert.matches("\noutput    out: 3 parts, 30 records, 1.20 KB\n", text)
    assert.matches("\nmap        3.0 s  4 tasks  read     8.00 KB  40 records\n", text)
    assert.matches("\ncounted   bad 2\n", text)
  end)

  it("leaves out options that are as always, and writes sizes as flags are", function()
    assert.matches("\noptions   reducers 3, split size 16M\n", show())
  end)

  it("tells the first of many inputs, and how many there are", function()
    local inputs = {}
    for i = 1, 256 do
      inputs[i] = { name = "in" .. i, bytes = 1 }
    end

    assert.matches("in5 %(1 B%),\n? *and 295 more\n", show({ inputs = inputs, input_count = 300 }))
  end)

  it("tells the error of a job that failed, with what is below it", function()
    local text = show { state = "failed", error = { message = "it raised", detail = "at 1\nat 2" },
      records = false, bytes = false }

    assert.matches("\nerror     it raised\n  at 1\n  at 2\n$", text)
    assert.not_matches("written", text)
  end)

  it("leaves out what is not known", function()
    local text = table.concat(history_text.show({ kind = "output", id = "out", name = "a",
      state = "done", options = {}, files = {} }, 80), "\n")

    assert.equal("output of out: a, done\noutput    standard output", text)
  end)

  it("keeps names that would move the cursor from doing so", function()
    assert.not_matches("\27", show { name = "a\27[2J", params = { p = "\27[2J" }, error = {
      message = "\27[2J", detail = "\27[2J" }, output = "\27[2J",
      inputs = { { name = "\27[2J", bytes = 1 } } })
  end)
end)

describe("mrlua/history_text source()", function()
  it("is the job file as it is, or all files with their names", function()
    assert.equal("return {}\n", history_text.source(job_with().source))
    assert.equal("-- a.lua\nx\n\n-- lib.lua\ny\n", history_text.source {
      name = "a.lua", files = { ["lib.lua"] = "y", ["a.lua"] = "x\n" } })
  end)
end)

describe("mrlua/history_text diff()", function()
  it("tells nothing but times of two that are the same", function()
    assert.matches("^%-%-%- r1: [^\n]*\n%+%+%+ r2: [^\n]*\ntime\n"
      .. "  map        3.0 s   3.0 s   %+0.0 %%\n  commit     500 ms  500 ms  %+0.0 %%\n"
      .. "  whole job  4.0 s   4.0 s   %+0.0 %%\n$", diff {})
  end)

  it("tells what changed, came and went, aligned", function()
    assert.matches("\nparams\n  %+ new  true\n    top  10 %-> 20\ntime\n",
      diff { params = { top = 20, new = true } })
    assert.matches("\nparams\n  %- top  10\ntime\n", diff { params = {} })
    assert.matches("\noptions\n    reducers    3 %-> 5\n    split size  16M %-> by the size of the"
      .. " input\n", diff { options = { reducers = 5, split_bytes = 0, attempts = 4,
        memory_bytes = 512 << 20, shuffle = "local" } })
  end)

  it("tells by how much numbers changed", function()
    assert.matches("\nresult\n    records  30 %-> 45  %+50.0 %%\n", diff { records = 45 })
    assert.matches("\ncounters\n    user.bad  2 %-> 1  %-50.0 %%\n", diff {
      counters = { ["user.bad"] = 1 } })
  end)

  it("has the source as diff(1) tells it", function()
    assert.matches("\nsource\n  %-%-%- top.lua\n  %+%+%+ top.lua\n  @@ %-1 %+1 @@\n  %-return {}\n"
      .. "  %+return { 1 }\n", diff { source = { name = "top.lua",
        files = { ["top.lua"] = "return { 1 }\n" } } })
  end)

  it("tells inputs with what they were", function()
    assert.matches("\ninputs\n  %- in   8.00 KB, of [^\n]+\n  %+ new  1 B, generation 5\n", diff {
      inputs = { { name = "new", bytes = 1, generation = 5 } } })
  end)

  it("tells the first five of each kind of many inputs, and counts the others", function()
    local a, b = job_with { inputs = {} }, job_with { inputs = {} }
    local function add(job, prefix, count, bytes)
      for i = 1, count do
        table.insert(job.inputs, { name = prefix .. i, bytes = bytes, mtime_us = 0 })
      end
    end
    add(a, "gone", 8598, 1)
    add(a, "both", 6, 1)
    add(b, "both", 6, 2)
    add(b, "new", 5, 1)
    local text = table.concat(history_text.diff(history_diff.compare(a, b), a, b), "\n")

    assert.matches("\ninputs\n[^\n]* both1 [^\n]*\n", text)
    assert.matches("\n  %+ new5 [^\n]*\n  and 8593 more gone, 1 more changed\n", text)
    assert.equal(5, select(2, text:gsub("\n  %- gone", "")))
    assert.equal(5, select(2, text:gsub("\n  %+ new", "")))
    assert.equal(5, select(2, text:gsub("\n    both", "")))
  end)

  it("says what only one of both tells", function()
    local a, b = job_with(), job_with()
    a.params = nil

    assert.matches("params: only one of both tells them\n?$",
      table.concat(history_text.diff(history_diff.compare(a, b), a, b), "\n"))
  end)
end)

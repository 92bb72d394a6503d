local progress = require "mrlua.progress"

local function stage_with(fields)
  local stage = {
    name = "map", tasks = 64, tasks_done = 31, tasks_running = 2, seconds = 2.0,
    bytes = 400000000, bytes_done = 200000000, records = 30000000,
  }
  for name, value in pairs(fields or {}) do
    stage[name] = value
  end
  return stage
end

local function idle_reduce()
  return stage_with { name = "reduce", tasks = 2, tasks_done = 0, tasks_running = 0, seconds = 0.0,
    bytes = 0, bytes_done = 0, records = 0 }
end

local function line_of(fields, width)
  return progress.bars({ seconds = 2.0, stages = { stage_with(fields) } }, width or 120, false)[1]
end

describe("mrlua/progress bars()", function()
  it("shows share, tasks, rates and the time left", function()
    assert.equal("map    [###############...............]  50 %  31/64  100 MB/s  "
      .. "15.0 M records/s  ETA 2 s", line_of())
  end)

  it("is one line per stage, in the order of the stages", function()
    local lines = progress.bars({ seconds = 2.0, stages = { stage_with(), idle_reduce() } }, 120)

    assert.equal(2, #lines)
    assert.matches("^map ", lines[1])
    assert.equal("reduce [..............................]   0 %  0/2", lines[2])
  end)

  it("never reaches the last column, whatever the width", function()
    local state = { seconds = 2.0, stages = { stage_with(), idle_reduce() } }
    for width = 1, 150 do
      for _, line in ipairs(progress.bars(state, width, false)) do
        assert.is_true(#line <= math.max(width - 1, 1), ("width %d: %s"):format(width, line))
      end
    end
  end)

  it("leaves out whole columns where there is no room", function()
    assert.equal("map    [##########..........]  50 %  31/64  100 MB/s", line_of(nil, 62))
    assert.equal("map      50 %  31/64", line_of(nil, 22))
  end)

  it("takes no more columns with colour than without", function()
    local state = { seconds = 2.0, stages = { stage_with() } }
    local plain = progress.bars(state, 80, false)[1]
    local coloured = progress.bars(state, 80, true)[1]

    assert.not_equal(plain, coloured)
    assert.equal(plain, (coloured:gsub("\27%[%d*m", "")))
  end)

  it("says 100 % only when every task is done", function()
    assert.matches(" 99 %%", line_of { bytes_done = 400000000 })
    assert.matches("100 %%", line_of { bytes_done = 400000000, tasks_done = 64 })
    assert.matches("100 %%", line_of { bytes_done = 390000000, bytes = 390000000, tasks_done = 64 })
  end)

  it("goes by tasks where the bytes are not known", function()
    assert.matches(" 48 %%", line_of { bytes = 0, bytes_done = 0 })
  end)

  it("stays within 0 and 100 % when more is read than was planned", function()
    assert.matches(" 99 %%", line_of { bytes_done = 900000000 })
  end)
end)

describe("mrlua/progress bars() of a job that counts", function()
  local function lines_at(width)
    return progress.bars({ stages = { stage_with() },
      counters = { ["user.bad"] = 12, ["user.short"] = 345, map_records_in = 5 } }, width, false)
  end

  it("end with what its functions have counted so far", function()
    assert.equal("counted bad 12, short 345", lines_at(80)[2])
    assert.equal(2, #lines_at(80))
  end)

  it("leave out what there is no room for", function()
    assert.equal("counted bad 12", lines_at(20)[2])
    assert.equal(1, #lines_at(14))
  end)
end)

describe("mrlua/progress bars() of a job without reduces", function()
  it("has one bar, once that is known", function()
    local none = { name = "reduce", tasks = 0, tasks_done = 0, tasks_running = 0, seconds = 0,
      bytes = 0, bytes_done = 0, records = 0 }
    local unplanned = setmetatable({ name = "map" }, { __index = none })

    assert.equal(1, #progress.bars({ stages = { stage_with(), none } }, 80, false))
    assert.equal(2, #progress.bars({ stages = { unplanned, none } }, 80, false))
  end)
end)

describe("mrlua/progress eta_seconds()", function()
  it("goes on at the rate so far", function()
    assert.equal(2.0, progress.eta_seconds(stage_with()))
    assert.equal(6.0, progress.eta_seconds(stage_with { bytes_done = 100000000 }))
  end)

  it("is unknown before there is a rate and after the end", function()
    assert.is_nil(progress.eta_seconds(idle_reduce()))
    assert.is_nil(progress.eta_seconds(stage_with { bytes_done = 1000 }))
    assert.is_nil(progress.eta_seconds(stage_with { bytes_done = 400000000, tasks_done = 64 }))
  end)
end)

describe("mrlua/progress lines", function()
  it("tell what a stage did", function()
    local stage = stage_with { tasks_done = 64, bytes_done = 483000000, records = 65012345,
      seconds = 4.1 }

    assert.equal("map: 64 tasks, 483 MB, 65.0 M records in 4.1 s", progress.phase_line(stage))
  end)

  it("count one task as a task", function()
    assert.matches("^reduce: 1 task, ", progress.phase_line(
      stage_with { name = "reduce", tasks = 1 }))
  end)

  it("tell what the functions of a job have counted, by name", function()
    assert.equal("counted: a.b 7, bad 12", progress.counted_line {
      map_records_in = 3, ["user.bad"] = 12, ["user.a.b"] = 7,
    })
    assert.is_nil(progress.counted_line { map_records_in = 3 })
  end)

  it("tell how many maps were not run, if that was asked for", function()
    local outcome = { counters = { map_reused = 99 }, plan = { split_count = 100 } }

    assert.equal("reused: 99 of 100 maps", progress.reused_line(outcome))
    outcome.counters.map_reused, outcome.plan.split_count = 0, 1
    assert.equal("reused: 0 of 1 map", progress.reused_line(outcome))
    outcome.counters.map_reused = nil
    assert.is_nil(progress.reused_line(outcome))
    outcome.reused = { count = 3, maps = 4 }
    assert.equal("reused: 3 of 4 maps", progress.reused_line(outcome))
  end)

  it("tell what a job did, and where its output is", function()
    local outcome = { seconds = 4.0, output = "out", parts = { {}, {} }, bytes = 5000,
      records = 812, input_bytes = 400000000 }

    assert.equal("done: 400 MB read in 4.0 s (100 MB/s), 812 records in 2 parts, 5.00 KB in out",
      progress.summary(outcome))
    outcome.output = nil
    assert.matches("5.00 KB$", progress.summary(outcome))
  end)
end)

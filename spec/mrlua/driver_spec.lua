local driver = require "mrlua.driver"
local job = require "mrlua.job"

local function f() end

-- Runs a job's drive; answers its requests and what it raised.
local function drive(spec, answers)
  local requests, driving = {}, driver.new()
  spec.steps = spec.steps or { f = f }
  local function call(request)
    requests[#requests + 1] = request
    return answers and answers[#requests] or { records = #requests, bytes = 0, counters = {} }
  end
  local function output(number)
    return function()
      return "output", number
    end
  end
  driving.mr = { run = driving.run, params = spec.params or {} }
  local _, message = pcall(driving.main, spec, job.check, call, output, function()
    return ""
  end)
  return requests, message
end

describe("mr.run", function()
  it("asks for steps, numbered in order, the last with what drive returns", function()
    local requests, message = drive { drive = function(mr)
      local one = mr.run { map = f }
      local two = mr.run { map = f, reduce = "sum", inputs = one }
      return { map = f, inputs = { two, one } }
    end }

    assert.is_nil(message)
    assert.same({ 1, 2, 3 }, { requests[1].number, requests[2].number, requests[3].number })
    assert.same({ false, false, true },
      { requests[1].is_last, requests[2].is_last, requests[3].is_last })
    assert.same({ nil, { 1 }, { 2, 1 } },
      { requests[1].steps, requests[2].steps, requests[3].steps })
    assert.same({ "lines", "run", "tsv" }, { requests[1].view.input, requests[1].view.output,
      requests[3].view.output })
    assert.same({ { at = { "map" }, path = { "steps", "f" } } }, requests[1].view.call.paths)
  end)

  it("says which limits are the step's own, and keeps fields that are false", function()
    local requests = drive { deterministic = true, limits = { seconds = 9 }, drive = function(mr)
      mr.run { map = f }
      return { map = f, deterministic = false, limits = { seconds = 1 }, attempts = 2 }
    end }

    assert.same({ { limits = false, attempts = false }, { limits = true, attempts = true } },
      { requests[1].own, requests[2].own })
    assert.same({ 9.0, 1.0, true, false }, { requests[1].view.limits.seconds,
      requests[2].view.limits.seconds, requests[1].view.deterministic,
      requests[2].view.deterministic })
  end)

  it("answers records, counters and output", function()
    local seen
    drive({ drive = function(mr)
      local step = mr.run { map = f }
      local key, value = step:output()()
      seen = { step.records, step.bytes, step:counter "moved", step:counter "map_records_in",
        step:counter "none", key, value }
      return step
    end }, { { records = 5, bytes = 6, counters = { ["user.moved"] = 7, map_records_in = 8 } } })

    assert.same({ 5, 6, 7, 8, 0, "output", 1 }, seen)
  end)

  it("writes a step that drive returns as it is", function()
    local requests = drive { drive = function(mr)
      return mr.run { map = f }
    end }

    assert.same({ "identity", { 1 } }, { requests[2].view.map, requests[2].steps })
  end)

  it("raises what is wrong with its fields, in the line that calls it", function()
    local function raised(fields)
      return select(2, drive { drive = function(mr)
        mr.run(fields)
      end })
    end

    assert.matches("driver_spec.lua:%d+: mr.run: unknown job field 'reducer'",
      raised { map = f, reducer = f })
    assert.matches("driver_spec.lua:%d+: mr.run: field 'map' is a function that is not in the job",
      raised { map = function() end })
    assert.matches("driver_spec.lua:%d+: mr.run: it is given a table of fields, not a string",
      raised "x")
    assert.matches("mr.run: field 'inputs' must be a step, a list of steps, or absent",
      raised { map = f, inputs = "/etc/passwd" })
    assert.matches("mr.run: field 'inputs': item 1 is no step that mr.run has answered",
      raised { map = f, inputs = { { number = 1 } } })
  end)

  it("tells what is wrong with what drive returns", function()
    local function raised(value)
      return select(2, drive { drive = function()
        return value
      end })
    end

    assert.equal("drive must return its last step, a table as for mr.run or a step, and returned a "
      .. "nil", raised(nil))
    assert.matches("^the last step, which drive returned: job field 'map' is missing", raised {})
  end)

  it("runs 10000 steps at most", function()
    local requests, message = drive { drive = function(mr)
      while true do
        mr.run { map = f }
      end
    end }

    assert.equal(10000, #requests)
    assert.matches("mr.run: this is step 10001, and a driver may run 10000$", message)
  end)

  it("runs a list of steps, too", function()
    local requests = drive { steps = { { map = "words" }, { map = f, reduce = "sum" },
      { map = f, reduce = "count" } } }

    assert.equal(2, #requests)
    assert.same({ "words" }, { requests[1].view.call.before[1].fields.map })
    assert.same({ true, { 1 } }, { requests[2].is_last, requests[2].steps })
  end)
end)

package.loaded["mrlua.engine"] = package.loaded["mrlua.engine"] or {}

local engine = require "mrlua.engine"
local replay = require "mrlua.replay"

local was

-- What stands in strings of these capsules is Lua.
local function decode_lua(args)
  return load("return " .. args.bytes)()
end

local function capsule(source, attempt)
  attempt.stage = attempt.stage or "map"
  attempt.job, attempt.task, attempt.attempt, attempt.worker = 1, 0, 1, 1
  return { job = { id = "r1", name = "x", bundle = { path = "x.lua", source = source } },
    attempt = attempt, error = { kind = "job", message = "x.lua:1: no", detail = "" } }
end

-- An iterator over these values; their keys are 1, 2, ...
local function records(values)
  local i = 0
  return function()
    i = i + 1
    if values[i] ~= nil then
      return i, values[i]
    end
  end
end

local function run(source, attempt, options)
  return replay.run(capsule(source, attempt), options or {})
end

-- The innermost frame that is the job's: here ours have names of files, as its have.
local function innermost(frames)
  for _, frame in ipairs(frames) do
    if frame.source == "x.lua" then
      return frame
    end
  end
end

local MAP = "return { reduce = 'sum', map = function(key, value, emit) %s end }"

describe("lua/mrlua/replay", function()
  before_each(function()
    was = { engine.value_decode, engine.value_check }
    engine.value_decode = decode_lua
    engine.value_check = function(args)
      if type(args.value) == "function" then
        return nil, "value contains a function at .value"
      end
      return true
    end
  end)

  after_each(function()
    engine.value_decode, engine.value_check = was[1], was[2]
  end)

  it("maps the records up to the bad one, and no further", function()
    local outcome = run("n = 0 " .. MAP:format "n = n + 1 error('no ' .. n .. value, 0)",
      { scene = { record = { number = 1 } } }, { records = records { "a", "b" } })

    assert.equal("no 1a", outcome.message)
    assert.equal(1, outcome.number)
    assert.is_true(outcome.has_raised and outcome.is_reached)
  end)

  it("keeps what earlier records left", function()
    local outcome = run("n = 0 " .. MAP:format "n = n + 1 if n == 3 then error('no', 0) end",
      { scene = { record = { number = 3 } } }, { records = records { 1, 2, 3, 4 } })

    assert.equal(3, outcome.number)
  end)

  it("leaves out records that the attempt had left out", function()
    local outcome = run(MAP:format "error(value, 0)",
      { skip = { 1, 2 }, mark = { record = 3 } }, { records = records { "a", "b", "c" } })

    assert.equal("c", outcome.message)
  end)

  it("takes the record of the capsule where there is no input", function()
    local outcome = run(MAP:format "error(key .. value, 0)",
      { scene = { record = { number = 9, key = "8", value = "'x'" } } })

    assert.equal("8x", outcome.message)
    assert.equal(9, outcome.number)
  end)

  it("says that nothing was raised", function()
    local outcome = run(MAP:format "", { mark = { record = 1 } }, { records = records { "a" } })

    assert.is_false(outcome.has_raised)
    assert.is_true(outcome.is_reached)
  end)

  it("says whether the message is the one of the attempt", function()
    local attempt = { mark = { record = 1 } }

    assert.is_true(run(MAP:format "error 'no'", attempt, { records = records { "a" } }).is_same)
    assert.is_false(run(MAP:format "error 'yes'", attempt, { records = records { "a" } }).is_same)
    local silent = capsule(MAP:format "error()", attempt)
    silent.error.message = "error(): nil was raised, at byte 0 of in (record 1)"
    assert.is_true(replay.run(silent, { records = records { "a" } }).is_same)
  end)

  it("asks the job's partition, and checks what is emitted", function()
    local attempt = { mark = { record = 1 }, partitions = 4 }
    local function message(body, more)
      return run((MAP:format(body):gsub("{", "{ " .. (more or ""), 1)), attempt,
        { records = records { "a" } }).message
    end

    assert.equal("to 4", message("emit('k', 1)",
      "partition = function(key, n) error('to ' .. n, 0) end,"))
    assert.matches("emit: a key must be .*, not nil$", message "emit(nil, 1)")
    assert.matches("emit: NaN is not a key$", message "emit(0/0, 1)")
    assert.matches("emit: a key must be .*, not a function$", message "emit({ 'a', type }, 1)")
    assert.matches("emit: a key must be .*, not a table with field 'x'$",
      message "emit({ 1, x = 1 }, 1)")
    assert.matches("emit: value contains a function", message "emit('a', type)")
  end)

  it("gives a reduce its key, its values, and then an error if more were taken", function()
    local source = "return { map = 'identity', reduce = function(key, values)\n"
      .. "  local n = 0 for value in values do n = n + value end error(key .. n, 0) end }"
    local hand = { where = "reduce", key = "'k'", values = "{ 1, 2 }", taken = 2 }

    assert.equal("k3", run(source, { stage = "reduce", scene = { hand = hand } }).message)
    hand.taken = 5
    assert.matches("only the first 2 of 5 values",
      run(source, { stage = "reduce", scene = { hand = hand } }).message)
  end)

  it("calls cleanup after all records", function()
    local source = "n = 0 return { reduce = 'sum', map = function() n = n + 1 end,\n"
      .. "  cleanup = function() error('after ' .. n, 0) end }"
    local outcome = run(source, { scene = { hand = { where = "cleanup" } } },
      { records = records { "a", "b" } })

    assert.equal("after 2", outcome.message)
  end)

  it("gives back the strings' methods that a job has changed", function()
    run("function string.shout(s) return s:upper() end\n" .. MAP:format "value:shout()",
      { mark = { record = 1 } }, { records = records { "a" } })

    assert.is_nil(("x").shout)
    assert.equal("x", ("x"):lower())
  end)

  it("stops what does not end, where it stands", function()
    local outcome = run(MAP:format "local turns = 0 while true do turns = turns + 1 end",
      { mark = { record = 1 } }, { records = records { "a" }, seconds = 0.05 })

    assert.matches("stopped after 0.05 s", outcome.message)
    assert.equal("turns", innermost(outcome.frames).locals[4][1])
  end)

  it("calls on_error while the frames are there", function()
    local seen
    run(MAP:format "local mine = 7 error(mine)", { mark = { record = 1 } }, {
      records = records { "a" },
      on_error = function(outcome) seen = innermost(outcome.frames).locals[4] end,
    })

    assert.same({ "mine", "7" }, seen)
  end)

  it("tells what is wrong with a job that does not load", function()
    assert.matches("reducer", run("return { reducer = 1 }", { mark = { record = 1 } },
      { records = records {} }).message)
  end)

  it("knows what it cannot do", function()
    local function why(attempt)
      return select(2, replay.is_possible(capsule("", attempt)))
    end

    assert.is_true(replay.is_possible(capsule("", { stage = "map" })))
    assert.is_true(replay.is_possible(capsule("", { stage = "reduce",
      scene = { hand = { where = "reduce" } } })))
    assert.matches("values of its keys went with it", why { stage = "reduce" })
    assert.matches("in 'cleanup' is gone", why { stage = "reduce",
      scene = { hand = { where = "cleanup" } } })
    assert.matches("an attempt of 'drive'", why { stage = "drive" })
  end)
end)

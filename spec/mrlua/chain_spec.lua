local chain = require "mrlua.chain"

local function double(key, value, emit)
  emit(key, value)
  emit(key, 2 * value)
end

local function count_letters(_, word, emit)
  emit(#word / 1, 1)
end

-- What a step's map and cleanup emit for these records.
local function records_of(step, records, stage)
  local out, mr = {}, { stage = stage or "map" }
  local function emit(key, value)
    out[#out + 1] = { key, value }
  end
  if step.setup then
    step.setup(mr)
  end
  for _, record in ipairs(stage ~= "reduce" and records or {}) do
    step.map(record[1], record[2], emit)
  end
  if step.cleanup then
    step.cleanup(mr, emit)
  end
  return out
end

describe("chain()", function()
  it("hands what a map emits to the next one", function()
    local step = chain({ { map = count_letters }, { map = double } }, { map = double,
      reduce = "sum" })

    assert.same({ { 3, 1 }, { 3, 2 }, { 3, 2 }, { 3, 4 } }, records_of(step, { { 0, "abc" } }))
    assert.equal("sum", step.reduce)
  end)

  it("is made for each input: with its own map instead of the first", function()
    local step = chain({ { map = count_letters } }, { map = double, inputs = {
      own = { map = "words", input = "csv" }, none = {},
    } })

    assert.same({ { "ab", 1 }, { "ab", 2 } },
      records_of({ map = step.inputs.own.map }, { { 0, "ab" } }))
    assert.same({ { 2, 1 }, { 2, 2 } }, records_of({ map = step.inputs.none.map }, { { 0, "ab" } }))
    assert.equal("csv", step.inputs.own.input)
  end)

  it("has keys between maps that are what was written would be", function()
    local seen = {}
    local step = chain({ { map = function(_, _, emit)
      emit(2.0, 1)
      emit({ 1.0, "x" }, 1)
      emit(1.5, 1)
    end } }, { map = function(key)
      seen[#seen + 1] = type(key) == "table" and math.type(key[1]) or math.type(key)
    end })
    records_of(step, { { 0, "" } })

    assert.same({ "integer", "integer", "float" }, seen)
  end)

  it("takes built-in maps at any place", function()
    assert.same({ { "a", 1 }, { "a", 2 }, { "b", 1 }, { "b", 2 } },
      records_of(chain({ { map = "words" } }, { map = double }), { { 0, "a b" } }))
    assert.same({ { 7, "x" } },
      records_of(chain({ { map = "identity" } }, { map = "identity" }), { { 7, "x" } }))
    assert.same({ { 0, "ab" } }, records_of(chain({ { map = "grep" } },
      { map = "identity", params = { pattern = "b" } }), { { 0, "ab" }, { 1, "a" } }))
  end)

  it("runs the hooks of all maps, and in a reduce only those of the last step", function()
    local calls = {}
    local function hooks(name)
      return {
        map = double,
        setup = function()
          calls[#calls + 1] = "setup " .. name
        end,
        cleanup = function(_, emit)
          calls[#calls + 1] = "cleanup " .. name
          emit(name, 1)
        end,
      }
    end
    local step = chain({ hooks "a" }, hooks "b")

    assert.same({ { "a", 1 }, { "a", 2 }, { "b", 1 } }, records_of(step, {}))
    assert.same({ { "b", 1 } }, records_of(step, {}, "reduce"))
    assert.same({ "setup a", "setup b", "cleanup a", "cleanup b", "setup b", "cleanup b" }, calls)
  end)

  it("has no hooks where no step has", function()
    local step = chain({ { map = double } }, { map = double })

    assert.is_nil(step.setup)
    assert.is_nil(step.cleanup)
  end)

  it("refuses between maps what could not be written", function()
    local function emitting(key, value)
      local step = chain({ { map = function(_, _, emit)
        emit(key, value)
      end } }, { map = "identity" })
      return select(2, pcall(records_of, step, { { 0, "" } }))
    end

    assert.matches("emit: a key cannot be a nil$", emitting(nil, 1))
    assert.matches("emit: a key cannot be a function$", emitting({ print }, 1))
    assert.matches("emit: a value cannot be nil$", emitting(1, nil))
  end)
end)

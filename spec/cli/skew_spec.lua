-- What a run tells of keys that have more than their share.

local cjson = require "cjson"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local LINE_COUNT <const> = 120000 -- of ten words each: 120,000 of them are "hot"
local WORD_COUNT <const> = 26 * 26 * 26 -- of others

local folder, input

-- Nine words of a line are others, each about as often as the next.
local function make_input()
  local lines = {}
  for i = 1, LINE_COUNT do
    local words = { "hot" }
    for j = 2, 10 do
      local number = (i * 9 + j) * 7919 % WORD_COUNT
      words[j] = "x" .. string.char(97 + number // 676, 97 + number // 26 % 26, 97 + number % 26)
    end
    lines[i] = table.concat(words, " ")
  end
  return temp.write(folder .. "/in", table.concat(lines, "\n") .. "\n")
end

local function run(source, flags)
  local job = temp.write(folder .. "/job.lua", source)
  local result = engine.run { "run", job, input, "--tmp", folder, "-o", folder .. "/out",
    "--overwrite", table.unpack(flags or {}) }
  assert.equal(0, result.code, result.stderr)
  return result
end

local COUNTED_BY_REDUCE <const> = 'return { map = "words", reduce = "sum" }'

describe("mrlua run", function()
  setup(function()
    folder = temp.folder()
    input = make_input()
  end)

  teardown(function()
    temp.remove(folder)
  end)

  it("names the key that has a tenth of all records, and its share", function()
    local result = run(COUNTED_BY_REDUCE)

    assert.matches('\nskew: key "hot" has 10.0 % of the records that the maps wrote (120000 of'
      .. " 1200000), and one reduce reads all of them: declare a combiner, if reduce can work on"
      .. " some of the values first\n", "\n" .. result.stderr, 1, true)
  end)

  it("says the same as data with --json", function()
    local found = cjson.decode(run(COUNTED_BY_REDUCE, { "--json", "--reducers", 4 }).stdout).skew

    assert.equal(1200000, found.records)
    assert.equal(4, found.partitions)
    assert.equal('"hot"', found.keys[1].key)
    assert.equal(120000, found.keys[1].records)
    assert.equal(1, #found.keys)
    assert.equal(1, #found.advice)
    assert.equal(4, #found.largest)
    assert.is_true(found.largest[1].bytes >= found.largest[4].bytes)
    local bytes, records, most = 0, 0, found.largest[1]
    for _, one in ipairs(found.largest) do
      bytes, records = bytes + one.bytes, records + one.records
      most = one.records > most.records and one or most
    end
    assert.equal(found.bytes, bytes)
    assert.equal(found.records, records)
    assert.equal(found.keys[1].partition, most.partition)
  end)

  it("says nothing of it with --quiet", function()
    assert.equal("", run(COUNTED_BY_REDUCE, { "--quiet" }).stderr)
  end)

  -- What ctest/bench/skew.lua measures in seconds, in records.
  it("has nothing to say where a combiner leaves each map one record of a key", function()
    local result = run('return { map = "words", combine = "sum", reduce = "sum" }',
      { "--json", "--reducers", 4 })
    local outcome = cjson.decode(result.stdout)

    assert.same({}, outcome.skew.keys)
    assert.same({}, outcome.skew.advice)
    assert.equal(10 * LINE_COUNT, outcome.counters.map_records_out)
    assert.is_true(outcome.skew.records <= (1 + WORD_COUNT) * outcome.plan.split_count)
    for _, one in ipairs(outcome.skew.largest) do
      assert.is_true(one.records <= 1.1 * outcome.skew.records / 4)
    end
  end)

  it("names the group where a job groups by a part of its keys", function()
    local result = run [[
      return {
        group = 1,
        map = function(at, line, emit) emit({ line:sub(1, 3), at }, true) end,
        reduce = "count",
      }
    ]]

    assert.matches('skew: group {"hot"} has 100.0 % of the records', result.stderr, 1, true)
  end)
end)

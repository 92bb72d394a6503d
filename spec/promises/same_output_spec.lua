-- P1: the output is a function of inputs and plan: the same bytes for any number of slots, and
-- the values of a key in input order.

local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

-- Sees the order of values: a hash of them in the order they come, and how many.
local ORDER_JOB = [[
return {
  map = function(offset, line, emit)
    local position = 0
    for word in line:gmatch("%a+") do
      position = position + 1
      emit(word, offset .. ":" .. position)
    end
  end,
  reduce = function(word, places, emit)
    local hash, count = 0, 0
    for place in places do
      for i = 1, #place do
        hash = (hash * 31 + place:byte(i)) & 0xffffffffffff
      end
      count = count + 1
    end
    emit(word, hash .. "/" .. count)
  end,
}
]]

-- The sums of floats depend on the order of adding, so they show every change of it.
local FLOAT_JOB = [[
return {
  map = function(offset, line, emit)
    for word in line:gmatch("%a+") do emit(word, 1 / (offset + 1)) end
  end,
  reduce = "sum",
}
]]

describe("one plan gives one output", function()
  local folder

  before_each(function()
    folder = temp.folder()
    temp.write(folder .. "/order.lua", ORDER_JOB)
    temp.write(folder .. "/float.lua", FLOAT_JOB)
  end)

  after_each(function()
    temp.remove(folder)
  end)

  -- Every part, of `job` over `inputs`.
  local function parts(job, inputs, flags)
    local out = folder .. "/out"
    local argv = { "run", job, "--quiet", "--overwrite", "-o", out, "--reducers", "3",
      table.unpack(flags) }
    engine.output(table.move(inputs, 1, #inputs, #argv + 1, argv))
    return engine.parts(out)
  end

  -- 2 MB of licence texts: a map of all of it spills a sort buffer of 1 MB several times.
  local function large_input()
    local copies = {}
    for i = 1, 24 do
      copies[i] = temp.read(texts.LICENSES[i % #texts.LICENSES + 1])
      copies[i] = copies[i] .. copies[i]
    end
    return temp.write(folder .. "/large", table.concat(copies))
  end

  for _, name in ipairs { "order", "float" } do
    it("whatever the number of slots: a job that sees the order of values, " .. name, function()
      local job = folder .. "/" .. name .. ".lua"
      local expected = parts(job, texts.LICENSES, { "--split-size", "16K", "--slots", "1" })

      assert.is_true(#expected > 10000)
      for round = 1, 5 do
        for _, slots in ipairs { 2, 4 } do
          local actual = parts(job, texts.LICENSES, { "--split-size", "16K", "--slots", slots })
          assert.is_true(expected == actual, ("round %d, %d slots: another output")
            :format(round, slots))
        end
      end
    end)
  end

  it("whatever the sort buffer, where no sum of floats goes through a combiner", function()
    local input = large_input()
    for _, job in ipairs { "jobs/wordcount.lua", "jobs/sort.lua", folder .. "/order.lua" } do
      local roomy = parts(job, { input }, { "--split-size", "16M", "--sort-buffer", "64M" })
      local narrow = parts(job, { input }, { "--split-size", "16M", "--sort-buffer", "1M" })

      assert.is_true(roomy == narrow, job .. ": another output")
    end
  end)

  it("and the values of a key come in input order, as on dryrun", function()
    local input = large_input()
    local lines = {}
    for _, record in ipairs(dryrun.run(dofile(folder .. "/order.lua"), temp.read(input))) do
      lines[#lines + 1] = record[1] .. "\t" .. record[2] .. "\n"
    end

    local output = engine.output { "run", folder .. "/order.lua", "--quiet", "--slots", "2",
      "--reducers", "1", "--split-size", "512K", "--sort-buffer", "1M", input }

    assert.is_true(table.concat(lines) == output)
  end)
end)

-- The built-in reduces against the same in Lua, written here: the engine leaves the same parts,
-- byte for byte, with and without a combiner, whatever the plan; and dryrun means the same.

local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

-- name, what it means, may it be the combiner too?
local CASES = {
  { "mean", [[function(key, values, emit)
      local total, n = 0, 0
      for v in values do total, n = total + v, n + 1 end
      emit(key, total / n)
    end]] },
  { "first", [[function(key, values, emit) emit(key, (values())) end]], combines = true },
  { "list", [[function(key, values, emit)
      local list = {}
      for v in values do list[#list + 1] = v end
      emit(key, list)
    end]] },
  { "distinct", [[function(key, _, emit) emit(key, true) end]], combines = true },
  { "top", [[function(key, values, emit)
      local all, n = {}, 0
      for v in values do
        n = n + 1
        all[n] = { value = v, at = n }
      end
      table.sort(all, function(a, b)
        return b.value < a.value or not (a.value < b.value) and a.at < b.at
      end)
      for i = 1, math.min(n, 3) do emit(key, all[i].value) end
    end]], combines = true },
}

-- Words and where they are: many values for some keys, in an order that the split does not change.
local MAPS = {
  numbers = [[function(at, line, emit)
      for word in line:gmatch("%a+") do emit(#word, (at * 7919) % 1000 / (#word % 2 + 1)) end
    end]],
  strings = [[function(_, line, emit)
      for word in line:gmatch("%a+") do emit(word:sub(1, 1):lower(), word) end
    end]],
}

local JOB = [[return { params = { n = 3 }, output = "%s", map = %s, reduce = %s, %s }]]

describe("a built-in reduce", function()
  local folder, input

  before_each(function()
    folder = temp.folder()
    input = temp.write(folder .. "/input", texts.generate(texts.seed(20261124), 3000))
  end)

  after_each(function()
    temp.remove(folder)
  end)

  local function parts(job, flags)
    engine.output { "run", temp.write(folder .. "/job.lua", job), "--quiet", "--overwrite", "-o",
      folder .. "/out", input, table.unpack(flags) }
    return engine.parts(folder .. "/out")
  end

  local function agrees(case, kind, flags)
    local name, map = ("%q"):format(case[1]), MAPS[kind]
    local expected = parts(JOB:format("jsonl", map, case[2], ""), flags)
    assert(parts(JOB:format("jsonl", map, name, ""), flags) == expected, kind)
    if case.combines then
      local combined = parts(JOB:format("jsonl", map, name, "combine = " .. name), flags)
      assert(combined == expected, kind .. " combined")
    end
  end

  for _, case in ipairs(CASES) do
    it("leaves what its Lua leaves: " .. case[1], function()
      for kind in pairs(MAPS) do
        if kind == "numbers" or case[1] ~= "mean" then
          agrees(case, kind, { "--reducers", "1" })
          agrees(case, kind, { "--reducers", "3", "--split-size", "5000" })
        end
      end
    end)

    it("means on dryrun what its Lua means: " .. case[1], function()
      local text = texts.generate(texts.seed(3), 200)
      local function meant(reduce)
        return dryrun.run(load(JOB:format("tsv", MAPS.numbers, reduce, ""))(), text)
      end
      assert.same(meant(case[2]), meant(("%q"):format(case[1])))
    end)
  end

  it("writes each line once as sort -u does", function()
    local path = temp.write(folder .. "/lines", "b\na\nb\n\na\n")
    local job = temp.write(folder .. "/job.lua", [[return { output = "lines", map = "field",
      params = { field = 0 }, combine = "distinct", reduce = "distinct" }]])
    assert.equal("\na\nb\n", engine.output { "run", job, path, "--quiet" })
  end)

  it("names the key whose values have no mean", function()
    local job = temp.write(folder .. "/job.lua",
      [[return { map = function(_, line, emit) emit("k", line) end, reduce = "mean" }]])
    local result = engine.run { "run", job, input, "--quiet" }
    assert.equal(1, result.code)
    assert.matches('mean: value of key "k" is a string, not a number', result.stderr)
  end)
end)

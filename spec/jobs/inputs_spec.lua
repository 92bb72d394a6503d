-- A job with several inputs means in the engine what it means on dryrun, whatever the plan: each
-- with its own map and format, by name. Random texts: SEED=n gives the same ones again.

local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

-- Every format, and maps of every kind. What is emitted names its input; keys are few, so that each
-- has values of several inputs.
local JOB <const> = [[
local l = require "lpeg"
local function key_of(text) return #tostring(text) % 7 end
local function tell(key, value, emit)
  if type(value) == "table" then value = value.id or value[1] end
  emit(key_of(value), ("%s %s %s"):format(mr.input, key, value))
end
return {
  map = tell,
  inputs = {
    lines = {},
    words = { map = "words" },
    whole = { map = "grep" },
    table = { input = "csv" },
    split_table = { input = { format = "csv", quoted_newlines = false, header = false } },
    json = { input = "jsonl" },
    fixed = { input = { format = "fixed", bytes = 5 } },
    entries = { input = { format = "grammar", resync = l.B "\n" * "#",
      record = "#" * l.C(((1 - l.S "#\n") ^ 1 + "\n") ^ 0) } },
  },
  params = { pattern = "a" },
  REST
}]]

local function random_lines(count, pieces)
  local lines = {}
  for i = 1, count do
    local words = {}
    for j = 1, math.random(0, 6) do
      words[j] = pieces[math.random(#pieces)]
    end
    lines[i] = table.concat(words, " ")
  end
  return lines
end

local WORDS <const> = { "a", "be", "ä", "not", "#", "12", "\\" }

local function table_text(header, count)
  local rows = { header }
  for _ = 1, count do
    rows[#rows + 1] = ("%s,%d"):format(random_lines(1, WORDS)[1]:gsub("#", "x"),
      math.random(1000))
  end
  return table.concat(rows, "\n") .. "\n"
end

local function json_text(count)
  local lines = {}
  for i = 1, count do
    lines[i] = ('{"id":%d}'):format(math.random(100000))
  end
  return table.concat(lines, "\n")
end

local function random_inputs()
  local function text(count)
    return table.concat(random_lines(count, WORDS), "\n") .. "\n"
  end
  return {
    lines = text(300), words = text(300), whole = text(200), table = table_text("id,n", 150),
    split_table = table_text("x,1", 150), json = json_text(200), fixed = text(300):rep(5),
    entries = "#" .. text(200):gsub("#", ""):gsub("\n", "\n#", 100),
  }
end

local folder

-- The flags that name the inputs, which are written into files.
local function flags_of(inputs)
  local flags = {}
  for name, text in pairs(inputs) do
    flags[#flags + 1] = "--input"
    flags[#flags + 1] = name .. "=" .. temp.write(("%s/%s.txt"):format(folder, name), text)
  end
  return flags
end

local function text_of(records)
  local lines = {}
  for i, record in ipairs(records) do
    lines[i] = ("%s\t%s\n"):format(record[1], tostring(record[2]):gsub("\\", "\\\\")
      :gsub("\n", "\\n"))
  end
  return table.concat(lines)
end

-- What is printed with these flags is what the job means on dryrun.
local function agrees(rest, inputs, ...)
  local source = JOB:gsub("REST", rest)
  local job = temp.write(folder .. "/job.lua", source)
  local argv = table.move(flags_of(inputs), 1, 2 * 64, 4, { "run", job, "--quiet" })
  for _, flag in ipairs { ... } do
    argv[#argv + 1] = flag
  end
  local expected = text_of(dryrun.run(load(source)(), inputs))
  local actual = engine.output(argv)
  if expected ~= actual then
    error(("%d bytes expected, %d came: see %s"):format(#expected, #actual,
      table.concat(argv, " ")))
  end
end

describe("a job with inputs", function()
  temp.each(function(path)
    folder = path
  end)

  for _, size in ipairs { "64M", "1K", "317" } do
    it("means on dryrun what the engine does, cut at " .. size, function()
      local seed = texts.seed(20261130)
      math.randomseed(seed)
      local ok, message = pcall(agrees, "reduce = 'identity'", random_inputs(), "--split-size",
        size, "--reducers", "1")

      assert(ok, ("SEED=%d: %s"):format(seed, message))
    end)
  end

  it("means the same without reduce: the parts follow each other by name of input", function()
    math.randomseed(7)
    agrees("", random_inputs(), "--split-size", "2K")
  end)

  it("means the same in parts that follow each other: a sample maps each its way", function()
    math.randomseed(8)
    local inputs = random_inputs()
    agrees("reduce = 'identity', partition = 'range'", inputs, "--reducers", "4")
    agrees("reduce = 'identity', partition = 'range'", inputs, "--reducers", "4", "--split-size",
      "1K")
  end)

  it("combines what all of its maps emit", function()
    math.randomseed(9)
    agrees("combine = 'count', reduce = 'count'", random_inputs(), "--split-size", "1K",
      "--sort-buffer", "1M", "--reducers", "1")
  end)

  it("maps nothing of an input that is empty", function()
    local inputs = random_inputs()
    for _, name in ipairs { "entries", "lines", "json", "words" } do
      inputs[name] = ""
    end

    agrees("reduce = 'identity'", inputs, "--reducers", "1")
    agrees("reduce = 'identity', partition = 'range'", inputs, "--reducers", "3")
    for name in pairs(inputs) do
      inputs[name] = ""
    end
    inputs.table = "id\n"
    agrees("reduce = 'identity'", inputs)
  end)
end)

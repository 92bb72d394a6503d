local agreement = require "spec.support.agreement"
local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local PATH <const> = "jobs/sessions.lua"

-- The lines of the log that the job's first comment shows, and those it says come out.
local function example()
  local log, output = {}, {}
  for line in temp.read(PATH):gmatch "\n%-%-     ([^\n]+)" do
    if line:find("[", 1, true) then
      log[#log + 1] = line
    elseif #log > 0 then
      output[#output + 1] = line:gsub("%s+", "\t", 1) .. "\n"
    end
  end
  return log, table.concat(output)
end

-- A log of hosts that come and go, one line in 20 no such line.
local function generate(seed, line_count)
  math.randomseed(seed)
  local lines, time = {}, 0
  for i = 1, line_count do
    time = time + math.random(0, 120)
    lines[i] = math.random(20) == 1 and "nonsense" or (
      '10.0.0.%d - - [%02d/Oct/2000:%02d:%02d:%02d +0000] "GET /%d HTTP/1.1" 200 %d'):format(
      math.random(40), 1 + time // 86400, time // 3600 % 24, time // 60 % 60, time % 60,
      math.random(9), i)
  end
  for i = #lines, 2, -1 do -- in no order
    local j = math.random(i)
    lines[i], lines[j] = lines[j], lines[i]
  end
  return table.concat(lines, "\n") .. "\n"
end

describe("jobs/sessions", function()
  local folder

  before_each(function()
    folder = temp.folder()
  end)

  after_each(function()
    temp.remove(folder)
  end)

  it("makes what its first comment says", function()
    local log, expected = example()
    local path = temp.write(folder .. "/access.log", table.concat(log, "\n") .. "\n")

    assert.equal(4, #log)
    assert.equal(expected, meaning.output(PATH, { path }))
    assert.equal(expected, engine.output { "run", PATH, "--quiet", "--reducers", 1, path })
  end)

  it("ends a session after more than the gap, and not before", function()
    local line = '::1 - - [10/Oct/2000:13:00:%02d +0000] "GET / HTTP/1.1" 200 1'
    local log = { line:format(0), line:format(9), line:format(19) }

    assert.equal(2, #dryrun.run(meaning.load(PATH), log, { gap = 9 }))
    assert.equal(1, #dryrun.run(meaning.load(PATH), log, { gap = 10 }))
  end)

  it("counts lines that are of no log", function()
    local records, counters = dryrun.run(meaning.load(PATH), { "nonsense", "" })

    assert.same({}, records)
    assert.same({ bad_lines = 2 }, counters)
  end)

  it("means on dryrun what the engine does with a log in no order", function()
    local seed = texts.seed(20261129)
    local path = temp.write(folder .. "/access.log", generate(seed, 5000))

    agreement.check(PATH, { path })
    agreement.check(PATH, { path }, { flags = { "--split-size", "10K", "--sort-buffer", "1M" } })
    agreement.check(PATH, { path }, { reducers = 3 })
  end)
end)

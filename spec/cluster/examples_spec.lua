-- Every example of jobs/ on a cluster of two workers: the parts of `mrlua run`, byte for byte, and
-- the records that dryrun says. One cluster for all; the jobs run side by side.

local agreement = require "spec.support.agreement"
local cluster = require "spec.support.cluster"
local dryrun = require "mrlua.dryrun"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local SECONDS <const> = 120

local it_all

-- Requests of some hosts, in the order of their times.
local function make_log()
  local lines, time = {}, 0
  for i = 1, 3000 do
    time = time + math.random(0, 200)
    lines[i] = ('10.0.0.%d - - [%02d/Oct/2000:%02d:%02d:%02d +0000] "GET /%d?q HTTP/1.1" 200 %d\n')
      :format(math.random(40), 1 + time // 86400, time // 3600 % 24, time // 60 % 60, time % 60,
        math.random(9), i)
  end
  return table.concat(lines)
end

local function make_csv()
  local rows = { "name,id\n" }
  for i = 1, 2000 do
    rows[i + 1] = ('"n ""%d"", \n",%d\n'):format(math.random(1000), i)
  end
  return table.concat(rows)
end

local function make_points()
  local lines = {}
  for i = 1, 300 do
    lines[i] = ("%.3f %.3f\n"):format(i % 3 * 10 + math.random(), i % 2 * 10 + math.random())
  end
  return table.concat(lines)
end

-- As apt-cache dumpavail prints it.
local function make_packages()
  local blocks = {}
  for i = 1, 400 do
    blocks[i] = ("Package: p%d\nVersion: 1\nDepends: p%d (>= 2), p%d | p%d\n"):format(i,
      math.random(400), math.random(400), math.random(400))
  end
  return table.concat(blocks, "\n")
end

-- What each is run with. Several maps, and several reduces where a job can have them.
local function cases()
  math.randomseed(texts.seed(20261129))
  local log = temp.write(it_all.folder .. "/access.log", make_log())
  local csv = temp.write(it_all.folder .. "/rows.csv", make_csv())
  return {
    csv_to_jsonl = { inputs = { csv, csv }, reducers = 0 },
    distinct = { inputs = texts.LICENSES },
    grep = { inputs = { texts.GPL }, params = { pattern = "[Ff]ree%s" } },
    k_means = { inputs = { temp.write(it_all.folder .. "/points", make_points()) } },
    pagerank = { inputs = { temp.write(it_all.folder .. "/packages", make_packages()) },
      has_sums = true },
    inverted_index = { inputs = texts.HEADERS },
    join = { inputs = {}, named = { groups = "/etc/group", users = "/etc/passwd" } }, -- its own
    mean = { inputs = texts.LICENSES, params = { percentile = 50 } },
    ngrams = { inputs = texts.LICENSES, params = { n = 2, least = 2 } },
    sessions = { inputs = { log } },
    sort = { inputs = texts.LICENSES },
    top = { inputs = texts.LICENSES, params = { n = 25 }, reducers = 1 },
    url_counts = { inputs = { log } },
    wordcount = { inputs = texts.LICENSES },
  }
end

local function flags_of(case)
  local flags = { "--split-size", "10K" }
  local reducers = case.reducers or 3
  table.move({ "--reducers", reducers }, 1, reducers > 0 and 2 or 0, #flags + 1, flags)
  for name, value in pairs(case.params or {}) do
    table.move({ "--param", ("%s=%s"):format(name, value) }, 1, 2, #flags + 1, flags)
  end
  return flags
end

-- All parts of an output, one after the other.
local function text_of(folder)
  local parts = {}
  for _, name in ipairs(temp.list(folder)) do
    parts[#parts + 1] = name:find "^part%-" and temp.read(folder .. "/" .. name) or nil
  end
  return table.concat(parts)
end

-- The records of a job with inputs by name, as lines of "tsv" without escapes.
local function output_of_named(path, named)
  local inputs, lines = {}, {}
  for name, file in pairs(named) do
    inputs[name] = temp.read(file)
  end
  for i, record in ipairs(dryrun.run(meaning.load(path), inputs)) do
    lines[i] = ("%s\t%s\n"):format(record[1], record[2])
  end
  return table.concat(lines)
end

-- Sums of floats are those of another order: equal to 1e-12 of what they are.
local function expect_close(path, expected, actual)
  local next_line = actual:gmatch "([^\t\n]+)\t([^\n]+)"
  for name, sum in expected:gmatch "([^\t\n]+)\t([^\n]+)" do
    local other, other_sum = next_line()
    assert.equal(name, other, path)
    assert.is_true(math.abs(sum - other_sum) <= 1e-12 * math.abs(sum), path)
  end
  assert.is_nil(next_line())
end

local function expect_meaning(path, case, actual)
  local expected = case.named and output_of_named(path, case.named)
    or meaning.output(path, case.inputs, case.params)
  if meaning.load(path).partition ~= "range" then
    expected, actual = meaning.sorted(expected), meaning.sorted(actual)
  end
  if case.has_sums then
    expect_close(path, expected, actual)
  elseif expected ~= actual then
    local at = agreement.first_difference(expected, actual)
    error(("%s: from byte %d on dryrun says %q, the cluster %q"):format(path, at,
      expected:sub(at, at + 40), actual:sub(at, at + 40)))
  end
end

describe("the examples of jobs/ on two workers", function()
  setup(function()
    it_all = cluster.open()
    it_all:start(2, { slots = 2 })
  end)

  teardown(function()
    it_all:close()
  end)

  it("write what mrlua run writes and dryrun says", function()
    local all, submitted = cases(), {}
    for name in temp.capture("ls jobs"):gmatch "([%w_]+)%.lua" do
      local path = ("jobs/%s.lua"):format(name)
      local case = all[name]
      assert(case, path .. ": no input for it in this spec")
      submitted[#submitted + 1] = { path = path, case = case,
        job = it_all:submit(path, case.inputs, flags_of(case)) }
    end

    for _, one in ipairs(submitted) do
      it_all:expect_parts(one.job,
        it_all:expected_parts(one.path, one.case.inputs, flags_of(one.case)), SECONDS)
      expect_meaning(one.path, one.case, text_of(one.job.out))
    end
    it_all:expect_clean()
  end)
end)

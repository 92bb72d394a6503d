-- skip_bad on a cluster: the list of what was left out outlives workers and masters.

local cjson = require "cjson"
local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local gated = require "spec.support.gated"
local temp = require "spec.support.temp"

local UNSAFE = { flags = { "--allow-unsafe" } }

local it_all

-- Words that stand in one line each, so that what fails on one fails on one record.
local function rare_words(count)
  local lines_of, words = {}, {}
  for _, path in ipairs(gated.INPUTS) do
    local number = 0
    for line in io.lines(path) do
      number = number + 1
      for word in line:gmatch "%a+" do
        local place = path .. ":" .. number
        lines_of[word] = (lines_of[word] == nil or lines_of[word] == place) and place or false
      end
    end
  end
  local taken = {}
  for word, place in pairs(lines_of) do
    if place and #word > 4 then
      words[#words + 1] = word
    end
  end
  table.sort(words)
  local rare = {}
  for _, word in ipairs(words) do
    if not taken[lines_of[word]] and #rare < count then
      taken[lines_of[word]] = true
      rare[#rare + 1] = word
    end
  end
  return rare
end

-- The first two words raise, the third kills its VM. What partition does is its record's.
local function fields(skip_bad)
  local words = rare_words(3)
  return (([[skip_bad = %d, partition = function(key, count)
    if key == "%s" or key == "%s" then error("no " .. key) end
    if key == "%s" then os.execute "kill -KILL $PPID" end
    return #key %% count
  end,]]):format(skip_bad, words[1], words[2], words[3]):gsub("%%", "%%%%"))
end

-- The list that `mrlua run` gives.
local function expected_list(gate)
  local out = it_all.folder .. "/of-run"
  local argv = { "run", gate.path, "--quiet", "--allow-unsafe", "--split-size", "16K",
    "--reducers", gated.REDUCERS, "-o", out, "--tmp", it_all.folder }
  engine.output(table.move(gated.INPUTS, 1, #gated.INPUTS, #argv + 1, argv))
  return temp.read(out .. "/_bad.jsonl")
end

-- All but the errors: of a death they tell more or less of how it came.
local function places(text)
  return (text:gsub('"error":"[^\n]*', ""))
end

describe("bad records on a cluster", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("are left out and listed as by mrlua run, though a worker and the master die", function()
    it_all:start(2, UNSAFE)
    local gate = gated.new(it_all, fields(3))
    local job = gate:submit()
    gate:wait_for("map", 2)
    local victim = it_all:worker_with(gate:ran("map")[1].worker)
    victim:kill()
    it_all:start_worker { flags = UNSAFE.flags, dir = victim.dir }
    gate:open "map"
    gate:wait_for("reduce", 1) -- all maps are done: what they were without is known
    it_all:restart_master()
    gate:open "reduce"

    gate:expect_parts(job)
    local text = temp.read(job.out .. "/_bad.jsonl")
    assert.equal(places(expected_list(gate)), places(text))
    assert.equal(3, select(2, text:gsub("\n", "")))
    assert.equal(3, cjson.decode(temp.read(job.out .. "/_SUCCESS")).counters.bad_records)
    assert.matches("no " .. rare_words(1)[1], text)
    it_all:expect_clean()
  end)

  it("of which there is one too many end the job, which names them", function()
    it_all:start(2, UNSAFE)
    local gate = gated.new(it_all, fields(1))
    local job = gate:submit() -- and the master lists it, before it can end
    gate:open "map"
    gate:open "reduce"
    local code = it_all:wait("the job ends", 60, function()
      return job:code()
    end)

    assert.equal(1, code)
    local text = job:text "err"
    assert.matches("mrlua: more bad records than skip_bad = 1 sets aside, at last: ", text, 1, true)
    -- One was set aside, by whoever was first; then came a task with one more, or two.
    assert.is_true(select(2, text:gsub("%(map %d+, record %d+%): ", "")) >= 2)
    assert.is_false(temp.exists(job.out))
    it_all:expect_clean()
  end)

  it("in reduces are left out, too, and told by submit", function()
    it_all:start(2)
    local path = temp.write(it_all.folder .. "/job.lua", [[return { skip_bad = 2, map = "words",
      reduce = function(key, values, emit)
        emit(key, 1)
        if key == "b" or key == "d" then error("no " .. key) end
      end }]])
    local input = temp.write(it_all.folder .. "/in", "a b c\nd e b\n")
    local out = it_all.folder .. "/out"
    local result = it_all:run { "submit", path, input, "-o", out, "--reducers", 3 }

    assert.equal(0, result.code, result.stderr)
    assert.matches("mrlua: 2 bad records were set aside: " .. out .. "/_bad.jsonl\n",
      result.stderr, 1, true)
    local keys = {}
    for line in temp.read(out .. "/_bad.jsonl"):gmatch "[^\n]+" do
      keys[#keys + 1] = cjson.decode(line).key
    end
    table.sort(keys)
    assert.same({ '"b"', '"d"' }, keys)
    it_all:expect_clean()
  end)
end)

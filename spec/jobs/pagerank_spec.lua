local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"

local JOB <const> = "jobs/pagerank.lua"

-- Ranks without MapReduce: package -> rank. `text` as apt-cache dumpavail prints it.
local function ranks_of(text, damping, precision)
  local links, names = {}, {}
  local function add(name)
    if not links[name] then
      links[name], names[#names + 1] = {}, name
    end
  end
  for block in (text .. "\n\n"):gmatch "(.-\n)\n+" do
    local package = block:match "^Package: (%S+)"
    add(package)
    for field, list in block:gmatch "([%a-]+): ([^\n]*)" do
      for name in (field:find "^P?r?e?%-?Depends$" and list or ""):gmatch "[^,|]+" do
        name = name:match "^%s*([%w+.-]+)"
        add(name)
        table.insert(links[package], name)
      end
    end
  end
  local rank, moved = {}
  for _, name in ipairs(names) do
    rank[name] = 1 / #names
  end
  repeat
    local sums, lost = {}, 0
    for _, name in ipairs(names) do
      for _, link in ipairs(links[name]) do
        sums[link] = (sums[link] or 0) + rank[name] / #links[name]
      end
      lost = lost + (#links[name] == 0 and rank[name] or 0)
    end
    moved = 0
    for _, name in ipairs(names) do
      local new = (1 - damping) / #names + damping * ((sums[name] or 0) + lost / #names)
      moved, rank[name] = moved + math.abs(new - rank[name]), new
    end
  until moved < precision
  return rank, #names
end

-- Are these records those ranks, each to 1e-9?
local function expect(rank, count, records)
  assert.equal(count, #records)
  for _, record in ipairs(records) do
    assert.is_true(math.abs(rank[record[1]] - record[2]) < 1e-9, record[1])
  end
end

local function records_of(text)
  local records = {}
  for name, rank in text:gmatch "([^\t\n]+)\t([^\n]+)\n" do
    records[#records + 1] = { name, tonumber(rank) }
  end
  return records
end

local SMALL <const> = [[
Package: a
Version: 1
Depends: b (>= 1.0), c | d, b (<< 2)
Description: Depends: nothing

Package: b
Pre-Depends: c:any
Depends: d

Package: c

Package: a
Version: 2
Depends: c
]]

describe("jobs/pagerank", function()
  it("hands ranks on along Depends and Pre-Depends, as dryrun", function()
    local rank, count = ranks_of(SMALL, 0.85, 1e-6)
    local records = dryrun.run(meaning.load(JOB), SMALL)

    assert.equal(4, count)
    expect(rank, count, records)
    assert.is_true(rank.c > rank.d and rank.d > rank.b and rank.b > rank.a)
  end)

  it("hands ranks on as the engine, with other params", function()
    local folder = temp.folder()
    local path = temp.write(folder .. "/small", SMALL)
    local printed = engine.output { "run", JOB, path, "--quiet", "--split-size", "64", "--param",
      "damping=0.5", "--param", "precision=1e-3" }
    temp.remove(folder)
    local rank, count = ranks_of(SMALL, 0.5, 1e-3)

    expect(rank, count, records_of(printed))
  end)

  it("equals on Debian's packages what is computed without MapReduce", function()
    local text = temp.capture "apt-cache dumpavail"
    local printed = engine.run_command("apt-cache dumpavail | " .. engine.command { "run", JOB, "-",
      "--slots", "2", "--quiet" }, { seconds = 300 })
    local rank, count = ranks_of(text, 0.85, 1e-6)

    assert.equal(0, printed.code, printed.stderr)
    expect(rank, count, records_of(printed.stdout))
  end)
end)

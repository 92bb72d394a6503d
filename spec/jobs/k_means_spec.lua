local agreement = require "spec.support.agreement"
local dryrun = require "mrlua.dryrun"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"

local JOB <const> = "jobs/k_means.lua"

local function k_means(lines, params)
  return (dryrun.run(meaning.load(JOB), lines, params))
end

-- `count` points around each of these places, the same for the same seed.
local function points_around(places, count)
  math.randomseed(7)
  local lines = {}
  for _ = 1, count do
    for _, place in ipairs(places) do
      lines[#lines + 1] = ("%.3f %.3f\n"):format(place[1] + math.random(), place[2] + math.random())
    end
  end
  return table.concat(lines)
end

describe("jobs/k_means", function()
  it("moves the centers to the middle of their points", function()
    assert.same({ { "1.500 1.000", 2 }, { "8.500 8.500", 2 } },
      k_means({ "1 1", "8,9", "2 1", "9,8" }, { k = 2 }))
  end)

  it("has as many clusters as there are points, if those are fewer", function()
    assert.same({ { "1.000", 1 }, { "5.000", 1 } }, k_means({ "1", "5" }, { k = 3 }))
  end)

  it("finds the places that points lie around, as dryrun and as the engine", function()
    local folder = temp.folder()
    local points = points_around({ { 0, 0 }, { 9, 0 }, { 0, 9 } }, 50)
    local path = temp.write(folder .. "/points", points)
    local records = k_means(points)
    local ok, message = pcall(agreement.check, JOB, { path }, { flags = { "--split-size", "512" } })
    temp.remove(folder)

    assert.same({ 50, 50, 50 }, { records[1][2], records[2][2], records[3][2] })
    assert(ok, message)
  end)
end)

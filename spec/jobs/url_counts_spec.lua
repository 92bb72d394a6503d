local agreement = require "spec.support.agreement"
local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local JOB <const> = "jobs/url_counts.lua"

local function entry(request, bytes, rest)
  return ('192.0.2.7 - frank [10/Oct/2026:13:55:36 -0700] "%s" 200 %s%s\n'):format(request, bytes,
    rest or "")
end

-- As servers write it: requests of many kinds, some of them broken, in both formats.
local function log(count)
  local entries = {}
  local paths = { "/", "/a", "/a?q=1&r=%22", "/img/x.png", "/ä", "*" }
  for i = 1, count do
    local request = math.random(20) == 1 and "\\x16\\x03 \\\"junk"
      or ("%s %s HTTP/1.1"):format(math.random(2) == 1 and "GET" or "POST",
        paths[math.random(#paths)])
    entries[i] = entry(request, math.random(9) == 1 and "-" or math.random(100000),
      math.random(2) == 1 and ' "http://example.com/\\"x" "Mozilla/5.0 (X11)"')
  end
  return table.concat(entries)
end

describe("jobs/url_counts", function()
  local folder
  before_each(function() folder = temp.folder() end)
  after_each(function() temp.remove(folder) end)

  it("adds up requests and bytes by path", function()
    assert.same({ { "/a", "/a\t2\t12" }, { "/b", "/b\t1\t0" } }, dryrun.run(meaning.load(JOB),
      entry("GET /a HTTP/1.1", 10) .. entry("GET /b HTTP/1.1", "-")
      .. entry("GET /a?x HTTP/1.0", 2, ' "-" "curl/7"')))
  end)

  it("counts requests that are none, too", function()
    assert.same({ { "(no request)", "(no request)\t1\t7" } },
      dryrun.run(meaning.load(JOB), entry("\\x16", 7)))
  end)

  it("means on dryrun what the engine does, wherever the log is cut", function()
    math.randomseed(texts.seed(8))
    local path = temp.write(folder .. "/access.log", log(1000))
    for _, size in ipairs { "64M", "1K", "333" } do
      agreement.check(JOB, { path }, { flags = { "--split-size", size } })
    end
    agreement.check(JOB, { path }, { reducers = 3 })
  end)

  it("names the line that is no entry", function()
    local first = entry("GET / HTTP/1.1", 1)
    local path = temp.write(folder .. "/access.log", first .. "what is this?\n")
    local answer = engine.run { "run", JOB, path }

    assert.equal(1, answer.code)
    assert.matches(("%s: what begins at byte %d is no record: \"what is this?"):format(path,
      #first), answer.stderr, 1, true)
  end)
end)

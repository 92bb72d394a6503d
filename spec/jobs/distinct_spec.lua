local agreement = require "spec.support.agreement"
local dryrun = require "mrlua.dryrun"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"
local text = require "mrlua.text"
local texts = require "spec.support.texts"

local function distinct(lines)
  return dryrun.run(meaning.load "jobs/distinct.lua", lines)
end

describe("jobs/distinct", function()
  it("counts each word once, ignoring case, by length", function()
    assert.same({ { 1, 2 }, { 3, 1 } }, distinct { "a b A", "the THE", "b" })
    assert.same({}, distinct {})
  end)

  it("is within 4 standard errors of the words of real texts", function()
    local seen, counts = {}, {}
    for _, path in ipairs(texts.LICENSES) do
      for word in text.words(temp.read(path):lower()) do
        counts[#word] = (counts[#word] or 0) + (seen[word] and 0 or 1)
        seen[word] = true
      end
    end
    for line in meaning.output("jobs/distinct.lua", texts.LICENSES):gmatch "[^\n]+" do
      local length, size = line:match "^(%d+)\t(%d+)$"
      local exact = counts[tonumber(length)]
      assert.is_true(math.abs(tonumber(size) - exact) <= math.max(1, 4 * 0.01625 * exact), line)
    end
  end)

  for _, claim in ipairs(agreement.claims("jobs/distinct.lua", { inputs = texts.LICENSES })) do
    it(claim[1], claim[2])
  end
end)

local agreement = require "spec.support.agreement"
local dryrun = require "mrlua.dryrun"
local meaning = require "spec.support.meaning"
local texts = require "spec.support.texts"

local function top(lines, params)
  local output = {}
  for i, record in ipairs(dryrun.run(meaning.load "jobs/top.lua", lines, params)) do
    assert.equal(i, record[1])
    output[i] = record[2]
  end
  return output
end

describe("jobs/top", function()
  it("puts the most frequent words first, ignoring case", function()
    assert.same({ "3\tb", "2\ta", "1\tc" }, top { "B b a", "c b A" })
  end)

  it("orders words of equal count by name", function()
    assert.same({ "1\ta", "1\tb", "1\tc" }, top { "c b a" })
  end)

  it("keeps n words, whatever order they come in", function()
    assert.same({ "4\ta", "3\tb" }, top({ "a a a a b b b c c d" }, { n = 2 }))
    assert.same({ "4\td", "3\tc" }, top({ "d d d d c c c b b a" }, { n = 2 }))
    assert.same({}, top({ "a" }, { n = 0 }))
  end)

  local claims = agreement.claims("jobs/top.lua", {
    inputs = texts.LICENSES, params = { n = 25 }, is_total = true,
  })
  for _, claim in ipairs(claims) do
    it(claim[1], claim[2])
  end
end)

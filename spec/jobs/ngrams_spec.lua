local agreement = require "spec.support.agreement"
local dryrun = require "mrlua.dryrun"
local meaning = require "spec.support.meaning"
local texts = require "spec.support.texts"

local function ngrams(lines, params)
  return dryrun.run(meaning.load "jobs/ngrams.lua", lines, params)
end

describe("jobs/ngrams", function()
  it("counts sequences within a line, ignoring case", function()
    assert.same({ { "a b", 2 }, { "b c", 1 } }, ngrams { "a b c", "A B", "c" })
    assert.same({ { "a b c", 1 } }, ngrams({ "a b c", "a b" }, { n = 3 }))
    assert.same({ { "a", 2 }, { "b", 1 } }, ngrams({ "a b", "a" }, { n = 1 }))
  end)

  it("leaves out what comes less than `least` times", function()
    assert.same({ { "a b", 2 } }, ngrams({ "a b c", "a b" }, { least = 2 }))
  end)

  local claims = agreement.claims("jobs/ngrams.lua", {
    inputs = texts.LICENSES, params = { n = 3, least = 2 },
  })
  for _, claim in ipairs(claims) do
    it(claim[1], claim[2])
  end
end)

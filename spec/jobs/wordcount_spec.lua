local agreement = require "spec.support.agreement"
local dryrun = require "mrlua.dryrun"
local meaning = require "spec.support.meaning"
local texts = require "spec.support.texts"

describe("jobs/wordcount", function()
  it("counts words across lines, case kept", function()
    local output = dryrun.run(meaning.load "jobs/wordcount.lua", { "To be, or", "not to be" })

    assert.same({ { "To", 1 }, { "be", 2 }, { "not", 1 }, { "or", 1 }, { "to", 1 } }, output)
  end)

  it("emits nothing for a line without words", function()
    assert.same({}, dryrun.run(meaning.load "jobs/wordcount.lua", { "", "42 --" }))
  end)

  local claims = agreement.claims("jobs/wordcount.lua", { inputs = texts.LICENSES })
  for _, claim in ipairs(claims) do
    it(claim[1], claim[2])
  end
end)

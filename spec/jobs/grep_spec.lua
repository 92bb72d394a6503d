local agreement = require "spec.support.agreement"
local dryrun = require "mrlua.dryrun"
local meaning = require "spec.support.meaning"
local texts = require "spec.support.texts"

describe("jobs/grep", function()
  it("keeps the lines that match, in the order of the file", function()
    local lines = { "zebra one", "two", "an one", "one" }
    local output = dryrun.run(meaning.load "jobs/grep.lua", lines, { pattern = "one$" })

    assert.same({ { 0, "zebra one" }, { 14, "an one" }, { 21, "one" } }, output)
  end)

  it("keeps every line without a pattern", function()
    assert.equal(2, #dryrun.run(meaning.load "jobs/grep.lua", { "", "x" }))
  end)

  local claims = agreement.claims("jobs/grep.lua", {
    inputs = { texts.GPL }, params = { pattern = "[Ff]ree%s" },
  })
  for _, claim in ipairs(claims) do
    it(claim[1], claim[2])
  end
end)

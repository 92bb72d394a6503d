local agreement = require "spec.support.agreement"
local dryrun = require "mrlua.dryrun"
local meaning = require "spec.support.meaning"
local texts = require "spec.support.texts"

local function mean(lines, params)
  return dryrun.run(meaning.load "jobs/mean.lua", lines, params)
end

describe("jobs/mean", function()
  it("tells mean, deviation and percentile of each letter", function()
    assert.same({
      { "a", "3 words, mean 2.00, deviation 1.00, 90 % up to 2.0" },
      { "b", "1 words, mean 4.00, deviation 0.00, 90 % up to 4.0" },
      { "other", "1 words, mean 2.00, deviation 0.00, 90 % up to 2.0" },
    }, mean { "a aa Aaa", "bcde ü" })
  end)

  it("tells the percentile that is asked for", function()
    local record = mean({ "a aa aaa aaaa aaaaa" }, { percentile = 50 })[1]

    assert.matches("50 %% up to 3%.0$", record[2])
  end)

  for _, claim in ipairs(agreement.claims("jobs/mean.lua", { inputs = texts.LICENSES })) do
    it(claim[1], claim[2])
  end
end)

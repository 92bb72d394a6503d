local agreement = require "spec.support.agreement"
local dryrun = require "mrlua.dryrun"
local meaning = require "spec.support.meaning"
local texts = require "spec.support.texts"

describe("jobs/inverted_index", function()
  it("lists the files of a word in order, each once", function()
    local files = { { "b", "red red blue" }, { "a", "red" } }
    local output = dryrun.run(meaning.load "jobs/inverted_index.lua", files)

    assert.same({ { "blue", "b" }, { "red", "a b" } }, output)
  end)

  local claims = agreement.claims("jobs/inverted_index.lua", { inputs = texts.HEADERS })
  for _, claim in ipairs(claims) do
    it(claim[1], claim[2])
  end
end)

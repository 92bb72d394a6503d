local agreement = require "spec.support.agreement"
local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

describe("jobs/sort", function()
  it("keeps equal lines as often as they came", function()
    local output = dryrun.run(meaning.load "jobs/sort.lua", { "b", "a", "b", "" })

    assert.same({ { "", true }, { "a", true }, { "b", true }, { "b", true } }, output)
  end)

  it("prints what LC_ALL=C sort prints", function()
    local files = table.concat(texts.LICENSES, " ")
    local expected = temp.capture("LC_ALL=C sort " .. files) .. "\n"

    local output = engine.output { "run", "jobs/sort.lua", "--quiet", "--reducers", "1",
      table.unpack(texts.LICENSES) }

    assert.is_true(expected == output)
  end)

  local claims = agreement.claims("jobs/sort.lua", { inputs = texts.LICENSES })
  for _, claim in ipairs(claims) do
    it(claim[1], claim[2])
  end
end)

local json = require "mrlua.json"
local skew = require "mrlua.skew"

local EVEN <const> = {
  records = 100, bytes = 4000, partitions = 1, keys = {}, largest = {}, advice = {},
}
local UNEVEN <const> = {
  records = 10000000, bytes = 120000000, partitions = 4,
  keys = {
    { key = '"the"', records = 1000000, partition = 3 },
    { key = "{1, 2}", records = 530000, partition = 0 },
  },
  largest = {
    { partition = 3, bytes = 60000000, records = 4000000 },
    { partition = 0, bytes = 30000000, records = 3000000 },
    { partition = 2, bytes = 15000000, records = 2000000 },
    { partition = 1, bytes = 15000000, records = 1000000 },
  },
  advice = { "this is so", "that is so" },
}

describe("mrlua/skew", function()
  it("has a line for each advice, and none where all is well", function()
    assert.same({ "skew: this is so", "skew: that is so" }, skew.advice_lines(UNEVEN))
    assert.same({}, skew.advice_lines(EVEN))
    assert.same({}, skew.advice_lines {})
  end)

  it("tells the status: keys with their shares, partitions, advice", function()
    assert.same({
      'hot keys: "the" 10.0 %, {1, 2} 5.3 %',
      "largest of 4 partitions: 3 (60.0 MB), 0 (30.0 MB), 2 (15.0 MB)",
      "skew: this is so",
      "skew: that is so",
    }, skew.status_lines(UNEVEN))
  end)

  it("tells nothing of a job that has one partition and no hot key, or no map done", function()
    assert.same({}, skew.status_lines(EVEN))
    assert.same({}, skew.status_lines {})
  end)

  it("is an object whose lists are lists when they are empty", function()
    assert.equal('{"advice":[],"bytes":4000,"keys":[],"largest":[],"partitions":1,"records":100}',
      json.encode(skew.object(EVEN)))
    assert.is_nil(skew.object {})
    assert.is_nil(skew.object(nil))
  end)
end)

local determinism = require "mrlua.check.determinism"

local function check(runs, is_sorted, lines)
  local count = 0
  return determinism.check(function(order)
    count = count + 1
    return runs[order == "down" and "down" or count]
  end, is_sorted, function(name) return (lines or {})[name] end)
end

describe("mrlua/check/determinism", function()
  it("has nothing against the same records", function()
    local same = { { "a", 1 }, { "b", { 2 } } }

    assert.is_nil(check({ same, { { "a", 1 }, { "b", { 2 } } }, down = same }, false))
  end)

  it("lets records of different keys change places, if they are sorted later", function()
    local runs = { { { "a", 1 }, { "b", 2 } }, { { "a", 1 }, { "b", 2 } },
      down = { { "b", 2 }, { "a", 1 } } }

    assert.is_nil(check(runs, true))
    assert.is_table(check(runs, false))
  end)

  it("does not let the values of a key change places", function()
    local found = check({ { { "a", 1 }, { "a", 2 } }, { { "a", 1 }, { "a", 2 } },
      down = { { "a", 2 }, { "a", 1 } } }, true, { pairs = 7 })

    assert.same({ 'of key "a", first: 1, 2', 'of key "a", then:  2, 1' }, found.shown)
    assert.equal(7, found.line)
    assert.matches("pairs()", found.fix, 1, true)
  end)

  it("finds a record too many", function()
    local found = check({ { { "a", 1 } }, { { "a", 1 }, { "c", 1 } } }, true)

    assert.same({ 'of key "c", first: nothing', 'of key "c", then:  1' }, found.shown)
  end)

  it("knows addresses, and collectgarbage", function()
    local found = check({ { { 1, "table: 0x55d0aa" } }, { { 1, "table: 0x55d0bb" } } }, true)
    assert.matches("is its address", found.fix, 1, true)

    found = check({ { { 1, 22.5 } }, { { 1, 23.5 } } }, true, { collectgarbage = 3 })
    assert.matches("what collectgarbage() tells", found.fix, 1, true)
    assert.equal(3, found.line)
  end)
end)

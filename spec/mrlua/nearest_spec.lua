local nearest = require "mrlua.nearest"

describe("mrlua/nearest", function()
  it("finds the word that was meant", function()
    assert.equal("reduce", nearest.word("reducer", { "map", "reduce", "combine" }))
    assert.equal("combine", nearest.word("combiner", { "map", "reduce", "combine" }))
    assert.equal("run", nearest.word("rnu", { "run", "inspect", "help" }))
    assert.equal("inspect", nearest.word("inpsect", { "run", "inspect", "help" }))
    assert.equal("map", nearest.word("mapp", { "map", "reduce" }))
  end)

  it("finds what a longer word begins with", function()
    assert.equal("map", nearest.word("mapper", { "map", "reduce" }))
    assert.equal("input_format", nearest.word("input_format_of_it", { "input", "input_format" }))
    assert.is_nil(nearest.word("operator", { "op", "reduce" }))
  end)

  it("finds nothing where nothing is near", function()
    assert.is_nil(nearest.word("wibble", { "map", "reduce", "combine" }))
    assert.is_nil(nearest.word("xyz", { "run", "help" }))
    assert.is_nil(nearest.word("x", {}))
  end)

  it("takes the first in byte order of equally near words, in whatever order they come", function()
    assert.equal("bat", nearest.word("at", { "cat", "bat", "rat" }))
    assert.equal("bat", nearest.word("at", { "rat", "cat", "bat" }))
  end)

  it("makes a hint for the end of a message, or nothing", function()
    assert.equal("; did you mean 'reduce'?", nearest.hint("reducer", { "reduce" }))
    assert.equal("", nearest.hint("wibble", { "reduce" }))
  end)

  it("says of an unknown name which was meant, or all there are", function()
    local known = { map = true, reduce = true }

    assert.equal("unknown field 'mapp': did you mean 'map'?",
      nearest.unknown("field", "mapp", known))
    assert.equal("unknown field 'x1y2': there are map, reduce",
      nearest.unknown("field", "x1y2", known))
    assert.equal("unknown field '1': there are none", nearest.unknown("field", 1, {}))
  end)

  it("lists keys as sorted texts", function()
    assert.same({ "1", "a", "b" }, nearest.names_of { b = 1, a = 2, [1] = 3 })
  end)
end)

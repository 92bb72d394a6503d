local commands = require "mrlua.cli.commands"

local LIST = { { "up", "goes up" }, { "status", "tells" } }

describe("mrlua/cli/commands", function()
  it("lines() has a line each, one below the other", function()
    assert.equal("  up      goes up\n  status  tells\n", commands.lines(LIST))
  end)

  it("find() knows those that are there, and hints at the one that was meant", function()
    assert.is_true(commands.find(LIST, "up"))
    local found, hint = commands.find(LIST, "statis")
    assert.is_false(found)
    assert.matches("'status'", hint, 1, true)
    assert.same({ false, "" }, { commands.find(LIST, "elephant") })
  end)
end)

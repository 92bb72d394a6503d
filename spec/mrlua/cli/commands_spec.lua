local kit = require "spec.support.commands"
local commands = require "mrlua.cli.commands"
local usage = require "mrlua.cli.usage"

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

-- What a command's module gives those who describe it; mrlua.cli.usage says how.
describe("mrlua/cli/commands all:", function()
  it("each has a purpose of one line that begins small and ends without a full stop", function()
    for _, command in ipairs(commands.all) do
      assert.matches("^%l[^\n]*[^.\n]$", command[2])
      assert.is_true(#command[2] <= 66, command[2])
    end
  end)

  it("each is a module with a main function and a parser, or with commands of its own", function()
    for _, command in ipairs(commands.all) do
      local module = require("mrlua.cli." .. command[1])

      assert.is_function(module.main, command[1])
      assert.is_true(module.parser ~= nil or module.commands ~= nil, command[1])
    end
  end)

  it("each has two or three examples, whose command lines are right", function()
    for name, module in kit.each() do
      local examples = module.examples or module.parser().examples or {}

      assert.is_true(#examples >= 2 and #examples <= 3, name .. " has 2 or 3 examples")
      for _, example in ipairs(examples) do
        kit.check_line(example[1], name)
        assert.matches("[^.]$", example[2])
      end
    end
  end)

  it("each has a help that tells of every flag, below 100 columns", function()
    for name, module in kit.each() do
      if module.parser then
        local text = usage.help(module.parser())
        for _, option in ipairs(module.parser()._options) do
          local flags = table.concat(option._aliases, ", ")
          assert.is_truthy(text:find(flags, 1, true), name .. " " .. flags)
        end
        for line in text:gmatch "[^\n]+" do
          assert.is_true(utf8.len(line) <= 100, line)
        end
      end
    end
  end)

  it("a flag of one name is called alike everywhere", function()
    local seen = {}
    for name, module in kit.each() do
      for _, option in ipairs(module.parser and module.parser()._options or {}) do
        local alias = option._name
        local shape = table.concat(option._aliases, " ") .. " "
          .. table.concat(option:_get_argument_list(), " ")
        seen[alias] = seen[alias] or { shape, name }
        assert.equal(seen[alias][1], shape, ("%s of %s and %s"):format(alias, seen[alias][2], name))
      end
    end
  end)
end)

local kinds = require "mrlua.cli.new_kinds"
local kit = require "spec.support.commands"

describe("mrlua/cli/new_kinds", function()
  it("have an example in the head comment that is their command", function()
    for _, name in ipairs(kinds.names) do
      local line = kinds[name].job:match "\n%-%-     (mrlua run [^\n]*)\n"

      assert.equal("mrlua run NAME.lua " .. kinds[name].command, line)
      kit.check_line(line, "run")
    end
  end)

  it("are named in every place", function()
    for _, name in ipairs(kinds.names) do
      for _, text in ipairs { kinds[name].job, kinds[name].spec } do
        assert.is_nil(kinds.fill(text, "words"):find("NAME", 1, true))
      end
    end
  end)
end)

local completion_folder = require "spec.support.completion_folder"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

describe("mrlua completion", function()
  local folder
  setup(function() folder = completion_folder.new() end)
  teardown(function() temp.remove(folder) end)

  it("knows every command and flag, in both shells", function()
    local kit = require "spec.support.commands"
    local bash, zsh = temp.read(folder .. "/bash"), temp.read(folder .. "/_mrlua")
    for name, module in kit.each() do
      for _, option in ipairs(module.parser and module.parser()._options or {}) do
        for _, flag in ipairs(option._aliases) do
          assert.is_truthy(bash:find(flag, 1, true), name .. " " .. flag)
          assert.is_truthy(zsh:find(flag, 1, true), name .. " " .. flag)
        end
      end
    end
  end)

  it("says which shells there are", function()
    local result = engine.run { "completion", "fish" }

    assert.equal(2, result.code)
    assert.matches("must be one of 'bash', 'zsh'", result.stderr, 1, true)
  end)
end)

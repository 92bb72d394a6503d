local kit = require "spec.support.commands" -- first: it stands in for the engine
local describe_commands = require "mrlua.cli.describe"
local temp = require "spec.support.temp"

local function named(list, name)
  for _, one in ipairs(list) do
    if one.name == name or one.names and one.names[#one.names] == name then
      return one
    end
  end
end

describe("mrlua/cli/describe", function()
  local all = describe_commands.all()

  it("tells every command with a parser, its flags and arguments", function()
    for name, module in kit.each() do
      local command = named(all, name) or named(named(all, "cluster").commands, name)

      assert.is_table(command, name)
      assert.equal(module.parser and #module.parser()._options or 0,
        command.commands and 0 or #describe_commands.options(command), name)
    end
  end)

  it("tells what kind a value is of", function()
    local run = named(all, "run")
    local options = describe_commands.options(run)

    assert.same({ names = { "-o", "--output" }, value = "DIR", kind = "dir", is_repeated = false,
      what = named(options, "--output").what }, named(options, "--output"))
    assert.equal("pair", named(options, "--file").kind)
    assert.equal("text", named(options, "--reducers").kind)
    assert.is_nil(named(options, "--json").kind)
    assert.same({ "lua", "file" }, { run.arguments[1].kind, run.arguments[2].kind })
    assert.is_true(run.arguments[2].is_list)
    assert.same({ "text", "json" },
      named(describe_commands.options(named(all, "master")), "--log").choices)
    assert.equal("job", named(all, "status").arguments[1].kind)
    assert.equal("file", named(all, "fs").arguments[2].kind)
    assert.same({ "clear" }, named(all, "cache").arguments[1].choices)
  end)

  it("keeps the sections, headings, usage and examples of the help", function()
    local run = named(all, "run")

    assert.equal("Output", run.sections[1].title)
    assert.equal("mrlua run JOB.lua [INPUT...] [-o DIR] [flags]", run.usage)
    assert.is_true(#run.examples >= 2)
    assert.equal("Jobs on this machine", run.heading)
  end)

  it("reads the flags of scripts in their first comment", function()
    local folder <const> = temp.folder()
    finally(function() temp.remove(folder) end)
    temp.write(folder .. "/up.sh", "#!/bin/sh\n# Up.\n#\n#   --bucket NAME   where; --fast\n"
      .. "#   --zones A,B,...  tried\n\n# --not this\n")
    local up = named(named(describe_commands.all(folder), "cluster").commands, "cluster up")
    local told = {}
    for i, option in ipairs(describe_commands.options(up)) do
      told[i] = option.names[1] .. " " .. (option.value or "-")
    end

    assert.same({ "--bucket NAME", "--fast -", "--zones A,B,..." }, told)
  end)
end)

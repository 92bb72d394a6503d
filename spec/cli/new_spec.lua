--- What `mrlua new` writes works at once.

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local kinds = require "mrlua.cli.new_kinds"

describe("mrlua new", function()
  local folder
  temp.each(function(path) folder = path end)

  for _, kind in ipairs(kinds.names) do
    it("writes a job of kind " .. kind .. " that runs, and a spec that passes", function()
      local told = engine.output({ "new", "first", "--kind", kind }, { folder = folder })
      local ran = engine.run_command(
        ("%s run first.lua --quiet %s"):format(temp.quote(engine.path), kinds[kind].command),
        { folder = folder })
      local tested = engine.run_command("busted first_spec.lua", { folder = folder })

      assert.matches("^Wrote first.lua and first_spec.lua, and .busted for busted.\n", told)
      assert.same({ 0, "" }, { ran.code, ran.stderr })
      assert.matches("%w", ran.stdout)
      assert.equal(0, tested.code, tested.stdout .. tested.stderr)
    end)
  end

  it("prints the commands to type next, which work as they stand", function()
    local told = engine.output({ "new", "first" }, { folder = folder })
    local count = 0
    assert.matches("\nEdit first.lua and first_spec.lua, then:\n", told, 1, true)
    for command in told:gmatch "\n  (%S[^\n]*)" do
      local result = engine.run_command(command, { folder = folder })

      assert.equal(0, result.code, command .. "\n" .. result.stderr)
      count = count + 1
    end
    assert.equal(3, count)
  end)

  it("never writes over a file, and then writes none", function()
    for _, name in ipairs { "first.lua", "first_spec.lua" } do
      local own <const> = temp.folder()
      temp.write(own .. "/" .. name, "mine")
      local result = engine.run({ "new", "first" }, { folder = own })

      assert.equal(2, result.code)
      assert.equal(("mrlua: %s is there already, and stays as it is; nothing was written\n")
        :format(name), result.stderr)
      assert.same({ name }, temp.list(own))
      assert.equal("mine", temp.read(own .. "/" .. name))
      temp.remove(own)
    end
  end)

  it("leaves a .busted that is there as it is", function()
    temp.write(folder .. "/.busted", "return {}")
    local told = engine.output({ "new", "first" }, { folder = folder })

    assert.matches("^Wrote first.lua and first_spec.lua.\n", told)
    assert.equal("return {}", temp.read(folder .. "/.busted"))
  end)

  it("says why it cannot write", function()
    os.execute(("ln -s /is/not/there %s/first_spec.lua"):format(folder))
    local result = engine.run({ "new", "first" }, { folder = folder })

    assert.equal(2, result.code)
    assert.equal("mrlua: first_spec.lua: No such file or directory\n", result.stderr)
    assert.is_false(temp.exists(folder .. "/first.lua"))
  end)
end)

--- The manual of the job contract, lua/README.md, does what it says.
--
-- Its blocks are one story, told in one folder: a block of Lua is the file that its first line
-- names ("-- words.lua"), and of the others "$" begins a command for the shell, with what it
-- prints on standard output below.

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local MANUAL <const> = "lua/README.md"
local BUILD <const> = engine.path:match("^(.*)/[^/]*$")

-- The blocks of a document: { kind, line, text }.
local function blocks_of(path)
  local blocks, block, number = {}, nil, 0
  for line in io.lines(path) do
    number = number + 1
    if line:find("^```") and block then
      blocks[#blocks + 1], block = block, nil
    elseif line:find("^```") then
      block = { kind = line:sub(4), line = number, text = "" }
    elseif block then
      block.text = block.text .. line .. "\n"
    end
  end
  assert(not block, "a block without an end")
  return blocks
end

-- The commands of a block, each with what it must print: { command, output, line }.
local function commands_of(block)
  local commands, number = {}, block.line
  for line in block.text:gmatch("([^\n]*)\n") do
    number = number + 1
    local command = line:match("^%$ (.*)$")
    if command then
      commands[#commands + 1] = { command = command, output = "", line = number }
    else
      local last = assert(commands[#commands], ("line %d is the output of nothing"):format(number))
      last.output = last.output .. line .. "\n"
    end
  end
  return commands
end

-- name -> text of the files that are shown, and all commands in their order.
local function story_of(blocks)
  local files, commands = {}, {}
  for _, block in ipairs(blocks) do
    if block.kind == "lua" then
      local name = assert(block.text:match("^%-%- ([%w_]+%.lua)%f[%W]"),
        ("the block at line %d has no name in its first line"):format(block.line))
      assert(not files[name], "two blocks are named " .. name)
      files[name] = block.text
    elseif block.kind == "console" then
      table.move(commands_of(block), 1, #commands_of(block), #commands + 1, commands)
    else
      error(("the block at line %d is %q: neither lua nor console"):format(block.line, block.kind))
    end
  end
  return files, commands
end

describe("the manual, " .. MANUAL, function()
  local files, commands = story_of(blocks_of(MANUAL))
  local folder

  setup(function()
    folder = temp.folder()
    for name, text in pairs(files) do
      temp.write(folder .. "/" .. name, text)
    end
  end)

  teardown(function()
    temp.remove(folder)
  end)

  local environment = ("PATH=%s:$PATH LUA_PATH=%s"):format(temp.quote(BUILD),
    temp.quote(temp.capture "pwd" .. "/lua/?.lua;;"))
  for _, one in ipairs(commands) do
    it(("line %d: %s"):format(one.line, one.command), function()
      local result = engine.run_command(("export %s\n%s"):format(environment, one.command),
        { folder = folder })

      assert.equal(one.output, result.stdout)
      assert.equal(0, result.code, result.stderr)
    end)
  end

  it("shows no file that is not run", function()
    for name in pairs(files) do
      local is_run = false
      for _, one in ipairs(commands) do
        is_run = is_run or one.command:find(name, 1, true) ~= nil
      end
      assert.is_true(is_run, name)
    end
  end)
end)

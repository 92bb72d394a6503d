--- `mrlua help`: which commands there are, and how to come to a job of one's own.

local commands = require "mrlua.cli.commands"
local usage = require "mrlua.cli.usage"

local function new_parser()
  local parser = usage.parser("help", "Tells what mrlua can do.")
  parser:usage("Usage: mrlua help [COMMAND]")
  parser:argument("COMMAND", "Tell about this one, as 'mrlua COMMAND --help' does.")
    :target("command"):args("?")
  parser:flag("-h --help", "This text.")
  return usage.examples(parser, {
    { "mrlua help", "the commands" },
    { "mrlua help run", "the flags of one" },
  })
end

-- A name goes to that command's own help, in mrlua.cli.main.
local help = usage.command("help", new_parser, function()
  io.stdout:write(require("mrlua.cli.help").text())
  return 0
end)

--- The text of `mrlua help`.
-- @treturn string
function help.text()
  return "Usage: mrlua COMMAND ...\n\n" .. commands.lines(commands.all) .. "\n"
    .. "'mrlua COMMAND --help' tells its flags; 'mrlua --version' how it was built.\n"
    .. "First steps: mrlua run jobs/wordcount.lua README.md\n"
end

return help

--- `mrlua help`: which commands there are, and how to come to a job of one's own.

local commands = require "mrlua.cli.commands"
local usage = require "mrlua.cli.usage"

local function new_parser()
  local parser = usage.parser("help", "Tells what mrlua can do.")
  parser:usage("Usage: mrlua help [COMMAND] [--man]")
  parser:argument("COMMAND", "Tell about this one, as 'mrlua COMMAND --help' does.")
    :target("command"):args("?").completes = commands.names()
  parser:flag("--man", "Print the man page of all commands (mdoc), which the package installs.")
  parser:flag("-h --help", "This text.")
  return usage.examples(parser, {
    { "mrlua help", "the commands, and the way to a first job" },
    { "mrlua help run", "the flags of one, with examples" },
    { "mrlua help --man | man -l -", "all of it, as a man page" },
  })
end

local USAGE <const> = [[
Usage: mrlua COMMAND ...

MapReduce for jobs written in Lua, on this machine or on a cluster.

]]

local WALK <const> = [[
  mrlua new words
      writes words.lua, a job with comments, and words_spec.lua; edit them
  mrlua check words.lua
      finds mistakes, by line, without running it
  mrlua run words.lua /usr/share/common-licenses/GPL-3
      runs it here; the records come on standard output, progress on standard error
  mrlua run words.lua -o out /usr/share/common-licenses
      into a new folder instead: part files, and _SUCCESS when all is there
  mrlua inspect out
      reads every part back, and says whether it is good

On a cluster, the same file (master and workers each in a terminal of its own, or elsewhere):
  mrlua master
  mrlua worker
  mrlua submit words.lua -o out2 /usr/share/common-licenses
      waits; Ctrl-C ends the waiting, not the job
  mrlua status 1
      how far job 1 is, or why it failed; 'mrlua cancel 1' ends it

When a job fails, the message names the file, the line and the record, and the command that looks
into it ('mrlua replay'); there is no output then, and the exit code is 1. It is 2 when nothing was
started: the command line or the job file is wrong.
]]

local END <const> = [[

'mrlua COMMAND --help' tells the flags of a command, with examples; 'mrlua --version' how mrlua was
built. What may stand in a job: lua/README.md, as a package /usr/share/doc/mrlua/lua-README.md.
]]

-- A name goes to that command's own help, in mrlua.cli.main.
local help = usage.command("help", new_parser, function(flags)
  local self = require "mrlua.cli.help"
  io.stdout:write(flags.man and self.man() or self.text())
  return 0
end)

--- The text of `mrlua help`.
-- @treturn string
function help.text()
  return USAGE .. commands.lines(commands.all) .. "\nThe way to a first job:\n" .. WALK .. END
end

--- The man page. Its date is $SOURCE_DATE_EPOCH's, as those who build packages want it, or today.
-- @treturn string
function help.man()
  local engine = require "mrlua.engine"
  local scripts = require("mrlua.cli.cluster").folder(assert(engine.environment()).executable)
  local seconds = math.tointeger(tonumber(os.getenv "SOURCE_DATE_EPOCH")) or os.time()
  local date = os.date("!%B %d, %Y", seconds):gsub(" 0", " ")
  return require("mrlua.cli.manual").text(require("mrlua.cli.describe").all(scripts), date,
    WALK)
end

return help

--- `mrlua <command> ...`: finds the command. Each one is a module of its own, loaded only when it
-- is asked for: a run of a small file is over before all of them would be compiled.

local commands = require "mrlua.cli.commands"

local function unknown(name, hint)
  local what = name:find("^%-") and "option" or "command"
  io.stderr:write(("mrlua: unknown %s '%s'%s\ntry 'mrlua --help'\n"):format(what, name, hint))
  return 2
end

local function main(argv)
  local name = table.remove(argv, 1)
  if not name then
    io.stderr:write(require("mrlua.cli.help").text())
    return 2
  elseif name == "--help" or name == "-h" then
    name = "help"
  elseif name == "help" and argv[1] and not argv[1]:find "^%-" then
    name = table.remove(argv, 1)
    table.insert(argv, "--help")
  end
  local found, hint = commands.find(commands.all, name)
  if name == "version" or name == "-v" or name == "-V" then
    hint = "; did you mean '--version'?"
  elseif name:find "^%-" then
    hint = require("mrlua.nearest").hint(name, { "--help", "--version" })
  end
  if not found then
    return unknown(name, hint)
  end
  return require("mrlua.cli." .. name).main(argv)
end

return main

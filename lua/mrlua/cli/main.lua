--- `mrlua <command> ...`: finds the command. Each one is a module of its own, loaded only when it
-- is asked for: a run of a small file is over before all of them would be compiled.

local commands = require "mrlua.cli.commands"

local COMMANDS = {
  { "run", "run a whole job on this machine" },
  { "inspect", "print a run file or check an output folder" },
  { "master", "serve as the master of a cluster" },
  { "worker", "serve as a worker of a cluster" },
  { "submit", "run a job on a cluster" },
  { "jobs", "list the jobs of a cluster" },
  { "status", "tell how far a job is, or how it ended" },
  { "cancel", "end a job" },
  { "workers", "list the workers of a cluster" },
  { "fs", "list, read, copy and delete objects of Cloud Storage" },
  { "cache", "show or clear what 'mrlua run --reuse' keeps" },
  { "key", "print the key of a role" },
  { "cluster", "a cluster on Google Compute Engine: up, run, down" },
  { "help", "print this, or the help of a command" },
}

local function help_text()
  return "Usage: mrlua COMMAND ...\n\nCommands:\n" .. commands.lines(COMMANDS) .. "\n"
    .. "'mrlua COMMAND --help' tells its flags; 'mrlua --version' how it was built.\n"
    .. "First steps: mrlua run jobs/wordcount.lua README.md\n"
end

local function print_help()
  io.stdout:write(help_text())
  return 0
end

local function unknown(name, hint)
  local what = name:find("^%-") and "option" or "command"
  io.stderr:write(("mrlua: unknown %s '%s'%s\ntry 'mrlua --help'\n"):format(what, name, hint))
  return 2
end

local function main(argv)
  local name = table.remove(argv, 1)
  if not name then
    io.stderr:write(help_text())
    return 2
  elseif name == "--help" or name == "-h" then
    return print_help()
  elseif name == "help" then
    if not argv[1] then
      return print_help()
    end
    name, argv = argv[1], { "--help" }
    if name == "help" then
      return print_help()
    end
  end
  local found, hint = commands.find(COMMANDS, name)
  if not found then
    return unknown(name, hint)
  end
  local command = require("mrlua.cli." .. name)
  return (type(command) == "table" and command.main or command)(argv)
end

return main

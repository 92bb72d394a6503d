--- Lists of commands, as 'mrlua' and 'mrlua cluster' have one: { { name, what it does }, ... }.
-- The first of a kind has a heading.

local commands = {}

--- The commands of mrlua. Each is a module mrlua.cli.NAME (mrlua.cli.usage says what it returns).
commands.all = {
  { "new", "write a job to begin with, and its spec", heading = "Jobs on this machine" },
  { "check", "find what can be found in a job without running it" },
  { "run", "run a whole job on this machine" },
  { "replay", "do a failed attempt again, here, and look into it" },
  { "logs", "print what the functions of a job have printed" },
  { "inspect", "print a run file or a capsule, or check an output folder" },
  { "cache", "show or clear what --reuse keeps for later jobs" },
  { "submit", "run a job on a cluster", heading = "Jobs on a cluster" },
  { "jobs", "list the jobs of a cluster" },
  { "status", "tell how far a job is, or how it ended" },
  { "show", "tell all of a job, here or on a cluster" },
  { "diff", "compare two jobs: params, source, inputs, times, counters" },
  { "cancel", "end a job" },
  { "workers", "list the workers of a cluster" },
  { "repl", "a Lua prompt: jobs with functions that are typed there" },
  { "master", "serve as the master of a cluster", heading = "A cluster" },
  { "worker", "serve as a worker of a cluster" },
  { "key", "print the key of a role" },
  { "cluster", "a cluster on Google Compute Engine: up, run, down" },
  { "fs", "list, read, copy and delete objects of Cloud Storage" },
  { "help", "print this, or the help of a command", heading = "Help" },
  { "completion", "print what bash or zsh needs to complete command lines" },
}

--- Their names, in order.
function commands.names()
  local names = {}
  for i, command in ipairs(commands.all) do
    names[i] = command[1]
  end
  return names
end

--- The lines of a help text, in the list's order, below their headings.
-- @treturn string  each with its newline
function commands.lines(list)
  local width, lines = 0, {}
  for _, command in ipairs(list) do
    width = math.max(width, #command[1])
  end
  for i, command in ipairs(list) do
    local heading = command.heading and (i > 1 and "\n" or "") .. command.heading .. ":\n" or ""
    lines[i] = ("%s  %s%s  %s\n"):format(heading, command[1], (" "):rep(width - #command[1]),
      command[2])
  end
  return table.concat(lines)
end

--- Is there a command of this name?
-- @treturn boolean
-- @treturn string  if there is none, "; did you mean ...", or ""
function commands.find(list, name)
  local names = {}
  for i, command in ipairs(list) do
    if command[1] == name then
      return true
    end
    names[i] = command[1]
  end
  return false, require("mrlua.nearest").hint(name, names)
end

return commands

--- The man page, in mdoc, of what mrlua.cli.describe tells: `mrlua help --man`.

local manual = {}

local HEAD <const> = [[
.Dd %s
.Dt MRLUA 1
.Os
.Sh NAME
.Nm mrlua
.Nd MapReduce for jobs written in Lua
.Sh SYNOPSIS
.Nm
.Ar COMMAND
.Op Ar ...
.Nm
.Cm help
.Op Ar COMMAND
.Nm
.Fl \-version
.Sh DESCRIPTION
A job is one Lua file with a map and a reduce.
.Nm
runs it on this machine, or on a cluster of a master and workers: the same file, and the same
output.
Nothing is compiled per job.
]]

local TAIL <const> = [[
.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev MRLUA_MASTER
Where the master is, HOST:PORT, for what has
.Fl \-master .
.It Ev MRLUA_LOG
What
.Fl \-log
of master and worker is: text or json.
.It Ev MRLUA_CACHE_SIZE
What
.Fl \-cache\-size
of
.Ic mrlua run \-\-reuse
is.
.It Ev NO_COLOR
Bars have no colours.
.It Ev TERM
On a
.Dq dumb
terminal there are no bars, but a line for each phase.
.It Ev TMPDIR
Where intermediate files are, instead of
.Pa /var/tmp .
.It Ev XDG_STATE_HOME , XDG_CACHE_HOME
Where the files below are, instead of
.Pa ~/.local/state
and
.Pa ~/.cache .
.El
.Sh FILES
.Bl -tag -width Ds
.It Pa ~/.local/state/mrlua/secret
The secret of this machine, made when it is first needed.
.It Pa ~/.local/state/mrlua/master , ~/.local/state/mrlua/worker
The journal of a master; outputs of maps and scratch files of a worker.
.It Pa ~/.cache/mrlua
What
.Ic mrlua run \-\-reuse
keeps.
.It Pa /usr/share/doc/mrlua/lua-README.md
The manual of jobs: what may stand in the file.
.El
.Sh EXIT STATUS
.Bl -tag -width Ds
.It 0
Done.
.It 1
The job failed, or what was asked for could not be done.
.It 2
The command line, the job file or the set-up is wrong; nothing was started.
.It 130
Interrupted (143: by SIGTERM).
.El
.Sh SEE ALSO
.Xr lua5.4 1
]]

local ESCAPES <const> = { ["\\"] = "\\e", ["'"] = "\\(aq", ["`"] = "\\(ga", ["^"] = "\\(ha",
  ["~"] = "\\(ti", ["-"] = "\\-" }

local function escape(text)
  return (text:gsub("[\\'`^~-]", ESCAPES):gsub("^%.", "\\&."))
end

-- Text as lines: a sentence each; a hyphen in a word is one.
local function prose(text)
  local lines = {}
  for sentence in (text:gsub("([.?!:])%s+(%u)", "%1\n%2") .. "\n"):gmatch "([^\n]+)\n" do
    lines[#lines + 1] = escape(sentence):gsub("(%a)\\%-(%a)", "%1-%2")
  end
  return table.concat(lines, "\n") .. "\n"
end

-- A walk as `mrlua help` has it: commands, each with what it does below it, and prose between them.
local function walk(text)
  local pieces, in_list = {}, false
  local function add(piece)
    pieces[#pieces + 1] = piece
  end
  for line in text:gmatch "([^\n]*)\n" do
    local command, what = line:match "^  (%S.*)", line:match "^      (%S.*)"
    if command and not in_list then
      add ".Bl -tag -width Ds\n"
    elseif line == "" then
      add(in_list and ".El\n.Pp\n" or ".Pp\n")
    end
    in_list = (command or in_list and line ~= "") and true
    if command then
      add((".It Ic %s\n"):format(escape(command)))
    elseif line ~= "" then
      add(prose(what or line))
    end
  end
  return table.concat(pieces)
end

-- Lines as they are.
local function literal(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    lines[#lines + 1] = escape(line)
  end
  return ".Bd -literal -offset indent\n" .. table.concat(lines, "\n") .. "\n.Ed\n"
end

local function option_item(option)
  local names = {}
  for i, name in ipairs(option.names) do
    names[i] = "Fl " .. escape(name:sub(2))
  end
  return (".It %s%s\n%s"):format(table.concat(names, " , "),
    option.value and " Ar " .. escape(option.value) or "", prose(option.what))
end

local function list(items)
  return ".Bl -tag -width Ds\n" .. table.concat(items) .. ".El\n"
end

-- Names and purposes, one below the other.
local function names_and_purposes(commands)
  local lines, longest = {}, ""
  for i, command in ipairs(commands) do
    local name = command.name:match "%S+$"
    longest = #name > #longest and name or longest
    lines[i] = (".It Cm %s\n%s\n"):format(name, escape(command.purpose))
  end
  return (".Bl -tag -compact -width %s\n%s.El\n"):format(longest, table.concat(lines))
end

local function argument_item(argument)
  return (".It Ar %s\n%s"):format(escape(argument.name), prose(argument.what))
end

local function add_lists(command, add)
  local items = {}
  for i, argument in ipairs(command.arguments) do
    items[i] = argument_item(argument)
  end
  if #items > 0 then
    add(".Pp\nArguments:\n", list(items))
  end
  for _, section in ipairs(command.sections) do
    items = {}
    for _, option in ipairs(section.options) do
      if option.what ~= "" and option.names[#option.names] ~= "--help" then
        items[#items + 1] = option_item(option)
      end
    end
    if #items > 0 then
      add((".Pp\n%s:\n"):format(escape(section.title)), list(items))
    end
  end
end

local function add_command(command, add)
  add((".Ss mrlua %s\n"):format(command.name), literal(command.usage),
    prose(command.description or command.purpose:gsub("^%l", string.upper) .. "."))
  add_lists(command, add)
  if command.epilog then
    add(command.epilog:find "\n  " and literal(command.epilog)
      or ".Pp\n" .. prose(command.epilog))
  end
  for i, example in ipairs(command.examples or {}) do
    add(i == 1 and ".Pp\nExamples:\n" or "", literal(example[1] .. "\n    " .. example[2]))
  end
  if command.commands then
    add(".Pp\nCommands:\n.Pp\n", names_and_purposes(command.commands))
    for _, one in ipairs(command.commands) do
      if one.examples[1] then
        add_command(one, add)
      end
    end
  end
end

--- The page.
-- @tparam {table,...} commands  of mrlua.cli.describe
-- @tparam string date           "November 30, 2026"
-- @tparam string way            to a first job, as `mrlua help` tells it
-- @treturn string
function manual.text(commands, date, way)
  local texts = { HEAD:format(date) }
  local function add(...)
    for _, text in ipairs { ... } do
      texts[#texts + 1] = text
    end
  end
  add(".Pp\nThe commands:\n.Pp\n", names_and_purposes(commands),
    ".Sh THE WAY TO A FIRST JOB\n", walk(way), ".Sh COMMANDS\n")
  for _, command in ipairs(commands) do
    add_command(command, add)
  end
  return table.concat(texts) .. TAIL
end

return manual

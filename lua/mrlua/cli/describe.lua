--- All commands as data, from the parsers that read their command lines: for completion and the man
-- page.
--
--     { name = "run", purpose = "run a whole job on this machine", description = "Runs a ...",
--       usage = "mrlua run JOB.lua ...", epilog = "...", examples = { { line, what }, ... },
--       arguments = { { name = "INPUT", what = "Files, ...", kind = "file", is_list = true } },
--       sections = { { title = "Output", options = {
--         { names = { "-o", "--output" }, value = "DIR", what = "...", kind = "dir" } } } },
--       commands = { ... } }                                              only 'cluster' has these
--
-- A kind says what stands there: "lua", "dir", "file", "pair" (NAME=FILE), "job" (a number), "past"
-- (a job of the past, too), "choice" (of `choices`), "text" (anything). An option without a value
-- has none.

local commands = require "mrlua.cli.commands"
local usage = require "mrlua.cli.usage"

local describe = {}

local KINDS <const> = {
  ["JOB.lua"] = "lua", DIR = "dir", FILE = "file", INPUT = "file", NAME = "text", JOB = "job",
  JOB1 = "past", JOB2 = "past",
  ["NAME=PATH"] = "pair",
}

-- The kind, and the choices, if it is one of these. An element may say it itself: with `completes`,
-- a kind or a list of words.
local function kind_of(element, name)
  local words = element._choices or type(element.completes) == "table" and element.completes
  if words then
    return "choice", words
  end
  return element.completes or KINDS[name] or "text"
end

local function option_of(option)
  local value = option:_get_argument_list()[1]
  local kind, choices
  if value then
    kind, choices = kind_of(option, value)
  end
  return { names = option._aliases, what = option:_get_description(), value = value,
    kind = kind, choices = choices, is_repeated = option._maxcount > 1 }
end

local function argument_of(argument)
  local kind, choices = kind_of(argument, argument._name)
  return { name = argument._name, what = argument:_get_description(), kind = kind,
    choices = choices,
    is_list = argument._maxargs > 1, is_optional = argument._minargs == 0 }
end

local function mapped(list, f)
  local answers = {}
  for i, item in ipairs(list) do
    answers[i] = f(item)
  end
  return answers
end

local function section_of(group)
  return { title = group.name, options = mapped(group, option_of) }
end

-- A command that has a parser.
local function of_parser(name, purpose, parser)
  usage.help(parser) -- which makes its groups
  local sections = mapped(parser._groups, section_of)
  if #sections == 0 then
    sections[1] = { title = "Options", options = mapped(parser._options, option_of) }
  end
  return { name = name, purpose = purpose, description = parser._description,
    usage = parser:get_usage():gsub("^Usage: ", ""):gsub("\n +", "\n"), epilog = parser._epilog,
    arguments = mapped(parser._arguments, argument_of), sections = sections,
    examples = parser.examples }
end

-- A script tells its flags in its first comment: "#   --bucket NAME   where ...".
local function of_script(name, purpose, path)
  local options, lines = {}, {}
  local file <close> = path and io.open(path, "rb")
  for line in file and file:lines() or function() end do
    local comment = line:match "^# ?(.*)$"
    if not comment then
      break
    end
    lines[#lines + 1] = comment
  end
  for flag, behind in table.concat(lines, "\n"):gmatch "(%-%-[%l-]+)([^;\n]*)" do
    local value = behind:match "^ (%u[%u,.]*)%f[%s\0;,]"
    if not options[flag] then
      options[flag] = true
      options[#options + 1] = { names = { flag }, value = value, what = "",
        kind = value and "text" }
    end
  end
  return { name = name, purpose = purpose, usage = ("mrlua %s [flags]"):format(name),
    arguments = {}, sections = { { title = "Options", options = options } }, examples = {} }
end

-- Those of 'cluster'.
local function of_scripts(name, module, folder)
  local all = {}
  for i, command in ipairs(module.commands) do
    local whole = name .. " " .. command[1]
    local own = module.parsers and module.parsers[command[1]]
    all[i] = own and of_parser(whole, command[2], require(own).parser())
      or of_script(whole, command[2], folder and ("%s/%s.sh"):format(folder, command[1]))
  end
  return all
end

--- All commands, in the order of the help.
-- @tparam ?string scripts  the folder of the scripts of 'cluster'
-- @treturn {table,...}
function describe.all(scripts)
  local all, heading = {}, nil
  for i, command in ipairs(commands.all) do
    local name, module = command[1], require("mrlua.cli." .. command[1])
    heading = command.heading or heading
    if module.parser then
      all[i] = of_parser(name, command[2], module.parser())
    else
      all[i] = { name = name, purpose = command[2], arguments = {}, sections = {},
        usage = ("mrlua %s COMMAND ..."):format(name), description = module.description,
        examples = module.examples, commands = of_scripts(name, module, scripts) }
    end
    all[i].heading = heading
  end
  return all
end

--- The options of a command, of all its sections.
function describe.options(command)
  local all = {}
  for _, section in ipairs(command.sections) do
    table.move(section.options, 1, #section.options, #all + 1, all)
  end
  return all
end

return describe

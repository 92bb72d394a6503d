--- Command lines: argparse, with our manners. A wrong command line is one line that says what is
-- wrong, one that says where help is, and exit code 2; argparse alone prints its usage and exits.
--
-- The module of a command, mrlua.cli.NAME, has a parser with two or three examples, and returns
--
--     local function new_parser()
--       local parser = usage.parser("jobs", "Lists the jobs of a cluster.")
--       ...
--       return usage.examples(parser, { { "mrlua jobs --json", "the same for a program" } })
--     end
--
--     return usage.command("jobs", new_parser, function(flags) ... return exit_code end)
--
-- and its name and purpose stand in mrlua.cli.commands: help, completion and the man page find it
-- by that.

local argparse = require "argparse"
local printable = require "mrlua.printable"

local usage = {}

usage.EXIT_CODE = 2

--- A parser for `mrlua <command>` that does not exit and does not handle --help.
function usage.parser(command, description)
  return argparse("mrlua " .. command, description):add_help(false)
    :usage_margin(2):help_description_margin(34):help_max_width(100)
end

--- Gives the options that are added from here on a heading of their own in the help.
-- @tparam string title  "The cluster"
function usage.section(parser, title)
  parser.sections = parser.sections or {}
  table.insert(parser.sections, { title = title, from = #parser._options + 1 })
  return parser
end

--- Says how it is called.
-- @tparam {{string,string},...} examples  a line of shell, and what it does
function usage.examples(parser, examples)
  parser.examples = examples
  return parser
end

--- Examples as lines of a help text; "" if there are none.
function usage.examples_text(examples)
  local lines = { "\n\nExamples:" }
  for _, example in ipairs(examples or {}) do
    lines[#lines + 1] = ("  %s\n      %s"):format(example[1], example[2])
  end
  return #lines > 1 and table.concat(lines, "\n") or ""
end

-- "-o, --output DIR" on one line, as flags without an argument have it.
local function label_of(option)
  return { table.concat(option._public_aliases, ", ") .. " "
    .. table.concat(option:_get_argument_list(), " ") }
end

local function group_options(parser)
  for _, option in ipairs(parser._options) do
    if #option:_get_argument_list() > 0 then
      option._get_label_lines = label_of
    end
  end
  local sections = parser.sections or {}
  if sections[1] and sections[1].from > 1 then
    table.insert(sections, 1, { title = "Options", from = 1 })
  end
  for i, section in ipairs(sections) do
    local last = sections[i + 1] and sections[i + 1].from - 1 or #parser._options
    parser:group(section.title, table.unpack(parser._options, section.from, last))
  end
  parser.sections = nil
end

--- The whole help text.
function usage.help(parser)
  group_options(parser)
  return parser:get_help() .. usage.examples_text(parser.examples)
end

local function asks_for_help(argv)
  for _, argument in ipairs(argv) do
    if argument == "--" then
      return false
    elseif argument == "--help" or argument == "-h" then
      return true
    end
  end
  return false
end

-- A complaint about a value names its option: argparse passes on only what the converter says.
local function name_options(parser)
  for _, option in ipairs(parser._options) do
    local converter <const> = option._convert
    option._convert = converter and function(text)
      local value, message = converter(text)
      if value == nil then
        return nil, ("option '%s': %s"):format(option._name, message)
      end
      return value
    end
  end
end

--- Parses `argv`. A converter of an option is a function: text in, value out, or nil and one line.
-- @treturn table    the flags; or { help = text } when help is asked for
-- @return           or nil and one line
function usage.parse(parser, argv)
  if asks_for_help(argv) then
    return { help = usage.help(parser) }
  end
  name_options(parser)
  local ok, result = parser:pparse(argv)
  if not ok then
    return nil, (result:gsub("%s*\n%s*Did you mean", "; did you mean"):gsub("%s*\n%s*", " "))
  end
  return result
end

--- Says on standard error what is wrong with a command line.
-- @treturn integer  the exit code
function usage.complain(command, message)
  local name = command and "mrlua " .. command or "mrlua"
  io.stderr:write(("mrlua: %s\ntry '%s --help'\n"):format(printable.lines(message), name))
  return usage.EXIT_CODE
end

--- What the module of a command returns.
-- @tparam string name
-- @tparam function new_parser
-- @tparam function act             of the flags; answers the exit code
-- @tparam[opt] function parse      of argv, instead of usage.parse() with the parser
-- @treturn table  { main = of argv, answers the exit code; parser = new_parser, parse = parse }
function usage.command(name, new_parser, act, parse)
  parse = parse or function(argv)
    return usage.parse(new_parser(), argv)
  end
  local function main(argv)
    local flags, message = parse(argv)
    if not flags then
      return usage.complain(name, message)
    elseif flags.help then
      io.stdout:write(flags.help, "\n")
      return 0
    end
    return act(flags)
  end
  return { main = main, parser = new_parser, parse = parse }
end

return usage

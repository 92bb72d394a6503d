--- Command lines: argparse, with our manners. A wrong command line is one line that says what is
-- wrong, one that says where help is, and exit code 2; argparse alone prints its usage and exits.

local argparse = require "argparse"

local usage = {}

usage.EXIT_CODE = 2

--- A parser for `mrlua <command>` that does not exit and does not handle --help.
function usage.parser(command, description)
  return argparse("mrlua " .. command, description):add_help(false)
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
    return { help = parser:get_help() }
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
  io.stderr:write(("mrlua: %s\ntry '%s --help'\n"):format(message, name))
  return usage.EXIT_CODE
end

return usage

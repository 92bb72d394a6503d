--- The completion of zsh, made of what mrlua.cli.describe tells: arguments of its _arguments.

local describe = require "mrlua.cli.describe"

local completion_zsh = {}

local HEAD <const> = [[
#compdef mrlua
# Completion of mrlua for zsh; made by: mrlua completion zsh

_mrlua__numbers() {
  local -a numbers
  numbers=(${(f)"$(timeout 2 mrlua jobs 2>/dev/null | awk 'NR > 1 { print $1 }')"})
  compadd -a numbers
}

_mrlua__past() {
  local -a names
  names=(last ${(f)"$(timeout 2 mrlua jobs --all 2>/dev/null | awk 'NR > 1 { print $1 }')"})
  compadd -a names
}

_mrlua__pair() { # NAME=PATH
  if compset -P '*='; then
    _files
  fi
}
]]

local LAST <const> = [[

if [ "$funcstack[1]" = _mrlua ]; then
  _mrlua "$@"
else
  compdef _mrlua mrlua
fi
]]

local ACTIONS <const> = {
  lua = '_files -g "*.lua"', dir = "_files -/", file = "_files", pair = "_mrlua__pair",
  job = "_mrlua__numbers", past = "_mrlua__past", text = " ",
}

-- In single quotes, and with what _arguments reads otherwise escaped.
local function escape(text)
  return (text:gsub("[%[%]:\\]", "\\%0"):gsub("'", "'\\''"):gsub("\n", " "))
end

-- The first phrase of a description: a list has one line for each.
local function phrase(text)
  local last = #text
  for _, mark in ipairs { "%.%s", "%.$", ";%s", ":%s", "%s%(" } do
    last = math.min(last, (text:find(mark) or last + 1) - 1)
  end
  return escape(text:sub(1, last))
end

local function action_of(element)
  return element.choices and ("(%s)"):format(table.concat(element.choices, " "))
    or ACTIONS[element.kind]
end

-- --output=DIR is --output DIR.
local function typed(name, option)
  return name .. (option.value and name:find "^%-%-" and "=" or "")
end

local function option_spec(option)
  local names, typed_names = option.names, {}
  for i, name in ipairs(names) do
    typed_names[i] = typed(name, option)
  end
  local value = option.value and (":%s:%s"):format(escape(option.value), action_of(option)) or ""
  local what = phrase(option.what)
  local told = what ~= "" and ("[%s]"):format(what) or ""
  if #names == 1 then
    return ("'%s%s%s%s'"):format(option.is_repeated and "*" or "", typed_names[1], told, value)
  end
  return ("'(%s)'{%s}'%s%s'"):format(table.concat(names, " "), table.concat(typed_names, ","), told,
    value)
end

local function argument_spec(argument, number)
  local place = argument.is_list and "*" or ("%d%s"):format(number,
    argument.is_optional and ":" or "")
  return ("'%s:%s:%s'"):format(place, escape(argument.name), action_of(argument))
end

local function function_name(command)
  return "_mrlua_" .. command.name:gsub("[^%w]", "_")
end

local function function_of(command)
  local specs = {}
  for _, option in ipairs(describe.options(command)) do
    specs[#specs + 1] = option_spec(option)
  end
  for i, argument in ipairs(command.arguments) do
    specs[#specs + 1] = argument_spec(argument, i)
  end
  return ("\n%s() {\n  _arguments -s -S \\\n    %s\n}\n"):format(function_name(command),
    table.concat(specs, " \\\n    "))
end

-- A function that completes the name of a command, and then what that one takes.
local function choice_of(name, commands)
  local lines, cases = {}, {}
  for i, command in ipairs(commands) do
    local word = command.name:match "%S+$"
    lines[i] = ("    '%s:%s'\n"):format(word, escape(command.purpose))
    cases[i] = ("      %s) %s ;;\n"):format(word, function_name(command))
  end
  return ([[

%s() {
  local -a commands
  local curcontext=$curcontext state line
  commands=(
%s  )
  _arguments -C '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest) case $words[1] in
%s    esac ;;
  esac
}
]]):format(name, table.concat(lines), table.concat(cases))
end

--- The script.
-- @tparam {table,...} commands  of mrlua.cli.describe
-- @treturn string
function completion_zsh.text(commands)
  local texts = { HEAD }
  for _, command in ipairs(commands) do
    for _, one in ipairs(command.commands or { command }) do
      texts[#texts + 1] = function_of(one)
    end
    if command.commands then
      texts[#texts + 1] = choice_of(function_name(command), command.commands)
    end
  end
  texts[#texts + 1] = choice_of("_mrlua", commands)
  return table.concat(texts) .. LAST
end

return completion_zsh

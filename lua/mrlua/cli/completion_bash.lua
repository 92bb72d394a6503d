--- The completion of bash, made of what mrlua.cli.describe tells. It needs nothing but bash.
--
-- Bash takes a command line apart at "=" too: "--file list=na" is four words.

local describe = require "mrlua.cli.describe"

local completion_bash = {}

local HEAD <const> = [==[
# Completion of mrlua for bash; made by: mrlua completion bash

_mrlua_words() { # words, and what was typed
    local IFS=$' \t\n'
    COMPREPLY=($(compgen -W "$1" -- "$2"))
}

_mrlua_files() { # what was typed, and what compgen is to choose from
    local IFS=$'\n' typed=$1
    shift
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen "$@" -- "$typed"))
}

_mrlua_value() { # kind, what was typed, whether behind "=", and the words of a choice
    case "$1" in
    choice) _mrlua_words "$4" "$2" ;;
    dir) _mrlua_files "$2" -d ;;
    file) _mrlua_files "$2" -f ;;
    lua)
        local IFS=$'\n'
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -X '!*.lua' -- "$2") $(compgen -d -- "$2"))
        ;;
    job) _mrlua_words "$(timeout 2 mrlua jobs 2>/dev/null | awk 'NR > 1 { print $1 }')" "$2" ;;
    past)
        _mrlua_words "last $(timeout 2 mrlua jobs --all 2>/dev/null |
            awk 'NR > 1 { print $1 }')" "$2"
        ;;
    pair) [ -n "$3" ] && _mrlua_files "$2" -f ;;
    esac
}

# Where the value that is typed belongs to an option, which one; and whether it is behind the "="
# of NAME=PATH.
_mrlua_option() {
    local at=
    option=${COMP_WORDS[COMP_CWORD-1]} paired=
    if [ "$typed" = = ]; then
        at=$COMP_CWORD typed=
    elif [ "$option" = = ]; then
        at=$((COMP_CWORD - 1))
    fi
    if [ -n "$at" ]; then
        option=${COMP_WORDS[at-1]}
        if [[ $option != -* ]]; then
            paired=1 option=${COMP_WORDS[at-2]}
            [ "$option" = = ] && option=${COMP_WORDS[at-3]}
        fi
    fi
}

# How many arguments stand before the word that is typed, beginning with word $1; $2: the options
# that have a value.
_mrlua_place() {
    local at
    place=1
    for ((at = $1; at < COMP_CWORD; at++)); do
        case "${COMP_WORDS[at]}" in
        =) at=$((at + 1)) ;;
        -*)
            if [ "${COMP_WORDS[at+1]}" != = ] && [[ "$2" == *" ${COMP_WORDS[at]} "* ]]; then
                at=$((at + 1))
            fi
            ;;
        *) place=$((place + 1)) ;;
        esac
    done
}

_mrlua() {
    local typed=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} first=2
    local options= valued= option paired place
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        _mrlua_words '%s --help --version' "$typed"
        return
    fi
]==]

local BELOW <const> = [==[
    if [ "$command" = %s ]; then
        if [ "$COMP_CWORD" -eq 2 ]; then
            _mrlua_words '%s --help' "$typed"
            return
        fi
        command="%s ${COMP_WORDS[2]}" first=3
    fi
]==]

local MIDDLE <const> = [==[
    esac
    if [[ $typed == -* ]]; then
        _mrlua_words "$options" "$typed"
        return
    fi
    _mrlua_option
    case "$command $option" in
]==]

local LAST <const> = [==[
    *)
        [[ $valued == *" $option "* ]] && return
        _mrlua_place $first "$valued"
        case "$command @$place" in
%s        esac
        ;;
    esac
}

complete -F _mrlua mrlua
]==]

local function names_of(commands)
  local names = {}
  for i, command in ipairs(commands) do
    names[i] = command.name:match "%S+$"
  end
  return table.concat(names, " ")
end

-- Those that have options: commands, and the ones below a command.
local function flat(commands)
  local all = {}
  for _, command in ipairs(commands) do
    for _, one in ipairs(command.commands or { command }) do
      all[#all + 1] = one
    end
  end
  return all
end

local function options_case(command)
  local names, valued = {}, {}
  for _, option in ipairs(describe.options(command)) do
    table.move(option.names, 1, #option.names, #names + 1, names)
    if option.value then
      table.move(option.names, 1, #option.names, #valued + 1, valued)
    end
  end
  return ("    '%s') options='%s' valued=' %s ' ;;\n"):format(command.name,
    table.concat(names, " "), table.concat(valued, " "))
end

local function value_case(patterns, element)
  return ("%s) _mrlua_value %s \"$typed\" \"$paired\"%s ;;\n"):format(table.concat(patterns, "|"),
    element.kind, element.choices and (" '%s'"):format(table.concat(element.choices, " ")) or "")
end

local function option_cases(command)
  local lines = {}
  for _, option in ipairs(describe.options(command)) do
    if option.value and option.kind ~= "text" then
      local patterns = {}
      for i, name in ipairs(option.names) do
        patterns[i] = ("'%s %s'"):format(command.name, name)
      end
      lines[#lines + 1] = "    " .. value_case(patterns, option)
    end
  end
  return table.concat(lines)
end

local function place_cases(command)
  local lines = {}
  for i, argument in ipairs(command.arguments) do
    if argument.kind ~= "text" then
      local pattern = argument.is_list and ("'%s @'*"):format(command.name)
        or ("'%s @%d'"):format(command.name, i)
      lines[#lines + 1] = "        " .. value_case({ pattern }, argument)
    end
  end
  return table.concat(lines)
end

--- The script.
-- @tparam {table,...} commands  of mrlua.cli.describe
-- @treturn string
function completion_bash.text(commands)
  local texts, places = { HEAD:format(names_of(commands)) }, {}
  local function add(text)
    texts[#texts + 1] = text
  end
  for _, command in ipairs(commands) do
    if command.commands then
      add(BELOW:format(command.name, names_of(command.commands), command.name))
    end
  end
  add "    case \"$command\" in\n"
  for _, command in ipairs(flat(commands)) do
    add(options_case(command))
  end
  add(MIDDLE)
  for _, command in ipairs(flat(commands)) do
    add(option_cases(command))
    places[#places + 1] = place_cases(command)
  end
  add((LAST:gsub("%%s", function() return table.concat(places) end)))
  return table.concat(texts)
end

return completion_bash

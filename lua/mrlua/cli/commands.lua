--- A list of commands, as 'mrlua' and 'mrlua cluster' have one: { { name, what it does }, ... }.

local commands = {}

--- The lines of a help text, in the list's order.
-- @treturn string  each with its newline
function commands.lines(list)
  local width, lines = 0, {}
  for _, command in ipairs(list) do
    width = math.max(width, #command[1])
  end
  for i, command in ipairs(list) do
    lines[i] = ("  %s%s  %s\n"):format(command[1], (" "):rep(width - #command[1]), command[2])
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

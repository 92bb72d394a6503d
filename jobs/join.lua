--- An inner join of two inputs: the users of this machine with the name of their group.
--
--     mrlua run jobs/join.lua
--
-- Output: "user <tab> group", in the order of the groups' numbers:
--
--     root    root
--     daemon  daemon
--     bin     bin
--
-- It reads what `inputs` lists; others with --input users=PATH --input groups=PATH.
--
-- Secondary sort: the key is { what both sides have, side }, and `group = 1` makes a group of both.
-- Those of side 1 come first and wait in memory, those of side 2 pass by one at a time, however
-- many there are: so side 1 is the one with few records of each key. What has no counterpart on
-- the other side is left out; emit it in reduce for an outer join.

local join = {
  inputs = { groups = { "/etc/group" }, users = { "/etc/passwd" } },
  group = 1,
}

local function fields(line)
  local list = {}
  for field in (line .. ":"):gmatch "([^:]*):" do
    list[#list + 1] = field
  end
  return list
end

function join.inputs.groups.map(_, line, emit)
  local group = fields(line) -- name, password, number, members
  emit({ tonumber(group[3]), 1 }, group[1])
end

function join.inputs.users.map(_, line, emit)
  local user = fields(line) -- name, password, number, number of the group, ...
  emit({ tonumber(user[4]), 2 }, user[1])
end

function join.reduce(_, values, emit)
  local groups = {}
  for value, key in values do
    if key[2] == 1 then
      groups[#groups + 1] = value
    else
      for _, group in ipairs(groups) do
        emit(value, group)
      end
    end
  end
end

return join

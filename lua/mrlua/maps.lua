--- The built-in maps, in Lua: what they mean.
--
--     local map = maps.new("grep", { pattern = "one$" })      a function(key, value, emit)
--
-- With input = "lines" the engine has them in C, over whole blocks (engine/attempt/map_builtin.h),
-- and gives the same records byte for byte; these functions run for other inputs, for patterns
-- that are more than a fixed string, and in mrlua.dryrun. "identity" is always C.

local maps = {}

-- Kept: a job may change its libraries.
local find, gmatch, sub = string.find, string.gmatch, string.sub

local function identity()
  return function(key, value, emit)
    emit(key, value)
  end
end

local function words()
  return function(_, text, emit)
    for word in gmatch(text, "%a+") do
      emit(word, 1)
    end
  end
end

local function grep(params)
  local pattern = params.pattern
  return function(key, text, emit)
    if find(text, pattern) then
      emit(key, text)
    end
  end
end

-- Runs of blanks separate, as in awk; those at the start of the line separate nothing.
local function blank_field(line, n)
  for field in gmatch(line, "[^ \t]+") do
    n = n - 1
    if n == 0 then
      return field
    end
  end
  return ""
end

local function separated_field(line, n, separator)
  local at = 1
  for _ = 2, n do
    local stop = find(line, separator, at, true)
    if not stop then
      return ""
    end
    at = stop + 1
  end
  return sub(line, at, (find(line, separator, at, true) or 0) - 1)
end

local function field(params)
  local n, separator = params.field, params.separator or ""
  if n == 0 then
    return function(_, line, emit)
      emit(line, true)
    end
  end
  return function(_, line, emit)
    emit(separator == "" and blank_field(line, n) or separated_field(line, n, separator), line)
  end
end

local MAPS = { identity = identity, words = words, grep = grep, field = field }

--- name -> true
maps.names = {}
for name in pairs(MAPS) do
  maps.names[name] = true
end

-- Each answers nil, or what is wrong with the params of its map.
local problems = {}

function problems.grep(params)
  if type(params.pattern) ~= "string" then
    return "needs params.pattern, a string: the Lua pattern of what is kept"
  end
  local ok, message = pcall(find, "", params.pattern)
  if not ok then
    return "cannot use params.pattern: " .. message
  end
end

function problems.field(params)
  if math.type(params.field) ~= "integer" or params.field < 0 then
    return "needs params.field, an integer: 1 for the first field of a line, 0 for all of it"
  elseif params.separator ~= nil
    and (type(params.separator) ~= "string" or #params.separator > 1) then
    return "needs as params.separator a string of one byte, or \"\" for runs of blanks"
  end
end

--- What is wrong with the params for this map?
-- @tparam string name    of a built-in map
-- @tparam table params   name -> value
-- @treturn string        "needs params.pattern, ..."; nil: nothing
function maps.problem(name, params)
  return problems[name] and problems[name](params)
end

--- The map as a function. Its params are right (maps.problem).
function maps.new(name, params)
  return MAPS[name](params)
end

return maps

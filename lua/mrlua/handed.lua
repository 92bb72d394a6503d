--- What jobs hand over, outside the engine and in its words: may it be a key, and what does an
-- error say that is no text? For replay and check, which call functions of jobs without an engine.

local handed = {}

local KEY_DEPTH_MAX <const> = 16 -- engine/record/key.h
local SCALARS <const> = { string = true, number = true, boolean = true }
local A_KEY <const> = "a key must be a string, number, boolean or a list of those, not "

-- engine/vm/key_lua.c: a list has the keys 1 to n and no other.
local function list_problem(key, depth)
  local count = 0
  while rawget(key, count + 1) ~= nil do
    count = count + 1
  end
  for name in next, key do
    if type(name) == "string" then
      return ("%sa table with field '%s'"):format(A_KEY, name)
    elseif math.type(name) ~= "integer" or name < 1 or name > count then
      return ("%sa table with a %s as index or a hole in the list"):format(A_KEY, type(name))
    end
  end
  for i = 1, count do
    local problem = handed.key_problem(rawget(key, i), depth + 1)
    if problem then
      return problem
    end
  end
end

--- Why a value is no key.
-- @treturn ?string  nil: it is one
function handed.key_problem(key, depth)
  depth = depth or 0
  if type(key) == "table" then
    return depth >= KEY_DEPTH_MAX and ("tuples nested deeper than %d"):format(KEY_DEPTH_MAX)
      or list_problem(key, depth)
  elseif key ~= key then
    return "NaN is not a key"
  end
  return not SCALARS[type(key)] and A_KEY .. (key == nil and "" or "a ") .. type(key) or nil
end

--- What was raised, as text: engine/vm/state.c. It calls __tostring, and raises nothing.
-- @treturn string
function handed.error_text(raised)
  if raised == nil then
    return "error(): nil was raised"
  elseif type(raised) == "table" then
    local metatable = debug.getmetatable(raised)
    if type(metatable) ~= "table" or rawget(metatable, "__tostring") == nil then
      return "error(): a table without __tostring was raised"
    end
  end
  local ok, text = pcall(tostring, raised)
  return (ok or type(text) == "string") and text or "error(): its __tostring raised another error"
end

return handed

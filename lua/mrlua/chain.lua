--- Maps one after the other in one attempt: what the first emits is the input of the second.
--
--     local step = chain({ first, second }, third)     a job table: third with a longer map
--
-- Where third has `inputs`, each of them has a longer map, too: what it has of its own is instead
-- of the first one's.
--
-- The keys between them are what they would be had they been written and read: 1.0 is 1.

local maps = require "mrlua.maps"

-- As the key codec does (engine/record/key.h).
local function normal(key)
  if type(key) == "table" then
    local parts = {}
    for i, part in ipairs(key) do
      parts[i] = normal(part)
    end
    return parts
  elseif type(key) == "number" then
    return math.tointeger(key) or key
  elseif type(key) ~= "string" and type(key) ~= "boolean" then
    error(("emit: a key cannot be a %s"):format(type(key)), 3)
  end
  return key
end

local function identity(key, value, emit)
  emit(key, value)
end

local function map_of(step, params)
  if step.map == "identity" then
    return identity
  end
  return maps.names[step.map] and maps.new(step.map, params) or step.map
end

-- What the map before it is given as `emit`: it leads into `map`.
local function emit_into(map, emit)
  return function(key, value)
    if value == nil then
      error("emit: a value cannot be nil", 2)
    end
    map(normal(key), value, emit)
  end
end

-- For each step what its emit is, when the last one's is `emit`. That is one and the same function
-- for all records of an attempt, so this is done once.
local function emits(list, emit)
  local of = { [#list] = emit }
  for i = #list - 1, 1, -1 do
    of[i] = emit_into(list[i + 1], of[i + 1])
  end
  return of
end

local function chained_map(list)
  local last, first_emit
  return function(key, value, emit)
    if emit ~= last then
      last, first_emit = emit, emits(list, emit)[1]
    end
    list[1](key, value, first_emit)
  end
end

-- The same of inputs with maps of their own.
local function chained_inputs(inputs, list, params)
  local chained = {}
  for name, one in next, inputs do
    local own = table.move(list, 1, #list, 1, {})
    own[1] = one.map and map_of(one, params) or own[1]
    chained[name] = { map = chained_map(own), input = one.input }
  end
  return chained
end

-- Hooks of the steps before are those of their maps; the reduce of the last step has only its own.
local function chained_setup(steps)
  return function(mr)
    for i = mr.stage == "map" and 1 or #steps, #steps do
      if steps[i].setup then
        steps[i].setup(mr)
      end
    end
  end
end

local function chained_cleanup(steps, list)
  return function(mr, emit)
    local of = emits(list, emit)
    for i = mr.stage == "map" and 1 or #steps, #steps do
      if steps[i].cleanup then
        steps[i].cleanup(mr, of[i])
      end
    end
  end
end

local function any_has(steps, field)
  for _, step in ipairs(steps) do
    if step[field] then
      return true
    end
  end
  return false
end

return function(before, step)
  local steps, list = table.move(before, 1, #before, 1, {}), {}
  steps[#steps + 1] = step
  for i, each in ipairs(steps) do
    list[i] = map_of(each, step.params or {})
  end
  local chained = {}
  for field, value in next, step do
    chained[field] = value
  end
  chained.map = chained_map(list)
  chained.inputs = step.inputs and chained_inputs(step.inputs, list, step.params or {})
  chained.setup = any_has(steps, "setup") and chained_setup(steps) or nil
  chained.cleanup = any_has(steps, "cleanup") and chained_cleanup(steps, list) or nil
  return chained
end

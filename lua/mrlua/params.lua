--- The field `params` of a job: values that the command line may set, with their types.
--
--     params = {
--       n = 10,                         a string, number or boolean: the default, and its type
--       rate = { default = 0.5, min = 0, max = 1, help = "share of lines that are kept" },
--       order = { default = "asc", one_of = { "asc", "desc" } },
--       user = { type = "string" },     no default: it must be given
--     }
--
--     type     "string", "integer", "number" (always a float) or "boolean"; absent: that of the
--              default, or of one_of
--     default  absent: the job does not start without --param NAME=VALUE
--     min, max of integers and numbers, both of them allowed
--     one_of   a list of the values that it may have
--     help     what an error adds about it, for who has never seen the job
--
-- The functions of a job read all of them as mr.params.NAME, whatever said the value.

local nearest = require "mrlua.nearest"

local params = {}

local ONE_OF_MAX <const> = 100 -- an error tells all of them

-- ---- types ----

local TYPES = {
  string = "a string", integer = "an integer", number = "a number",
  boolean = "a boolean, true or false",
}

-- The type of a value that is written as a default; nil: it can be none.
local function type_of(value)
  if type(value) == "number" then
    return math.type(value) == "integer" and "integer" or "number"
  end
  return TYPES[type(value)] and type(value) or nil
end

-- A text, or a value that was one before, as a value of this type; nil: it is none.
local function convert(value, kind)
  if kind == "string" then
    return type(value) == "string" and value or nil
  elseif kind == "boolean" then
    if type(value) == "boolean" then
      return value
    end
    return ({ ["true"] = true, ["false"] = false })[value]
  end
  local number = tonumber(value)
  if kind == "integer" then
    return number and math.tointeger(number)
  end
  return number and number + 0.0
end

-- ---- declarations ----

local function text_of(value)
  return type(value) == "string" and '"' .. value .. '"' or tostring(value)
end

-- What a value must be: "an integer from 1 to 100".
local function description_of(declared)
  if declared.one_of then
    local texts = {}
    for i, value in ipairs(declared.one_of) do
      texts[i] = text_of(value)
    end
    return "one of " .. table.concat(texts, ", ")
  end
  local text, min, max = TYPES[declared.type], declared.min, declared.max
  if min and max then
    return ("%s from %s to %s"):format(text, min, max)
  elseif min or max then
    return ("%s of at %s %s"):format(text, min and "least" or "most", min or max)
  end
  return text
end

-- The value, converted; nil: it is not what was declared.
local function value_of(declared, given)
  local value = convert(given, declared.type)
  if value == nil then
    return nil
  elseif declared.one_of then
    for _, allowed in ipairs(declared.one_of) do
      if value == allowed then
        return value
      end
    end
    return nil
  elseif declared.min and value < declared.min or declared.max and value > declared.max then
    return nil
  end
  return value
end

local function is_number_type(kind)
  return kind == "integer" or kind == "number"
end

-- Each answers nil, or what is wrong with an option of a declaration.
local options = {}

function options.type(declared)
  if not TYPES[declared.type] then
    local names = { "boolean", "integer", "number", "string" }
    local meant = type(declared.type) == "string" and nearest.word(declared.type, names)
    return ("has type %s: %s"):format(text_of(declared.type), meant
      and ('did you mean "%s"?'):format(meant)
      or 'must be "' .. table.concat(names, '", "') .. '"')
  end
end

local function bound(name)
  return function(declared)
    if not is_number_type(declared.type) then
      return ("is %s and has no %s"):format(TYPES[declared.type], name)
    elseif type(declared[name]) ~= "number" then
      return ("has a %s that must be a number"):format(name)
    end
  end
end

options.min, options.max = bound "min", bound "max"

function options.one_of(declared)
  local list = declared.one_of
  if type(list) ~= "table" or #list < 1 or #list > ONE_OF_MAX then
    return ("has one_of that must be a list of 1 to %d values"):format(ONE_OF_MAX)
  end
  for i = 1, #list do
    list[i] = convert(list[i], declared.type)
    if list[i] == nil then
      return ("has one_of with values that must be %s: see item %d"):format(TYPES[declared.type], i)
    end
  end
end

function options.help(declared)
  if type(declared.help) ~= "string" then
    return "has a help that must be a string"
  end
end

function options.default(declared)
  local value = value_of(declared, declared.default)
  if value == nil then
    return ("has a default that must be %s, not %s"):format(description_of(declared),
      text_of(declared.default))
  end
  declared.default = value
end

-- Each needs those before it.
local ORDER <const> = { "type", "help", "min", "max", "one_of", "default" }

local function copy(value)
  local fields = {}
  for name, field in next, value do
    fields[name] = type(field) == "table" and table.move(field, 1, #field, 1, {}) or field
  end
  return fields
end

-- The declaration of one param; or nil and what is wrong with it.
local function declaration_of(name, value)
  if type(value) ~= "table" then
    local kind = type_of(value)
    if not kind then
      return nil, "must be a string, number or boolean, or a table that declares one, not a "
        .. type(value)
    end
    return { type = kind, default = value }
  end
  local declared = copy(value)
  for _, option in ipairs(nearest.names_of(declared)) do
    if not options[option] then
      return nil, "has an " .. nearest.unknown("option", option, options)
    end
  end
  local sample = declared.default
  if sample == nil and type(declared.one_of) == "table" then
    sample = declared.one_of[1]
  end
  declared.type = declared.type or type_of(sample)
  if not declared.type then
    return nil, "needs a default or a type"
  end
  for _, option in ipairs(ORDER) do
    local problem = declared[option] ~= nil and options[option](declared)
    if problem then
      return nil, problem
    end
  end
  if declared.default == nil and not string.find(name, "^[%a_][%w_]*$") then
    return nil, "needs a default: --param can name only letters, digits and '_'"
  end
  return declared
end

-- Every param as a declaration; or nil and what the field must be.
local function declare(field)
  if type(field) ~= "table" then
    return nil, "must be a table of names and their default values"
  end
  local declared = {}
  for _, name in ipairs(nearest.names_of(field)) do
    if field[name] == nil then -- it is no string, and this is its text
      return nil, "must have names as keys, not " .. name
    end
    local problem
    declared[name], problem = declaration_of(name, field[name])
    if problem then
      return nil, ("'%s' %s"):format(name, problem)
    end
  end
  return declared
end

--- Checks the field `params`.
-- @treturn table  name -> default; a param that has none is left out
-- @return         or nil and a message that goes behind the field's name: "must be ..."
function params.check(field)
  local declared, message = declare(field)
  if not declared then
    return nil, message
  end
  local defaults = {}
  for name, param in next, declared do
    defaults[name] = param.default
  end
  return defaults
end

--- The first param, by name, that has no value in `values`; nil: all have one.
-- @tparam table field   the field `params` of a job that was checked
-- @tparam table values  name -> value
function params.missing(field, values)
  for _, name in ipairs(nearest.names_of(field)) do
    if values[name] == nil then
      return name
    end
  end
end

local function with_help(message, declared)
  return declared.help and ("%s (%s)"):format(message, declared.help) or message
end

--- The params of a run: the defaults of the job, and what the command line says instead.
-- @tparam table field      the field `params` of a job that was checked
-- @tparam table overrides  name -> text, or a value that this function answered before
-- @treturn table           name -> value; or nil and a message that names the param
function params.apply(field, overrides)
  local declared, values = assert(declare(field)), assert(params.check(field))
  for _, name in ipairs(nearest.names_of(overrides)) do
    local param = declared[name]
    if not param then
      return nil, nearest.unknown("param", name, declared)
    end
    values[name] = value_of(param, overrides[name])
    if values[name] == nil then
      return nil, with_help(("param '%s' must be %s, not '%s'"):format(name, description_of(param),
        tostring(overrides[name])), param)
    end
  end
  local name = params.missing(field, values)
  if name then
    return nil, with_help(("param '%s' is missing: give --param %s=VALUE, %s"):format(name, name,
      description_of(declared[name])), declared[name])
  end
  return values
end

return params

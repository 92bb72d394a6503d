--- Has a table that was read from a file the fields that it should have? Pure.
--
--     shape.fault({ name = "a", seconds = "x" }, { name = "string", seconds = "number" })
--         "'seconds' is a string, not a number"
--
-- A shape is
--     "string", "boolean", "table"; "number", which is finite; "integer", 3.0 too; with "?" behind
--     it may be missing
--     { name = shape, ... }     a table with these fields; others do not matter
--     { list = shape }          what stands at 1, 2, ... of a table
--     { map = shape }           all values of a table
-- and of such a table
--     optional = true           it may be missing
--     is_empty_too = true       or have no field at all

local shape = {}

local FLAGS <const> = { optional = true, is_empty_too = true }

local function is_of(value, wanted)
  if wanted == "integer" then
    return type(value) == "number" and math.tointeger(value) ~= nil
  elseif wanted == "number" then
    return type(value) == "number" and value - value == 0
  end
  return type(value) == wanted
end

local function wrong(value, wanted, path)
  local article = wanted == "integer" and "an " or "a "
  local found = value == nil and "missing"
    or type(value) == "number" and tostring(value) or "a " .. type(value)
  return ("'%s' is %s%s"):format(path, found,
    value == nil and "" or ", not " .. article .. wanted)
end

local fault_of

local function fault_of_fields(value, wanted, path)
  local inner = wanted.list or wanted.map
  for name, one in next, inner and value or wanted do
    local is_meant = inner and (wanted.map or math.type(name) == "integer") or not inner
      and not FLAGS[name]
    local below = path == "" and tostring(name) or ("%s.%s"):format(path, name)
    local fault = is_meant and fault_of(value[name], inner or one, below)
    if fault then
      return fault
    end
  end
end

function fault_of(value, wanted, path)
  if type(wanted) == "string" then
    local name, may_miss = wanted:match "^(%a+)(%??)$"
    local is_right = value == nil and may_miss == "?" or is_of(value, name)
    return not is_right and wrong(value, name, path) or nil
  elseif value == nil and wanted.optional then
    return nil
  elseif type(value) ~= "table" then
    return wrong(value, "table", path)
  elseif wanted.is_empty_too and next(value) == nil then
    return nil
  end
  return fault_of_fields(value, wanted, path)
end

--- What is wrong with a table.
-- @tparam table value
-- @tparam table wanted  its shape
-- @treturn ?string      half a sentence; nil: nothing
function shape.fault(value, wanted)
  return fault_of(value, wanted, "")
end

return shape

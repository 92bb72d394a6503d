--- Keys and values of records, as text and compared, for mrlua.check.

local values = {}

local DEPTH_MAX <const> = 16 -- of tables in a text; more is cut
local COPY_DEPTH_MAX <const> = 64 -- of what may be emitted (engine/record/value.h)
local FLOAT_SHARE <const> = 1e-9 -- sums of floats in another order differ in their last bits

local function sorted_keys(fields)
  local keys = {}
  for key in next, fields do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then
      return a < b
    end
    return type(a) .. tostring(a) < type(b) .. tostring(b)
  end)
  return keys
end

local function number_text(number)
  if math.type(number) == "integer" then
    return ("%d"):format(number)
  end
  local short = ("%.14g"):format(number)
  local text = tonumber(short) == number and short or ("%.17g"):format(number)
  return text:find "^-?%d+$" and text .. ".0" or text
end

local text_of

local function table_text(fields, depth)
  if depth > DEPTH_MAX then
    return "{...}"
  end
  local items, count = {}, rawlen(fields)
  for i = 1, count do
    items[i] = text_of(rawget(fields, i), depth + 1)
  end
  for _, key in ipairs(sorted_keys(fields)) do
    local is_item = math.type(key) == "integer" and key >= 1 and key <= count
    if not is_item then
      local name = type(key) == "string" and key:find "^[%a_][%w_]*$" and key
        or "[" .. text_of(key, depth + 1) .. "]"
      items[#items + 1] = name .. " = " .. text_of(rawget(fields, key), depth + 1)
    end
  end
  return #items == 0 and "{}" or "{ " .. table.concat(items, ", ") .. " }"
end

function text_of(value, depth)
  if type(value) == "string" then
    local quoted = ("%q"):format(value):gsub("\\\n", "\\n"):gsub("\r", "\\r")
    return (quoted:gsub("[\128-\255]+", function(bytes)
      return utf8.len(bytes) and bytes or bytes:gsub(".", function(byte)
        return ("\\x%02x"):format(byte:byte())
      end)
    end))
  elseif type(value) == "number" then
    return number_text(value)
  elseif type(value) == "table" then
    return table_text(value, depth)
  end
  return tostring(value)
end

--- A value as Lua would write it. Equal values have equal texts.
function values.text(value)
  return text_of(value, 1)
end

--- Values as arguments: "1, 2", cut in the middle of what is long.
-- @tparam {any,...} list
function values.list_text(list)
  local texts = {}
  for i, value in ipairs(list) do
    local text = values.text(value)
    texts[i] = #text > 60 and text:sub(1, 57) .. "..." or text
  end
  return table.concat(texts, ", ")
end

--- A copy that shares nothing with it.
function values.copy(value, depth)
  depth = depth or 1
  if type(value) ~= "table" then
    return value
  elseif depth > COPY_DEPTH_MAX then
    error(("value has more than %d tables in tables, or contains itself"):format(COPY_DEPTH_MAX), 0)
  end
  local copied = {}
  for key, item in next, value do
    copied[key] = values.copy(item, depth + 1)
  end
  return copied
end

--- What two values have in common that may stand for each other: type, and fields of tables.
function values.shape(value)
  if type(value) ~= "table" then
    return math.type(value) or type(value)
  end
  local shapes = {}
  for _, key in ipairs(sorted_keys(value)) do
    shapes[#shapes + 1] = (type(key) == "string" and key or "#") .. ":" .. type(value[key])
  end
  return table.concat(shapes, ",")
end

--- Are they the same, but for the last bits of floats?
function values.same(a, b)
  if type(a) == "number" and type(b) == "number" then
    local scale = math.max(math.abs(a), math.abs(b))
    return a == b or (a ~= a and b ~= b) or math.abs(a - b) <= FLOAT_SHARE * scale
  elseif type(a) ~= "table" or type(b) ~= "table" then
    return a == b
  end
  for key, item in next, a do
    if not values.same(item, b[key]) then
      return false
    end
  end
  for key in next, b do
    if a[key] == nil then
      return false
    end
  end
  return true
end

return values

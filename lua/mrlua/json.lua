--- Values as JSON text: what `--json` prints.
--
-- Own, and not lua-cjson: that one writes integers beyond 10^14 as floats (bytes and digests do
-- not bear it) and keys in the order of pairs(). Here keys are sorted, so the same outcome is the
-- same text. Reading JSON is lua-cjson's.

local json = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(char)
  return ESCAPES[char] or ("\\u%04x"):format(char:byte())
end

-- Bytes that are not UTF-8 (file names, a record) become U+FFFD, one each: JSON has no others.
local function valid_utf8(text)
  local _, bad = utf8.len(text)
  if not bad then
    return text
  end
  local pieces, at = {}, 1
  while bad do
    pieces[#pieces + 1] = text:sub(at, bad - 1) .. "\u{FFFD}"
    at = bad + 1
    bad = at <= #text and select(2, utf8.len(text, at)) or nil
  end
  return table.concat(pieces) .. text:sub(at)
end

local function encode_string(text)
  return '"' .. valid_utf8(text):gsub('[%c"\\\127]', escape) .. '"'
end

local function encode_number(number)
  if math.type(number) == "integer" then
    return ("%d"):format(number)
  elseif number ~= number or number == math.huge or number == -math.huge then
    return "null" -- JSON has no such numbers
  end
  local short = ("%.15g"):format(number)
  return tonumber(short) == number and short or ("%.17g"):format(number)
end

local encode

local function encode_list(list)
  local items = {}
  for i, item in ipairs(list) do
    items[i] = encode(item)
  end
  return "[" .. table.concat(items, ",") .. "]"
end

local function encode_object(object)
  local names = {}
  for name in pairs(object) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    names[i] = encode_string(name) .. ":" .. encode(object[name])
  end
  return "{" .. table.concat(names, ",") .. "}"
end

function encode(value)
  local kind = type(value)
  if kind == "string" then
    return encode_string(value)
  elseif kind == "number" then
    return encode_number(value)
  elseif kind ~= "table" then
    return tostring(value) -- true, false, nil
  elseif #value > 0 or getmetatable(value) == json.list then
    return encode_list(value)
  end
  return encode_object(value)
end

--- The metatable of a table that is a list even when it is empty.
json.list = {}

--- One line of JSON. Tables with value[1] are lists, others objects with string keys.
-- @treturn string
function json.encode(value)
  return (encode(value):gsub("^nil$", "null"))
end

return json

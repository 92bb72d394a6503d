--- Values as JSON text and back: what `--json` prints, and `require "mrlua.json"` in a job.
--
--     json.encode { b = 1, a = { true } }           {"a":[true],"b":1}
--     json.decode '{"n": 3, "x": null}'.n           3, an integer
--
-- Writing is its own, and not lua-cjson's: that one writes integers beyond 10^14 as floats (bytes
-- and digests do not bear it) and keys in the order of pairs(). Here keys are sorted, so the same
-- value is the same text. Reading is lua-cjson's, with integers and without null in objects.

local cjson = require "cjson"

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
  elseif value == json.null then
    return "null"
  elseif kind ~= "table" then
    return tostring(value) -- true, false, nil
  elseif #value > 0 or getmetatable(value) == json.list then
    return encode_list(value)
  end
  return encode_object(value)
end

--- The metatable of a table that is a list even when it is empty.
json.list = {}

--- What stands for null in a list that was read; nil is null, too, where it is written alone.
json.null = cjson.null

local INTEGER_MAX <const> = 2 ^ 53 -- a number of JSON is a double for most who write one

-- What lua-cjson reads, made Lua's: it has floats only, and a null that is not false. As deep as
-- lua-cjson goes (1000), so it needs no stack of its own.
local function settle(value)
  if type(value) == "number" then
    local integer = math.abs(value) <= INTEGER_MAX and math.tointeger(value)
    return integer or value
  elseif type(value) ~= "table" then
    return value
  end
  local is_list = value[1] ~= nil
  for key, item in next, value do
    if item == json.null and not is_list then
      value[key] = nil
    else
      value[key] = settle(item)
    end
  end
  return value
end

--- Reads JSON. Numbers without a fraction, up to 2^53, are integers; a member of an object that is
-- null is not there, in a list it is json.null.
-- @tparam string text
-- @return  the value, which is nil for null; or nil and a message where it is no JSON
function json.decode(text)
  local ok, value = pcall(cjson.decode, text)
  if not ok then
    return nil, (tostring(value):gsub("^.-:%d+: ", ""))
  end
  if value == json.null then
    return nil
  end
  return settle(value)
end

--- One line of JSON. Tables with value[1] are lists, others objects with string keys.
-- @treturn string
function json.encode(value)
  return (encode(value):gsub("^nil$", "null"))
end

return json

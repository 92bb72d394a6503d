--- What was in hand where an error was raised: the frames of the job's own functions, innermost
-- first, with their locals and upvalues as text.
--
--     { { name = "map", source = "jobs/x.lua", line = 12, locals = { { "word", "\"To\"" } },
--         upvalues = { { "seen", "{a = true}" } } } }
--
-- Runs in the message handler, so the frames are still there: in an attempt (engine/vm/scene.c) and
-- in `mrlua replay`. What it looks at is the job's, and may be hostile: no metamethod is called,
-- not even of strings, text is printable, and everything has a limit.

local frames = {
  COUNT_MAX = 16, -- a recursion without end says the same again and again
  VARIABLES_MAX = 64, -- of a function; a program that has more of them is a generated one
  VALUE_BYTES_MAX = 1000, -- what one reads of a value at a glance
  BYTES_MAX = 64 << 10, -- of all; with the record's 256 KiB it fits a message
}

local DEPTH_MAX = 3
local ITEMS_MAX = 16 -- of a table
local STRING_BYTES_MAX = 200

local find, format, gsub, sub = string.find, string.format, string.gsub, string.sub
local math_type, next, rawlen, tostring, type = math.type, next, rawlen, tostring, type
local concat = table.concat

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\""] = "\\\"", ["\\"] = "\\\\" }

local function escape(byte)
  return ESCAPES[byte] or format("\\x%02x", string.byte(byte))
end

local function quote(text)
  local head = sub(text, 1, STRING_BYTES_MAX)
  local quoted = "\"" .. gsub(head, "[%c\"\\\x7f-\xff]", escape) .. "\""
  return #text > #head and format("%s ... (%d bytes)", quoted, #text) or quoted
end

--- Is this frame one of the job's functions? Ours and C's are not.
-- @tparam table info  of debug.getinfo, with "S"
function frames.is_of_job(info)
  return info.what ~= "C" and not find(info.source, "^[=@]?mrlua%.")
end

-- Where a function is written: "function: jobs/x.lua:12".
local function function_text(debug, f)
  local info = debug.getinfo(f, "S")
  if not frames.is_of_job(info) then
    return "function: built in"
  end
  return format("function: %s:%d", gsub(info.short_src, "[%c\x7f-\xff]", "?"), info.linedefined)
end

local function scalar_text(debug, value)
  local kind = type(value)
  if kind == "string" then
    return quote(value)
  elseif kind == "number" then
    return math_type(value) == "float" and format("%.14g", value) or format("%d", value)
  elseif kind == "function" then
    return function_text(debug, value)
  elseif kind == "nil" or kind == "boolean" then
    return tostring(value)
  end
  return kind
end

local function key_text(debug, key)
  if type(key) == "string" and find(key, "^[%a_][%w_]*$") and #key <= STRING_BYTES_MAX then
    return key
  end
  return "[" .. (type(key) == "table" and "table" or scalar_text(debug, key)) .. "]"
end

local value_text

-- Its items, those of a list in their order, as far as there is room.
local function table_text(debug, value, depth, room)
  local parts, used, listed, more = {}, 2, 0, false
  local function add(text)
    used = used + #text + 2
    more = more or #parts == ITEMS_MAX or used > room
    if not more then
      parts[#parts + 1] = text
    end
    return not more
  end
  for i = 1, rawlen(value) do
    local item = rawget(value, i)
    if item == nil or not add(value_text(debug, item, depth + 1, room - used)) then
      break
    end
    listed = i
  end
  local key, item = next(value)
  while key ~= nil and not more do
    if math_type(key) ~= "integer" or key < 1 or key > listed then
      add(key_text(debug, key) .. " = " .. value_text(debug, item, depth + 1, room - used))
    end
    key, item = next(value, key)
  end
  return "{" .. concat(parts, ", ") .. (more and (parts[1] and ", ..." or "...") or "") .. "}"
end

function value_text(debug, value, depth, room)
  if type(value) ~= "table" then
    return scalar_text(debug, value)
  elseif next(value) == nil then
    return "{}"
  end
  return depth < DEPTH_MAX and table_text(debug, value, depth, room) or "{...}"
end

--- A value as people read it, on one line.
function frames.text(debug, value)
  return value_text(debug, value, 0, frames.VALUE_BYTES_MAX)
end

-- The variables that `get` answers by number, in order; hidden ones have no name of Lua's.
local function variables(debug, get, budget)
  local list = {}
  for i = 1, frames.VARIABLES_MAX do
    local name, value = get(i)
    if not name or budget.bytes <= 0 then
      break
    elseif find(name, "^[%a_]") and name ~= "_ENV" then
      local text = frames.text(debug, value)
      budget.bytes = budget.bytes - #name - #text
      list[#list + 1] = { name, text }
    end
  end
  return list
end

local function frame_of(debug, level, info, budget)
  local function get_local(i)
    return debug.getlocal(level + 3, i) -- seen from here: get_local, variables, frame_of
  end
  local function get_upvalue(i)
    return debug.getupvalue(info.func, i)
  end
  return {
    name = info.name, source = gsub(info.short_src, "[%c\x7f-\xff]", "?"), line = info.currentline,
    locals = variables(debug, get_local, budget), upvalues = variables(debug, get_upvalue, budget),
  }
end

--- The frames of the job above the caller, with those of a coroutine where the error is not.
-- @tparam table debug  Lua's library, which a job's state has not
-- @treturn {table,...}
function frames.gather(debug)
  local list, budget, level = {}, { bytes = frames.BYTES_MAX }, 2
  local info = debug.getinfo(level, "nSlf")
  while info and #list < frames.COUNT_MAX and budget.bytes > 0 do
    if frames.is_of_job(info) then
      list[#list + 1] = frame_of(debug, level, info, budget)
    end
    level = level + 1
    info = debug.getinfo(level, "nSlf")
  end
  return list
end

return frames

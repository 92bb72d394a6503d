--- What the formats of `input` mean: the records of a text, in plain Lua, with nothing cut into
-- splits.
--
--     for _, record in ipairs(records.of("csv", text)) do print(record[1], record[2].name) end
--
-- A record is { key, value }. Errors are raised: the engine's name file and offset
-- (engine/format/reader.h), these the offset. Not here: "run", whose records are the engine's own;
-- "file", which is the text.

local cjson = require "cjson"
local formats = require "mrlua.formats"

local records = {}

local BYTE_ORDER_MARK <const> = "\xef\xbb\xbf"

local function start_of(text)
  return text:sub(1, 3) == BYTE_ORDER_MARK and 4 or 1
end

-- Iterates over the lines of a text: its place, and the line without its end.
local function lines_of(text)
  local at = 1
  return function()
    if at <= #text then
      local start, stop = at, text:find("\n", at, true)
      at = (stop or #text) + 1
      local line = text:sub(start, stop and stop - 1)
      return start, stop and line:gsub("\r$", "") or line
    end
  end
end

local function lines(text)
  local list = {}
  for at, line in lines_of(text) do
    list[#list + 1] = { at - 1, line }
  end
  return list
end

local function fixed(text, options)
  local list = {}
  for at = 1, #text, options.bytes do
    local record = text:sub(at, at + options.bytes - 1)
    assert(#record == options.bytes, ("the last record, at byte %d, is short"):format(at - 1))
    list[#list + 1] = { at - 1, record }
  end
  return list
end

-- A row's end at `at`: the place behind it, or nil.
local function row_end(text, at)
  return at > #text and at or text:match("^\r?\n()", at) or text:match("^\r()$", at)
end

-- The field at `at`, and the place behind it.
local function field_at(text, at, separator)
  if text:sub(at, at) ~= '"' then
    local start = at
    while not row_end(text, at) and text:sub(at, at) ~= separator do
      at = at + 1
    end
    return text:sub(start, at - 1), at
  end
  local pieces = {}
  repeat
    local piece, behind, again = text:match('^"([^"]*)"()("?)', at)
    assert(piece, ("a quote that is not closed at byte %d"):format(at - 1))
    pieces[#pieces + 1] = piece
    at = behind
  until again == ""
  return table.concat(pieces, '"'), at
end

-- The fields of the row at `at`, and the place behind it.
local function row_at(text, at, separator)
  local fields = {}
  while true do
    fields[#fields + 1], at = field_at(text, at, separator)
    local behind = row_end(text, at)
    if behind then
      return fields, behind
    end
    assert(text:sub(at, at) == separator, ("a byte behind a closing quote at %d"):format(at - 1))
    at = at + 1
  end
end

local function named(fields, names, at)
  assert(#fields == #names, ("the row at byte %d has %d fields"):format(at - 1, #fields))
  local row = {}
  for i, name in ipairs(names) do
    assert(row[name] == nil, "a column twice: " .. name)
    row[name] = fields[i]
  end
  return row
end

local function csv(text, options)
  local list, names, at = {}, options.columns, start_of(text)
  while at <= #text do
    local fields, behind = row_at(text, at, options.separator)
    local is_empty_line = #fields == 1 and fields[1] == "" and text:sub(at, at) ~= '"'
    if options.header and not names and not is_empty_line then
      names = fields
      named(fields, names, at)
    elseif not is_empty_line then
      list[#list + 1] = { at - 1, names and named(fields, names, at) or fields }
    end
    at = behind
  end
  return list
end

-- lua-cjson makes floats of all numbers.
local function narrow(value)
  if type(value) == "table" then
    for key, item in next, value do
      value[key] = narrow(item)
    end
  elseif type(value) == "number" and math.abs(value) < 2 ^ 53 then
    return math.tointeger(value) or value
  end
  return value
end

local function jsonl(text)
  local list = {}
  for at, line in lines_of(text) do
    line = at == 1 and line:sub(start_of(line)) or line
    if line:find("[^ \t\r]") then
      list[#list + 1] = { at - 1, narrow(cjson.decode(line)) }
    end
  end
  return list
end

-- One capture is itself, several are a list. The last argument is the place behind the record.
local function match_value(text, at, ...)
  local count = select("#", ...)
  local behind = select(count, ...)
  assert(behind, ("what begins at byte %d is no record"):format(at - 1))
  if count == 1 then
    return text:sub(at, behind - 1), behind
  elseif count == 2 then
    return (...), behind
  end
  local captures = table.pack(...)
  captures[count], captures.n = nil, nil
  return captures, behind
end

local function grammar(text, _, input)
  local patterns, list, at = formats.patterns(input), {}, 1
  while at <= #text do
    local value, behind = match_value(text, at, patterns.match(patterns.record, text, at))
    list[#list + 1] = { at - 1, value }
    at = behind
  end
  return list
end

local READERS = {
  lines = lines, fixed = fixed, csv = csv, ["csv-lines"] = csv, ["csv-header"] = csv,
  jsonl = jsonl, grammar = grammar, ["grammar-whole"] = grammar,
}

--- The records of a text.
-- @param input        a job's field `input`; nil: "lines"
-- @tparam string text
-- @treturn {{key,value},...}
function records.of(input, text)
  local format, options = formats.input(input or "lines")
  assert(format, options)
  return READERS[format](text, options, input)
end

return records

--- Values as people read them: Lua's own notation, within limits; lists of records as tables.
--
--     pretty.text({ 1, x = { "a\n" } }, { columns = 80 })      { 1, x = { "a\n" } }
--
--     pretty.text({ { id = 1, name = "sort" }, { id = 2, name = "grep" } })
--     id  name
--      1  sort
--      2  grep
--
-- What does not fit a line is broken, a field to a line. Keys are sorted. Control bytes are
-- escaped: nothing that is shown moves a cursor. A table that holds itself is <cycle> there. A
-- value whose metatable has __tostring is shown as that says; __columns = { "id", ... } there names
-- the columns of a list, whose rows are records or, in that order, lists.

local columns = require "mrlua.cli.columns"
local printable = require "mrlua.printable"

local pretty = {}

local COLUMNS = 80
local DEPTH_MAX = 6 -- tables in tables
local FIELDS_MAX = 100 -- of a table, and rows
local VALUES_MAX = 2000 -- of all that is shown: some screens
local STRING_BYTES_MAX = 1000 -- in a table; alone, four times as much
local CELL_COLUMNS_MAX = 50
local TABLE_COLUMNS_MAX = 16

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\", ['"'] = '\\"' }

local function escape(char)
  return ESCAPES[char] or ("\\x%02x"):format(char:byte())
end

-- Bytes that are no text are escaped too.
local function escaped(text, pattern)
  text = text:gsub(pattern, escape)
  if not utf8.len(text) then
    return (text:gsub("[\x80-\xff]", escape))
  end
  for _, beyond in ipairs(printable.BEYOND) do
    text = text:gsub(beyond, function(char)
      return (char:gsub(".", escape))
    end)
  end
  return text
end

-- At most `bytes` of it, whole characters.
local function cut(text, bytes)
  if #text <= bytes then
    return text, ""
  end
  local last = bytes
  while last > 0 and text:find("^[\x80-\xbf]", last + 1) do
    last = last - 1
  end
  return text:sub(1, last), ("... (%d bytes)"):format(#text)
end

local function quoted(text, bytes)
  local shown, rest = cut(text, bytes)
  return '"' .. escaped(shown, '[%c\\"]') .. '"' .. rest
end

-- What a metatable says of a value, or nil.
local function told(value)
  local metatable = debug.getmetatable(value)
  if type(metatable) == "table" and rawget(metatable, "__tostring") then
    local ok, text = pcall(tostring, value)
    return ok and escaped(text, "[^%C\n]") or "<error in __tostring>"
  end
end

local function function_text(value)
  local info = debug.getinfo(value, "S")
  if info.what == "C" then
    return "function: builtin"
  end
  return ("function: %s:%d"):format(escaped(info.short_src, "%c"), info.linedefined)
end

local function scalar_text(value, bytes)
  local kind = type(value)
  if kind == "string" then
    return quoted(value, bytes)
  elseif kind == "function" then
    return function_text(value)
  end
  return told(value) or tostring(value)
end

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch "%a+" do
  KEYWORDS[word] = true
end

local function is_name(key)
  return type(key) == "string" and key:find "^[%a_][%w_]*$" ~= nil and not KEYWORDS[key]
end

local RANKS = { number = 1, string = 2, boolean = 3 }

local function is_before(a, b)
  local rank_a, rank_b = RANKS[type(a)] or 4, RANKS[type(b)] or 4
  if rank_a ~= rank_b then
    return rank_a < rank_b
  elseif rank_a <= 2 then
    return a < b
  end
  return tostring(a) < tostring(b)
end

-- Its keys but 1 ... count, sorted.
local function other_keys(table_value, count)
  local keys = {}
  for key in next, table_value do
    if math.type(key) ~= "integer" or key < 1 or key > count then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys, is_before)
  return keys
end

local show -- below

local function key_text(key, state)
  return (is_name(key) and key or "[" .. show(key, state, 0, 0, DEPTH_MAX) .. "]") .. " = "
end

-- The fields as texts, and whether the table fits a line as far as they are concerned.
local function fields_of(value, state, indent, depth)
  local fields, count = {}, 0
  while rawget(value, count + 1) ~= nil do
    count = count + 1
  end
  local keys = other_keys(value, count)
  for i = 1, math.min(count + #keys, FIELDS_MAX) do
    if state.left <= 0 then
      break
    end
    local key = keys[i - count]
    local name = i > count and key_text(key, state) or ""
    local field = i <= count and rawget(value, i) or rawget(value, key)
    fields[i] = name .. show(field, state, indent + 2, indent + 2 + #name, depth + 1)
  end
  local shown = math.min(#fields, count)
  if #fields < count + #keys then
    fields[#fields + 1] = ("... %d more"):format(count + #keys - #fields)
  end
  return fields, shown
end

-- A field to a line, but the first `count` ones, which are a list's, as many as fit.
local function lines_of(fields, count, state, indent)
  local lines, width = {}, 0
  for i, field in ipairs(fields) do
    local len = (utf8.len(field) or #field) + 2
    if i > 1 and i <= count and indent + width + len < state.columns
      and not field:find "\n" and not fields[i - 1]:find "\n" then
      lines[#lines] = lines[#lines] .. ", " .. field
      width = width + len
    else
      lines[#lines + 1] = field
      width = len
    end
  end
  return lines
end

-- Its lines are indented so far; the first one begins at `column`.
local function table_text(value, state, indent, column, depth)
  if state.open[value] then
    return "<cycle>"
  elseif next(value) == nil then
    return "{}"
  elseif depth >= DEPTH_MAX or state.left <= 0 then
    return "{...}"
  end
  state.open[value] = true
  local fields, count = fields_of(value, state, indent, depth)
  state.open[value] = nil
  local line = "{ " .. table.concat(fields, ", ") .. " }"
  if column + (utf8.len(line) or #line) < state.columns and not line:find "\n" then
    return line
  end
  local space = (" "):rep(indent + 2)
  local lines = lines_of(fields, count, state, indent + 2)
  return "{\n" .. space .. table.concat(lines, ",\n" .. space) .. ",\n" .. (" "):rep(indent) .. "}"
end

function show(value, state, indent, column, depth)
  state.left = state.left - 1
  if type(value) ~= "table" then
    return scalar_text(value, STRING_BYTES_MAX)
  end
  return told(value) or table_text(value, state, indent, column, depth)
end

local function is_scalar(value)
  local kind = type(value)
  return kind == "string" or kind == "number" or kind == "boolean"
end

-- The union of the names in records of scalars, sorted; nil: they are something else.
local function names_of(rows)
  local names, seen, cells = {}, {}, 0
  local count = rawlen(rows)
  if count < 2 or told(rows) or #other_keys(rows, count) > 0 then
    return nil
  end
  for i = 1, count do
    local row = rawget(rows, i)
    if type(row) ~= "table" or next(row) == nil or told(row) then
      return nil
    end
    for key, value in next, row do
      if not is_name(key) or not is_scalar(value) then
        return nil
      elseif not seen[key] then
        seen[key] = true
        names[#names + 1] = key
      end
      cells = cells + 1
    end
  end
  table.sort(names)
  -- like records: most of the cells are filled
  return #names <= TABLE_COLUMNS_MAX and 2 * cells >= #names * count and names or nil
end

-- In columns; utf8.len() is nil of what is no text.
local function fit(text, width)
  if (utf8.len(text) or #text) <= width then
    return text
  end
  local at = utf8.len(text) and utf8.offset(text, width) or width
  return text:sub(1, at - 1) .. "…"
end

local function cell_of(value)
  if value == nil then
    return nil
  elseif type(value) == "string" then
    return fit(escaped((cut(value, STRING_BYTES_MAX)), "%c"), CELL_COLUMNS_MAX)
  end
  return fit(scalar_text(value, STRING_BYTES_MAX), CELL_COLUMNS_MAX)
end

-- Numbers stand to the right.
local function heads_of(names, rows, get)
  local heads = {}
  for i, name in ipairs(names) do
    local is_number = #rows > 0
    for j = 1, math.min(#rows, FIELDS_MAX) do
      local value = get(rows[j], i, name)
      is_number = is_number and (value == nil or type(value) == "number")
    end
    heads[i] = { name, is_number and "right" or nil }
  end
  return heads
end

local function get_cell(row, i, name)
  if type(row) ~= "table" then
    return nil
  end
  local value = rawget(row, name)
  if value == nil then
    value = rawget(row, i)
  end
  if type(value) == "table" then
    return pretty.text(value, { columns = math.huge })
  end
  return value
end

local function rows_text(rows, names, width)
  local cells = {}
  for j = 1, math.min(#rows, FIELDS_MAX) do
    cells[j] = {}
    for i, name in ipairs(names) do
      cells[j][i] = cell_of(get_cell(rows[j], i, name))
    end
  end
  local lines = {}
  for line in columns.text(heads_of(names, rows, get_cell), cells):gmatch "[^\n]+" do
    lines[#lines + 1] = fit(line, width)
  end
  if #rows > FIELDS_MAX then
    lines[#lines + 1] = ("... %d more"):format(#rows - FIELDS_MAX)
  end
  return table.concat(lines, "\n")
end

--- @param value
-- @tparam[opt] table options  columns: of the terminal (80)
-- @treturn string             without a newline at its end
function pretty.text(value, options)
  local width = options and options.columns or COLUMNS
  if type(value) ~= "table" then
    return scalar_text(value, 4 * STRING_BYTES_MAX)
  end
  local metatable = debug.getmetatable(value)
  local names = type(metatable) == "table" and rawget(metatable, "__columns")
  names = names or names_of(value)
  if names then
    return rows_text(value, names, width)
  end
  return show(value, { columns = width, left = VALUES_MAX, open = {} }, 0, 0, 0)
end

return pretty

--- The fields `input` and `output` of a job: how bytes become records, and records bytes.
--
--     input = "lines" | "file" | "run" | "csv" | "jsonl"        a name, or a table with options:
--
--     { format = "csv",
--       separator = ",",         one byte, not a quote and not a line end
--       header = true,           the first row of each file names the columns: map is given a table
--                                name -> text. false: a list of texts
--       columns = { "a", "b" },  names where no row has them; then header is false
--       quoted_newlines = true } false: no field has a newline in it, so that splits are safe
--     { format = "jsonl",
--       big_integers = "error" } "float": integers beyond 2^53 become the nearest float
--     { format = "fixed", bytes = 100 }
--     { format = "grammar",
--       record = pattern,        lpeg: one record, with all that is between it and the next
--       resync = pattern,        lpeg: matches where a record begins and nowhere else; or a
--                                string: what stands before each record but the first. Without
--                                it an input is one split
--       bytes_max = 65536 }      a record, and how far behind its start the patterns look
--
--     output = "tsv" | "csv" | "jsonl" | "lines" | "run", all but "run" also with ".gz" or ".zst"
--     behind it; or a table:
--
--     { format = "csv.gz",
--       separator = ",",
--       columns = { "a", "b" },  the fields of the table that is emitted as value; absent: the
--                                key, then the value (or, where it is a list, its items)
--       header = true }          the names of the columns as first row of each part
--
-- What is checked here goes into the view as two strings, which is what a plan is made of without
-- Lua, and two tables for the attempts (engine/format/reader.h, writer.h). The string of an input
-- says whether it can be split: "csv-lines" is "csv" that can, "csv-header" the same with names to
-- read first, "grammar-whole" is "grammar" that cannot.

local lpeg = require "lpeg"
local nearest = require "mrlua.nearest"

local formats = {}

-- Kept: the job may change its copy of the library.
local B, Cp, P, match, lpeg_type = lpeg.B, lpeg.Cp, lpeg.P, lpeg.match, lpeg.type

local BYTES_MAX <const> = 16 * 1024 * 1024     -- engine/format/reader.h: of any record
local GRAMMAR_BYTES_MAX <const> = 64 * 1024    -- the default: a window of a few of them is copied
local COLUMN_COUNT_MAX <const> = 16384         -- engine/format/csv_row.h
local LITERAL_BYTES_MAX <const> = 255          -- how far lpeg.B looks back

-- ---- options: each answers the checked value, or nil and what it must be ----

local function boolean(value)
  if type(value) == "boolean" then
    return value
  end
  return nil, "must be true or false"
end

local function bytes(value)
  if math.type(value) == "integer" and value >= 1 and value <= BYTES_MAX then
    return value
  end
  return nil, ("must be an integer from 1 to %d"):format(BYTES_MAX)
end

local function separator(value)
  if type(value) == "string" and string.find(value, '^[^"\r\n]$') then
    return value
  end
  return nil, "must be a string of one byte that is no quote and no line end"
end

local function columns(value)
  if type(value) ~= "table" or #value < 1 or #value > COLUMN_COUNT_MAX then
    return nil, ("must be a list of 1 to %d names"):format(COLUMN_COUNT_MAX)
  end
  local names, seen = {}, {}
  for i = 1, #value do
    local name = rawget(value, i)
    if type(name) ~= "string" or #name > 1000 then
      return nil, ("must be a list of names, strings of at most 1000 bytes: see item %d"):format(i)
    elseif seen[name] then
      return nil, ("has the name '%s' twice"):format(name)
    end
    names[i], seen[name] = name, true
  end
  return names
end

local function big_integers(value)
  if value == "error" or value == "float" then
    return value
  end
  return nil, "must be \"error\" or \"float\""
end

local function pattern(value)
  if lpeg_type(value) == "pattern" then
    return true -- it is no data: formats.patterns has it
  end
  return nil, "must be an lpeg pattern"
end

local function resync(value)
  if type(value) == "string" and #value >= 1 and #value <= LITERAL_BYTES_MAX then
    return true
  elseif lpeg_type(value) == "pattern" then
    return true
  end
  return nil, ("must be an lpeg pattern, or a string of 1 to %d bytes"):format(LITERAL_BYTES_MAX)
end

-- ---- the formats ----

local inputs = {
  lines = {}, file = {}, run = {},
  csv = {
    separator = separator, header = boolean, columns = columns, quoted_newlines = boolean,
  },
  jsonl = { big_integers = big_integers },
  fixed = { bytes = bytes },
  grammar = { record = pattern, resync = resync, bytes_max = bytes },
}

local outputs = {
  tsv = {}, jsonl = {}, lines = {}, run = {},
  csv = { separator = separator, columns = columns, header = boolean },
}
for _, name in ipairs { "tsv", "jsonl", "lines", "csv" } do
  outputs[name .. ".gz"] = outputs[name]
  outputs[name .. ".zst"] = outputs[name]
end

local function sorted_names(known)
  local names = {}
  for name in next, known do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function quoted_list(names)
  return '"' .. table.concat(names, '", "') .. '"'
end

local function unknown_format(name, known)
  if type(name) ~= "string" then
    return ("must be one of %s, or a table with one of them as format"):format(
      quoted_list(sorted_names(known)))
  end
  local meant = nearest.word(name, sorted_names(known))
  return meant and ("is \"%s\": did you mean \"%s\"?"):format(name, meant)
    or ("is \"%s\": must be one of %s"):format(name, quoted_list(sorted_names(known)))
end

local function unknown_option(format, name, known)
  local names = sorted_names(known)
  local meant = type(name) == "string" and nearest.word(name, names)
  local text = ("has no option '%s' for \"%s\""):format(tostring(name), format)
  if meant then
    return ("%s: did you mean '%s'?"):format(text, meant)
  end
  return text .. (#names == 0 and ": there are none" or ": there are " .. table.concat(names, ", "))
end

-- A name or a table, as name and checked options; or nil and what is wrong.
local function check(value, known)
  local given = type(value) == "table" and value or { format = value }
  local format = rawget(given, "format")
  local checks, options = known[format or 0], {}
  if not checks then
    return nil, unknown_format(format, known)
  end
  local names = {}
  for name in next, given do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for _, name in ipairs(names) do
    if name ~= "format" then
      if not checks[name] then
        return nil, unknown_option(format, name, checks)
      end
      local option, problem = checks[name](rawget(given, name))
      if option == nil then
        return nil, ("has an option %s that %s"):format(name, problem)
      end
      options[name] = option
    end
  end
  return format, options
end

-- What no option can say alone, and the defaults. Each answers the name for the plan and the
-- options, or nil and what is wrong.
local complete = {}

function complete.csv(options)
  if options.columns and options.header then
    return nil, "has names in columns and in a header row: say one of them"
  end
  if options.header == nil then
    options.header = not options.columns
  end
  options.separator = options.separator or ","
  local can_split = options.quoted_newlines == false
  options.quoted_newlines = nil
  if not can_split then
    return "csv", options
  end
  return options.header and "csv-header" or "csv-lines", options
end

function complete.jsonl(options)
  options.big_integers = options.big_integers or "error"
  return "jsonl", options
end

function complete.fixed(options)
  if not options.bytes then
    return nil, "is \"fixed\" and needs bytes: how many a record has"
  end
  return "fixed", options
end

function complete.grammar(options)
  if not options.record then
    return nil, "is \"grammar\" and needs record: an lpeg pattern that matches one record"
  end
  local can_split = options.resync
  return can_split and "grammar" or "grammar-whole",
    { bytes_max = options.bytes_max or GRAMMAR_BYTES_MAX }
end

--- Checks the field `input`.
-- @treturn string  what the plan is made with (engine/format/reader.h)
-- @treturn table   the options of an attempt; or nil and a message that goes behind the field's
--                  name: "must be ..."
function formats.input(value)
  local format, options = check(value, inputs)
  if not format then
    return nil, options
  elseif complete[format] then
    return complete[format](options)
  end
  return format, options
end

--- Checks the field `output`.
-- @treturn string  "tsv", "csv.gz"
-- @treturn table   the options of an attempt; or nil and a message
function formats.output(value)
  local format, options = check(value, outputs)
  if not format then
    return nil, options
  end
  if formats.plain(format) == "csv" then
    options.separator = options.separator or ","
    if options.header and not options.columns then
      return nil, "has an option header that needs columns: what the header says"
    elseif options.header == nil then
      options.header = options.columns ~= nil
    end
  end
  return format, options
end

--- Puts the options of `spec`, a job that was checked, into its view, where there are some.
function formats.add_options(view, spec)
  for _, field in ipairs { "input", "output" } do
    local _, options = formats[field](rawget(spec, field) or view[field])
    if next(options) then
      view[field .. "_options"] = options
    end
  end
end

--- The format without its compression: "csv" of "csv.gz".
function formats.plain(output)
  return (string.gsub(output, "%.%l+$", ""))
end

--- Is a value of this input (as formats.input() answers it) a table? Then the name of its format.
function formats.gives_tables(input)
  local format = string.match(input, "^%l+")
  return (format == "csv" or format == "jsonl") and format or nil
end

--- What a grammar is matched with, for engine/vm/reader_grammar.c.
-- @param input    the field of a job that was checked
-- @treturn table  match, record (its captures, then the position behind it), search (the position
--                 of the next record; absent without resync); nil: the input is no grammar
function formats.patterns(input)
  if type(input) ~= "table" or rawget(input, "format") ~= "grammar" then
    return nil
  end
  local record, start, search = rawget(input, "record"), rawget(input, "resync"), nil
  if type(start) == "string" then
    start = B(start)
  end
  if start then
    search = (1 - P(start)) ^ 0 * Cp() * start / 1
  end
  return { match = match, record = record * Cp(), search = search }
end

return formats

--- Jobs of the past (mrlua.history) and what differs between two (mrlua.history_diff), for people.
-- Pure: tables in, lines out.

local history = require "mrlua.history"
local json = require "mrlua.json"
local printable = require "mrlua.printable"
local progress = require "mrlua.progress"
local size = require "mrlua.size"
local skew = require "mrlua.skew"
local summary = require "mrlua.summary"

local history_text = {}

local LABEL_WIDTH <const> = #"hot keys" -- as in mrlua.summary, which is shown below
local INPUTS_SHOWN <const> = 5 -- of a job; of two, of each kind of change

-- Sizes that are flags, as flags are written: in powers of 1024.
local function flag_text(value)
  for _, unit in ipairs { { 30, "G" }, { 20, "M" }, { 10, "K" } } do
    if value >= 1 << unit[1] and value % (1 << unit[1]) == 0 then
      return ("%d%s"):format(value >> unit[1], unit[2])
    end
  end
  return ("%d"):format(value)
end

local function bytes_text(value)
  return value == 0 and "by the size of the input" or flag_text(value)
end

local function count_text(value)
  return value == 0 and "by the size of the input" or tostring(value)
end

local function ms_text(value)
  return size.seconds(value / 1000)
end

-- How an option is called, and how its value is shown.
local OPTIONS <const> = {
  input = { "input format" }, output_format = { "output format" },
  reducers = { "reducers", count_text }, split_bytes = { "split size", bytes_text },
  sort_buffer_bytes = { "sort buffer", flag_text },
  memory_bytes = { "memory", flag_text }, progress_ms = { "limit", ms_text },
  record_ms = { "limit per record", ms_text }, skip_bad = { "bad records" },
}

-- What nobody has asked for, in a request (mrlua.cli.request).
local DEFAULTS <const> = { shuffle = "local", attempts = 4, memory_bytes = 512 << 20,
  progress_ms = 600000, record_ms = 60000, priority = 0, skip_bad = 0, reducers = 0,
  split_bytes = 0, sort_buffer_bytes = 64 << 20, unsafe = false, reuse = false }

local function option_name(name)
  return OPTIONS[name] and OPTIONS[name][1] or name
end

local function option_text(name, value)
  if value == nil then
    return "-"
  end
  local show = OPTIONS[name] and OPTIONS[name][2] or tostring
  return show(value)
end

local clean <const> = printable.line

local function value_text(value)
  return value == nil and "-" or clean(json.encode(value))
end

local function add(lines, label, text)
  lines[#lines + 1] = label .. (" "):rep(LABEL_WIDTH + 2 - #label) .. clean(text)
end

local function when(seconds)
  return os.date("%Y-%m-%d %H:%M:%S", math.floor(seconds))
end

local function head_line(job)
  local what = job.kind == "output" and "output of " or ""
  local begun = job.begun and ", " .. when(job.begun) or ""
  local took = job.seconds and " in " .. size.seconds(job.seconds) or ""
  local user = job.user and job.user ~= "" and ", by " .. job.user or ""
  return clean(("%s%s: %s, %s%s%s%s"):format(what, job.id, job.name, job.state, took, begun, user))
end

local function params_texts(params)
  local names, texts = {}, {}
  for name in pairs(params) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  for i, name in ipairs(names) do
    texts[i] = clean(name .. "=" .. json.encode(params[name]))
  end
  return #texts > 0 and texts or { "none" }
end

local function input_text(input)
  return ("%s (%s)"):format(input.name, size.bytes(input.bytes))
end

local function inputs_texts(job)
  local texts = {}
  for i = 1, math.min(INPUTS_SHOWN, #job.inputs) do
    texts[i] = clean(input_text(job.inputs[i]))
  end
  local more = (job.input_count or #job.inputs) - #texts
  texts[#texts + 1] = more > 0 and ("and %d more"):format(more) or nil
  return texts
end

-- Those that say something: what is as always is not worth a look.
local function options_texts(options)
  local texts = {}
  for _, name in ipairs(history.OPTIONS) do
    local value = options[name]
    if value ~= nil and value ~= DEFAULTS[name] then
      texts[#texts + 1] = clean(option_name(name) .. " " .. option_text(name, value))
    end
  end
  return texts
end

local function output_text(job)
  local where = job.output and job.output ~= "" and job.output or "standard output"
  if not job.bytes then
    return where
  end
  return ("%s: %s, %s records, %s"):format(where, progress.plural(job.part_count or 0, "part"),
    size.count(job.records), size.bytes(job.bytes))
end

local function add_error(lines, fault)
  add(lines, "error", fault.message)
  for line in (fault.detail or ""):gmatch("[^\n]+") do
    lines[#lines + 1] = "  " .. clean((line:gsub("\t", "  ")))
  end
end

--- All of a job that one looks at.
-- @tparam table job
-- @tparam integer width  of the terminal
-- @treturn {string,...}
function history_text.show(job, width)
  local lines = { head_line(job) }
  if job.source then
    add(lines, "source", ("%s, id %s"):format(job.source.name, history.source_id(job.source)))
  end
  if job.params then
    summary.add_wrapped(lines, "params", params_texts(job.params), width - 1)
  end
  if job.inputs then
    summary.add_wrapped(lines, "inputs", inputs_texts(job), width - 1)
  end
  for _, file in ipairs(job.files) do
    add(lines, "file", file.name .. " of " .. file.path)
  end
  summary.add_wrapped(lines, "options", options_texts(job.options), width - 1)
  add(lines, "output", output_text(job))
  if job.effort and job.effort.seconds then
    local more = summary.lines(job, width)
    table.move(more, 1, #more, #lines + 1, lines)
  end
  for _, line in ipairs(skew.advice_lines(job.skew or {})) do
    lines[#lines + 1] = clean(line)
  end
  if job.error then
    add_error(lines, job.error)
  end
  return lines
end

--- A source, file by file; that of a job of one file as it is.
-- @treturn string
function history_text.source(source)
  local paths = history.source_paths(source)
  if #paths == 1 then
    return source.files[paths[1]]
  end
  local texts = {}
  for i, path in ipairs(paths) do
    texts[i] = ("-- %s\n%s"):format(clean(path), source.files[path]:gsub("\n*$", "\n"))
  end
  return table.concat(texts, "\n")
end

-- ---- two of them ----

-- Rows of cells as lines, the columns aligned, below a heading.
local function add_section(lines, heading, rows)
  if #rows == 0 then
    return
  end
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, utf8.len(cell) or #cell)
    end
  end
  lines[#lines + 1] = heading
  for _, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      cells[i] = cell .. (" "):rep(widths[i] - (utf8.len(cell) or #cell))
    end
    lines[#lines + 1] = "  " .. (table.concat(cells, "  "):gsub(" +$", ""))
  end
end

-- "name  old -> new", or what is there of one alone.
local function change_row(mark, name, old, new)
  if mark ~= "~" then
    return { mark .. " " .. name, mark == "-" and old or new }
  end
  return { "  " .. name, old .. " -> " .. new }
end

local function mark_of(change)
  return change[2] == nil and "+" or change[3] == nil and "-" or "~"
end

local function rows_of(changes, show)
  local rows = {}
  for i, change in ipairs(changes) do
    rows[i] = change_row(mark_of(change), clean(change[1]), show(change[2], change[1]),
      show(change[3], change[1]))
  end
  return rows
end

local KINDS <const> = { { "-", "gone" }, { "+", "new" }, { "~", "changed" } }

-- The first changes of each kind, and a line that counts the others, if there are any.
local function first_of_each(changes)
  local shown, counts, more = {}, {}, {}
  for _, change in ipairs(changes) do
    local mark = mark_of(change)
    counts[mark] = (counts[mark] or 0) + 1
    shown[#shown + 1] = counts[mark] <= INPUTS_SHOWN and change or nil
  end
  for _, kind in ipairs(KINDS) do
    local count = (counts[kind[1]] or 0) - INPUTS_SHOWN
    more[#more + 1] = count > 0 and ("%d more %s"):format(count, kind[2]) or nil
  end
  return shown, #more > 0 and "  and " .. table.concat(more, ", ") or nil
end

-- "+12.5 %", where that says something.
local function growth(old, new)
  if type(old) ~= "number" or type(new) ~= "number" or old == 0 then
    return ""
  end
  return ("%+.1f %%"):format(100 * (new - old) / old)
end

local function number_rows(changes)
  local rows = rows_of(changes, function(value)
    return value == nil and "-" or tostring(value)
  end)
  for i, change in ipairs(changes) do
    rows[i][3] = growth(change[2], change[3])
  end
  return rows
end

local function input_rows(changes)
  local function what(input)
    if not input then
      return ""
    end
    return size.bytes(input.bytes) .. (input.generation and
      (", generation %d"):format(input.generation) or
      input.mtime_us and ", of " .. when(input.mtime_us // 1000000) or "")
  end
  return rows_of(changes, what)
end

local function seconds_rows(rows)
  local told = {}
  for i, row in ipairs(rows) do
    told[i] = { row[1], row[2] and size.seconds(row[2]) or "-",
      row[3] and size.seconds(row[3]) or "-", growth(row[2], row[3]) }
  end
  return told
end

local UNKNOWN <const> = {
  params = "params: only one of both tells them", source = "source: only one of both tells it",
  inputs = "inputs: only one of both tells them",
}

--- What differs, and how long both took.
-- @tparam table diff  of mrlua.history_diff
-- @tparam table a
-- @tparam table b
-- @treturn {string,...}
function history_text.diff(diff, a, b)
  local lines = { "--- " .. head_line(a), "+++ " .. head_line(b) }
  add_section(lines, "params", rows_of(diff.params, value_text))
  if #diff.source > 0 then
    lines[#lines + 1] = "source"
    for _, line in ipairs(diff.source) do
      lines[#lines + 1] = "  " .. printable.lines(line)
    end
  end
  local inputs, more = first_of_each(diff.inputs)
  add_section(lines, "inputs", input_rows(inputs))
  lines[#lines + 1] = more
  if diff.inputs_beyond then
    lines[#lines + 1] = "  and others: of so many inputs only the first are remembered"
  end
  local files
  files, more = first_of_each(diff.files)
  add_section(lines, "side files", rows_of(files, function(file)
    return file and file.path or ""
  end))
  lines[#lines + 1] = more
  local options = rows_of(diff.options, function(value, name)
    return option_text(name, value)
  end)
  for i, change in ipairs(diff.options) do
    options[i][1] = "  " .. option_name(change[1])
  end
  add_section(lines, "options", options)
  add_section(lines, "result", number_rows(diff.result))
  add_section(lines, "counters", number_rows(diff.counters))
  add_section(lines, "time", seconds_rows(diff.seconds))
  for _, name in ipairs(diff.unknown) do
    lines[#lines + 1] = UNKNOWN[name]
  end
  return lines
end

return history_text

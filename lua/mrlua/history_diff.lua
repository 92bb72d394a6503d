--- What differs between two jobs of the past (mrlua.history): only that, section by section. Pure.
--
--     { params   = { { name, old, new }, ... },        one of both may be nil
--       options, counters, result = the same,
--       source   = { "--- jobs/a.lua", ... },          mrlua.text_diff
--       inputs   = { { name, old, new }, ... },        { bytes, mtime_us | generation }
--       inputs_beyond = true,                          beyond those that are told
--       seconds  = { { "map", 3.2, 2.1 }, ... },       of every stage, the whole last
--       unknown  = { "params", ... } }                 what one of both does not tell
--
-- Times are no difference: no two runs take the same.

local json = require "mrlua.json"
local text_diff = require "mrlua.text_diff"

local history_diff = {}

local STAGES <const> = { "plan", "sample", "map", "reduce", "commit" }

-- Names of both, in order.
local function names_of(a, b)
  local names, seen = {}, {}
  for _, map in ipairs { a, b } do
    for name in pairs(map) do
      if not seen[name] then
        seen[name] = true
        names[#names + 1] = name
      end
    end
  end
  table.sort(names, function(x, y)
    return tostring(x) < tostring(y)
  end)
  return names
end

-- 1 and 1.0 are the same to who wrote a parameter.
local function is_same(x, y)
  return x == y or json.encode(x) == json.encode(y)
end

local function changes_of(a, b)
  local changes = {}
  for _, name in ipairs(names_of(a, b)) do
    if not is_same(a[name], b[name]) then
      changes[#changes + 1] = { tostring(name), a[name], b[name] }
    end
  end
  return changes
end

-- What both know of: a manifest tells fewer options than a master.
local function common_changes(a, b)
  local changes = {}
  for _, change in ipairs(changes_of(a, b)) do
    if change[2] ~= nil and change[3] ~= nil then
      changes[#changes + 1] = change
    end
  end
  return changes
end

-- Modules by their path; the job file is one of both, whatever it is called.
local function source_lines(a, b)
  local lines = {}
  local function add(old_path, new_path)
    local more = text_diff.unified(old_path and a.files[old_path] or "",
      new_path and b.files[new_path] or "", old_path or "/dev/null", new_path or "/dev/null")
    table.move(more, 1, #more, #lines + 1, lines)
  end
  add(a.name, b.name)
  for _, path in ipairs(names_of(a.files, b.files)) do
    if path ~= a.name and path ~= b.name then
      add(a.files[path] and path, b.files[path] and path)
    end
  end
  return lines
end

local function by_name(list)
  local map = {}
  for _, item in ipairs(list) do
    map[item.name] = item
  end
  return map
end

-- The times of a manifest are read as floats, which are off by one at times.
local function is_same_input(x, y)
  return x and y and x.bytes == y.bytes and x.generation == y.generation
    and math.abs((x.mtime_us or 0) - (y.mtime_us or 0)) <= 1
end

local function inputs_of(a, b)
  local old, new, changes = by_name(a.inputs), by_name(b.inputs), {}
  for _, name in ipairs(names_of(old, new)) do
    if not is_same_input(old[name], new[name]) then
      changes[#changes + 1] = { name, old[name], new[name] }
    end
  end
  return changes
end

-- Those that are not told differ, too, or it cannot be known.
local function differs_beyond(a, b)
  local function hides(job)
    return job.input_count and #job.inputs < job.input_count
  end
  return (hides(a) or hides(b)) and (a.input_sum == nil or a.input_sum ~= b.input_sum) or false
end

local function seconds_of(a, b)
  local rows = {}
  local old, new = (a.effort or {}).seconds or {}, (b.effort or {}).seconds or {}
  for _, stage in ipairs(STAGES) do
    if (old[stage] or 0) > 0 or (new[stage] or 0) > 0 then
      rows[#rows + 1] = { stage, old[stage], new[stage] }
    end
  end
  if a.seconds and b.seconds then
    rows[#rows + 1] = { "whole job", a.seconds, b.seconds }
  end
  return rows
end

--- Compares two jobs.
-- @tparam table a  the old one
-- @tparam table b  the new one
function history_diff.compare(a, b)
  local diff = { unknown = {} }
  local function both(name, compare)
    if a[name] and b[name] then
      diff[name] = compare(a[name], b[name])
    elseif a[name] or b[name] then
      diff.unknown[#diff.unknown + 1] = name
    end
    diff[name] = diff[name] or {}
  end
  both("params", changes_of)
  both("source", source_lines)
  both("inputs", function()
    diff.inputs_beyond = differs_beyond(a, b)
    return inputs_of(a, b)
  end)
  both("options", common_changes)
  both("counters", changes_of)
  diff.files = changes_of(by_name(a.files), by_name(b.files))
  diff.result = changes_of(
    { name = a.name, state = a.state, parts = a.part_count, records = a.records, bytes = a.bytes },
    { name = b.name, state = b.state, parts = b.part_count, records = b.records, bytes = b.bytes })
  diff.seconds = seconds_of(a, b)
  return diff
end

--- Are they the same, but for the time they took?
function history_diff.is_same(diff)
  for _, name in ipairs { "params", "source", "inputs", "options", "files", "counters",
    "result" } do
    if #diff[name] > 0 then
      return false
    end
  end
  return not diff.inputs_beyond
end

-- { name, old, new } as an object.
local function objects_of(changes)
  local list = {}
  for i, change in ipairs(changes) do
    list[i] = { name = change[1], old = change[2], new = change[3] }
  end
  return setmetatable(list, json.list)
end

--- For `--json`.
function history_diff.object(diff, a, b)
  return {
    same = history_diff.is_same(diff), old = { kind = a.kind, id = a.id },
    new = { kind = b.kind, id = b.id }, params = objects_of(diff.params),
    source = setmetatable(diff.source, json.list), inputs = objects_of(diff.inputs),
    inputs_beyond = diff.inputs_beyond, options = objects_of(diff.options),
    files = objects_of(diff.files), counters = objects_of(diff.counters),
    result = objects_of(diff.result), seconds = objects_of(diff.seconds),
    unknown = setmetatable(diff.unknown, json.list),
  }
end

return history_diff

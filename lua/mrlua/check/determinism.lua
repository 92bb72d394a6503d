--- Does a map answer the same for the same records? It is run three times, each in a state of its
-- own: twice alike, and once with tables that pairs() goes through the other way.
--
-- What counts is what the engine compares: with a reduce the values of each key, in order; without
-- one all records, in order.

local values = require "mrlua.check.values"

local determinism = {}

local SHOWN_MAX <const> = 4 -- values of a counterexample

-- key -> { values..., key = the key }, in the order of the first of each.
local function by_key(records, is_sorted)
  local groups, order = {}, {}
  for _, record in ipairs(records) do
    local name = is_sorted and values.text(record[1]) or ""
    if not groups[name] then
      groups[name] = { key = is_sorted and record[1] or nil }
      order[#order + 1] = name
    end
    table.insert(groups[name], is_sorted and record[2] or record)
  end
  return groups, order
end

local function texts_of(group)
  local texts = {}
  for i, value in ipairs(group or {}) do
    texts[i] = values.text(value)
  end
  return texts
end

-- Where two lists of texts begin to differ; nil: nowhere.
local function first_difference(a, b)
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then
      return i
    end
  end
end

-- The first key whose values differ, with those of both: { key, from, first, second }.
local function difference(first, second, is_sorted)
  local a, a_order = by_key(first, is_sorted)
  local b, b_order = by_key(second, is_sorted)
  table.move(b_order, 1, #b_order, #a_order + 1, a_order)
  for _, name in ipairs(a_order) do
    local at = first_difference(texts_of(a[name]), texts_of(b[name]))
    if at then
      return { key = (a[name] or b[name]).key, at = at,
        first = { table.unpack(a[name] or {}, at, at + SHOWN_MAX - 1) },
        second = { table.unpack(b[name] or {}, at, at + SHOWN_MAX - 1) } }
    end
  end
end

local function list_text(list)
  return #list == 0 and "nothing" or values.list_text(list)
end

local function counterexample(found)
  local label = found.key == nil and "records" or "of key " .. values.list_text { found.key }
  return {
    ("%s, first: %s"):format(label, list_text(found.first)),
    ("%s, then:  %s"):format(label, list_text(found.second)),
  }
end

local CAUSES <const> = {
  { "0x%x%x%x%x", nil, "the text of a table or function is its address, which is another one each"
    .. " time: use what is in it" },
  { nil, "collectgarbage", "what collectgarbage() tells differs each time: emit something else" },
}

local function cause_of(found, line_of)
  local text = list_text(found.first) .. list_text(found.second) .. values.text(found.key)
  for _, cause in ipairs(CAUSES) do
    if cause[1] and text:find(cause[1]) or cause[2] and line_of(cause[2]) then
      return cause[2] and line_of(cause[2]), cause[3]
    end
  end
  return nil, "find what it depends on beside its input and params"
end

--- Compares the runs of a map.
-- @tparam function run      of an order, "up" or "down": the records that it emits
-- @tparam boolean is_sorted there is a reduce
-- @tparam function line_of  of a global: where the job file asks for it
-- @treturn ?table           { line, what, why, fix, shown }; nil: it answers the same
function determinism.check(run, is_sorted, line_of)
  local first = run "up"
  local found = difference(first, run "up", is_sorted)
  local line, fix
  if found then
    line, fix = cause_of(found, line_of)
  else
    found = difference(first, run "down", is_sorted)
    line = line_of "pairs"
    fix = "the order of pairs() is not promised: collect the keys, table.sort() them, and go"
      .. " through that list"
  end
  return found and {
    kind = "determinism", line = line,
    what = "map gives different output for the same records",
    why = "tasks are run again when a worker is lost; a job whose map then answers differently is"
      .. " ended",
    fix = fix, shown = counterexample(found),
  } or nil
end

return determinism

--- The field `outputs` of a job: what it writes beside its main output.
--
--     outputs = { errors = "jsonl", rejected = { format = "csv.gz", separator = ";" } }
--
--     mr.emit_to("errors", key, value)      in map and reduce, and in their cleanup
--
-- Each is a name and a format as `output` has it (mrlua.formats). Its parts are named after it,
-- "errors-00000", and stand beside the main ones. In the view: name -> { format, options }. Their
-- numbers, from 0, go by the names in byte order (outputs.names), here and in the engine.

local formats = require "mrlua.formats"
local nearest = require "mrlua.nearest"

local outputs = {}

local COUNT_MAX <const> = 8       -- OUTPUT_COUNT_MAX, engine/record/record.h
local NAME_BYTES_MAX <const> = 32 -- PUBLISH_OUTPUT_NAME_BYTES_MAX: it begins names of files
local MAIN <const> = "part"

-- No "-" and no ".": what is in front of the number of a part is its name.
local function is_name(name)
  return type(name) == "string" and string.find(name, "^%a[%w_]*$") and #name <= NAME_BYTES_MAX
    and name ~= MAIN
end

--- The names of a table, in the order of their numbers.
-- @tparam ?table by_name  the field, or what it is in the view
-- @treturn {string,...}
function outputs.names(by_name)
  local names = {}
  for name in next, by_name or {} do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

--- Checks the field.
-- @treturn table  name -> { format, options }; or nil and a message that goes behind the field's
--                 name: "must be ..."
function outputs.check(value)
  if type(value) ~= "table" then
    return nil, "must be a table of names and formats: { errors = \"jsonl\" }"
  end
  local checked, count = {}, 0
  for name in next, value do
    count = count + 1
    if not is_name(name) then
      return nil, ("has the name '%s': a name is 1 to %d letters, digits and '_', begins with a "
        .. "letter and is not '%s'"):format(tostring(name), NAME_BYTES_MAX, MAIN)
    end
  end
  if count > COUNT_MAX then
    return nil, ("has %d names: %d are the most, as each takes a file and a buffer in every task")
      :format(count, COUNT_MAX)
  end
  for _, name in ipairs(outputs.names(value)) do
    local format, options = formats.output(rawget(value, name))
    if not format then
      return nil, ("has '%s', which %s"):format(name, options)
    end
    checked[name] = { format = format, options = next(options) and options or nil }
  end
  return checked
end

--- Raised for a name that is not there, at the line that called `mr.emit_to`.
-- @param name
-- @tparam {string,...} names  those that are there
-- @tparam integer level       as error() takes it, seen from here
function outputs.unknown(name, names, level)
  local text = ("mr.emit_to: the job has no output '%s'"):format(tostring(name))
  local meant = type(name) == "string" and nearest.word(name, names)
  if meant then
    text = ("%s: did you mean '%s'?"):format(text, meant)
  elseif #names == 0 then
    text = text .. ": its field 'outputs' is missing"
  else
    text = ("%s: there are %s"):format(text, table.concat(names, ", "))
  end
  error(text, level + 1)
end

--- Fills the table that the engine's `mr.emit_to` looks names up in.
-- @tparam table numbers   empty; then name -> number
-- @tparam ?table by_name  of the view
function outputs.number(numbers, by_name)
  local names = outputs.names(by_name)
  for i, name in ipairs(names) do
    numbers[name] = i - 1
  end
  setmetatable(numbers, { __index = function(_, name)
    outputs.unknown(name, names, 3) -- this function, mr.emit_to, who called it
  end })
end

--- `mr.emit_to` in plain Lua, for mrlua.dryrun.
-- @tparam ?table by_name  the field
-- @tparam function keep   called with name, key, value
function outputs.emit_to(by_name, keep)
  local names = outputs.names(by_name)
  return function(name, key, value)
    if not (by_name and by_name[name]) then
      outputs.unknown(name, names, 2)
    end
    keep(name, key, value)
  end
end

return outputs

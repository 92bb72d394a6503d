--- The field `inputs` of a job: several inputs, of different kinds, each with a name.
--
--     inputs = {
--       users = { "users.csv", "more/*.csv", map = f, input = "csv" },
--       clicks = { map = g },
--     }
--
--     1, 2, ...  paths: files, folders, patterns, gs://..., relative to the folder that the command
--                is run in, like those on its line. --input NAME=PATH, as often as wanted, is
--                instead of those of that name; an input without any path is an error
--     map        as the job's field; absent: what that is
--     input      as the job's field; absent: what that is
--
-- Everything else of a job is one for all inputs. A map task works on one of them, mr.input is its
-- name (nil in a reduce); setup and cleanup are called for each task, so they see it too. The order
-- of inputs is that of their names, byte by byte: the values of a key come in that order.

local formats = require "mrlua.formats"
local nearest = require "mrlua.nearest"

local inputs = {}

local COUNT_MAX <const> = 64   -- INPUT_GROUP_COUNT_MAX, engine/attempt/input_groups.h
local PATHS_MAX <const> = 1000 -- more of them are a folder or a pattern
local NAME_BYTES_MAX <const> = 64

local A_PATH <const> = "is a table of names, inputs = { NAME = { \"path\" } }; a plain path goes on"
  .. " the command line"
local FIELDS <const> = { map = true, input = true }

local function paths_of(given)
  local paths = {}
  for i = 1, #given do
    local path = rawget(given, i)
    if type(path) ~= "string" or path == "" or string.find(path, "\0", 1, true) then
      return nil, ("has paths that must be strings: see item %d"):format(i)
    end
    paths[i] = path
  end
  if #paths > PATHS_MAX then
    return nil, ("lists %d paths, %d are the most: name a folder or a pattern"):format(#paths,
      PATHS_MAX)
  end
  return paths
end

-- One input as data, or nil and what is wrong with it.
local function check_one(given, check_map)
  if type(given) ~= "table" then
    return nil, "must be a table of paths, map and input"
  end
  local paths, message = paths_of(given)
  local one = { paths = paths }
  if not paths then
    return nil, message
  end
  for _, field in ipairs(nearest.names_of(given)) do
    local is_path = paths[math.tointeger(tonumber(field))]
    if not FIELDS[field] and not is_path then
      return nil, "has an " .. nearest.unknown("field", field, FIELDS)
    end
  end
  if rawget(given, "map") ~= nil then
    one.map, message = check_map(rawget(given, "map"))
    if not one.map then
      return nil, "has a map that " .. message
    end
  end
  if rawget(given, "input") ~= nil then
    local options
    one.input, options = formats.input(rawget(given, "input"))
    if not one.input then
      return nil, "has an input that " .. options
    end
    one.input_options = next(options) and options
  end
  return one
end

--- Checks the field `inputs`.
-- @tparam table field
-- @tparam function check_map  that of the job's field `map`
-- @treturn table  name -> { paths, map, input, input_options }, the last three if they are given
-- @return         or nil and a message that goes behind the field's name: "must be ...", "is ..."
function inputs.check(field, check_map)
  if type(field) == "string" or type(field) == "table" and rawget(field, 1) ~= nil then
    return nil, A_PATH
  elseif type(field) ~= "table" or next(field) == nil then
    return nil, "must be a table of names and what they read"
  end
  local checked, names = {}, nearest.names_of(field)
  for _, name in ipairs(names) do
    if not string.find(name, "^[%a_][%w_]*$") or #name > NAME_BYTES_MAX then
      return nil, ("has the name '%s': must be of letters, digits and '_', at most %d of them")
        :format(name, NAME_BYTES_MAX)
    end
    local one, message = check_one(rawget(field, name), check_map)
    if not one then
      return nil, ("'%s' %s"):format(name, message)
    end
    checked[name] = one
  end
  if #names > COUNT_MAX then
    return nil, ("has %d names, %d are the most"):format(#names, COUNT_MAX)
  end
  return checked
end

--- Puts into each input what the job says for all.
-- @tparam table view  of a job, its fields checked
function inputs.complete(view)
  for _, one in next, view.inputs or {} do
    one.map = one.map or view.map
    if not one.input then
      one.input, one.input_options = view.input, view.input_options
    end
  end
end

--- What maps of this job read: its inputs, or the job itself where it has none.
-- @treturn {{string,table},...}  the name of its field `map`, and what has map and input
function inputs.sources(view)
  if not view.inputs then
    return { { "map", view } }
  end
  local sources = {}
  for i, name in ipairs(nearest.names_of(view.inputs)) do
    sources[i] = { ("inputs.%s.map"):format(name), view.inputs[name] }
  end
  return sources
end

--- What the job file says of an input, with what it says for all.
-- @tparam table spec  a job that was checked
-- @tparam ?string name
-- @treturn table      { map, input }; without a name those of the job
function inputs.of(spec, name)
  local one = name and rawget(rawget(spec, "inputs"), name) or spec
  return {
    map = rawget(one, "map") or rawget(spec, "map"),
    input = rawget(one, "input") or rawget(spec, "input"),
  }
end

return inputs

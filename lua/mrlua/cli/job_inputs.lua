--- Which paths a job reads: what its command line says, and the job's own `inputs`.

local nearest = require "mrlua.nearest"

local job_inputs = {}

-- The call that a job wants, for messages. An input whose paths the job lists may be left out.
local function call_of(view, path, command)
  local words = { "mrlua", command, path }
  if not view.inputs then
    words[#words + 1] = "INPUT..."
  end
  for _, name in ipairs(nearest.names_of(view.inputs or {})) do
    words[#words + 1] = (#view.inputs[name].paths > 0 and "[--input %s=PATH]"
      or "--input %s=PATH"):format(name)
  end
  return table.concat(words, " ")
end

-- name -> paths, as the flags give them; nil and a message: a name that the job does not have.
local function given_of(view, flags)
  local given = {}
  for _, pair in ipairs(flags.named_inputs or {}) do
    local name <const>, path <const> = pair[1], pair[2]
    if not view.inputs[name] then
      return nil, "option '--input': " .. nearest.unknown("input", name, view.inputs)
    end
    given[name] = given[name] or {}
    table.insert(given[name], path)
  end
  return given
end

-- Those of a job with `inputs`, and which of them are whose.
local function named(view, flags, path, command)
  if #flags.inputs > 0 then
    return nil, ("'%s' is for none of the inputs of %s: %s"):format(flags.inputs[1], path,
      call_of(view, path, command))
  end
  local given, message = given_of(view, flags)
  if not given then
    return nil, message
  end
  local paths, groups = {}, {}
  for i, name in ipairs(nearest.names_of(view.inputs)) do
    local of_input = given[name] or view.inputs[name].paths
    if #of_input == 0 then
      return nil, ("input '%s' of %s has no path: %s"):format(name, path,
        call_of(view, path, command))
    end
    table.move(of_input, 1, #of_input, #paths + 1, paths)
    groups[i] = { name = name, format = view.inputs[name].input, count = #of_input }
  end
  return paths, groups
end

-- The same of a job without.
local function plain(view, flags, path, command)
  local pair = flags.named_inputs and flags.named_inputs[1]
  if pair then
    return nil, ("option '--input': %s has no input '%s', it reads all alike: %s"):format(path,
      pair[1], call_of(view, path, command))
  elseif #flags.inputs == 0 and flags.is_typed then
    return nil, ("%s has no inputs: give inputs = { \"PATH\", ... }"):format(path)
  elseif #flags.inputs == 0 then
    return nil, "missing argument 'INPUT': " .. call_of(view, path, command)
  end
  return flags.inputs, {}
end

local function check_standard_input(paths, command)
  local count = 0
  for _, path in ipairs(paths) do
    count = count + (path == "-" and 1 or 0)
  end
  if count > 0 and command ~= "run" then
    return nil, "standard input (-) is seen by no worker: write it to a file, or use 'mrlua run'"
  elseif count > 1 then
    return nil, "standard input (-) can be read only once"
  end
  return paths
end

--- The paths of a job, in the order that is its plan's.
-- @tparam table view      the job, checked
-- @tparam table flags     inputs: a list of paths; named_inputs: a list of { name, path }, or nil;
--                         is_typed: who asks is at a prompt of Lua
-- @tparam string path     of the job file, for messages
-- @tparam string command  that reads them: "run" has a standard input
-- @treturn {string,...}   or nil and one line
-- @treturn {table,...}    whose they are: { name, format, count } of each input of a job that has
--                         several, sorted by name; empty: it has not
function job_inputs.choose(view, flags, path, command)
  local paths, groups = (view.inputs and named or plain)(view, flags, path, command)
  if not paths then
    return nil, groups
  end
  local are_right, message = check_standard_input(paths, command)
  return are_right, are_right and groups or message
end

return job_inputs

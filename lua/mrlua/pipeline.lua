--- Jobs of several steps: `steps` and `drive`.
--
--     steps = { { map = f, reduce = g }, { map = h, reduce = "sum" } }      one after the other
--     drive = function(mr, params) ... end                                  loops and conditions;
--                                   then `steps` is a table where it finds functions, as it likes
--
-- `steps` is a driver that is written here: it runs each step on the output of the one before it.
-- So there is one mechanism. (Why not steps that the master puts one after the other: it would be
-- a second one, with its own recovery, to save one process that waits.)
--
-- A driver runs nothing itself. mr.run (mrlua.driver) turns a step into a *call*, plain data, and
-- whoever runs the job, the shell of `mrlua run` (mrlua.cli.drive) or the master
-- (engine/master/master_steps.c), runs it as a job of its own: its own plan, maps, reduces and
-- commit, its output run files. The attempts of a step load the same bundle and make its job table
-- again from the call:
--
--     { fields = { params = {...}, reducers = 4, ... },                  what is data
--       paths = { { at = { "map" }, path = { "steps", 2, "map" } } } }   what is in the job table
--     before = { call, ... }                                             see below
--
-- A function (or an lpeg pattern) travels by its path in the job table, never by value: a closure
-- that drive has made is refused, with the line it is on. The call is part of the step's view
-- (view.call), so wherever a view goes it goes, too.
--
-- Of `steps`, one without reduce is not worth a pass over the disk: its map is put before that of
-- the step that follows (`before`), and what it emits is the other's input, in the same attempt. A
-- reduce is never followed by anything in its attempt.
--
-- What is the whole job's: params (a step may have more of its own), limits, attempts, skip_bad,
-- deterministic, unsafe, files; `input` and `inputs` for what reads the inputs of the job; and for
-- the last step `output` and `outputs`.

local chain = require "mrlua.chain"

local pipeline = {}

-- Fields of a step, which a job of several steps cannot have itself.
local OF_STEPS = {
  map = true, combine = true, reduce = true, partition = true, group = true, reducers = true,
  setup = true, cleanup = true,
}
-- And not of its steps.
local OF_JOBS = {
  name = true, unsafe = true, files = true, inputs = true, steps = true, drive = true,
}
local STEP_COUNT_MAX = 100 -- of a list: who needs more has a loop, and that is what drive is for
local DEPTH_MAX = 8 -- of tables in a job table, on the way to a function

-- A key that no job can name: the steps whose maps go before that of this one.
local BEFORE <const> = {}

--- Is it a job of several steps?
function pipeline.is_one(spec)
  return type(spec) == "table" and (rawget(spec, "steps") ~= nil or rawget(spec, "drive") ~= nil)
end

-- ---- checks ----

local function copy(fields)
  local copied = {}
  for field, value in next, fields do
    copied[field] = value
  end
  return copied
end

local function check_list(steps)
  local count = 0
  for number, step in next, steps do
    count = count + 1
    if math.type(number) == "integer" and type(step) ~= "table" then
      return nil, ("steps[%d]: must be a table, not a %s"):format(number, type(step))
    end
  end
  if count == 0 then
    return nil, "job field 'steps' is empty: a job has one step or more"
  elseif count ~= rawlen(steps) then
    return nil, "job field 'steps' must be a list of steps; one by name is for drive, which says "
      .. "what comes when"
  elseif count > STEP_COUNT_MAX then
    return nil, ("job field 'steps' has %d steps, more than %d: a loop is what drive is for")
      :format(count, STEP_COUNT_MAX)
  end
  return true
end

-- Fields of the job and of the step, as the step's own job table. `place`: "steps[2]: ".
local function join(spec, step, place)
  local joined = {}
  for field, value in next, spec do
    if not OF_STEPS[field] and field ~= "steps" and field ~= "drive" and field ~= "input"
      and field ~= "output" and field ~= "outputs" then
      joined[field] = value
    end
  end
  for field, value in next, step do
    if OF_JOBS[field] then
      return nil, ("%sfield '%s' is the whole job's"):format(place, field)
    end
    joined[field] = value
  end
  if rawget(step, "params") and type(step.params) == "table" and type(spec.params) == "table" then
    joined.params = copy(spec.params)
    for name, value in next, step.params do
      joined.params[name] = value
    end
  end
  return joined
end

-- The format of what a step reads and writes. `reads`: "job" or "steps".
local function set_formats(joined, spec, reads, is_last, place)
  if reads ~= "job" then
    joined.inputs = nil
  end
  if joined.inputs and joined.input then
    return nil, place .. "field 'input' is there, and the job's inputs have formats of their own"
  elseif reads == "job" then
    joined.input = joined.input or rawget(spec, "input")
  elseif joined.input ~= nil and joined.input ~= "run" then
    return nil, place .. "field 'input' is there, and what it reads are the records of a step"
  else
    joined.input = "run"
  end
  if is_last then
    joined.output = joined.output or rawget(spec, "output")
    joined.outputs = joined.outputs or rawget(spec, "outputs")
  elseif joined.outputs ~= nil then
    return nil, place .. "field 'outputs' is there, and only the last step writes any"
  elseif joined.output ~= nil and joined.output ~= "run" then
    return nil, place .. "field 'output' is there, and only the last step's records are the "
      .. "job's output"
  else
    joined.output = "run"
  end
  return joined
end

--- A step as a job table of its own.
-- @tparam table spec    the job's
-- @tparam table step    what mr.run was given, without its inputs
-- @tparam string reads  "job": its inputs; "steps": the output of steps
-- @tparam boolean is_last  its output is the job's
-- @tparam string place  what messages begin with
-- @treturn table        or nil and a message
function pipeline.join(spec, step, reads, is_last, place)
  local joined, message = join(spec, step, place)
  if not joined then
    return nil, message
  end
  return set_formats(joined, spec, reads, is_last, place)
end

local function is_map_only(step)
  return rawget(step, "reduce") == nil
end

-- The list as it is run: steps without reduce are `before` the next one that has one, or the last.
local function fuse(steps)
  local fused, waiting = {}, {}
  for i, step in ipairs(steps) do
    if is_map_only(step) and i < #steps then
      waiting[#waiting + 1] = step
    else
      local whole = copy(step)
      whole[BEFORE] = waiting
      if waiting[1] then
        whole.input = rawget(waiting[1], "input")
      end
      fused[#fused + 1], waiting = whole, {}
    end
  end
  return fused
end

-- What a step without reduce before another may not have: its input is the first one's, and the
-- rest is of no use there.
local function check_before(step, number, check, joined)
  for _, field in ipairs { "limits", "attempts", "skip_bad", "deterministic" } do
    if rawget(step, field) ~= nil then
      return nil, ("steps[%d]: field '%s' is there, and its map runs in the attempts of the next "
        .. "step"):format(number, field)
    end
  end
  if rawget(step, "params") ~= nil then
    return nil, ("steps[%d]: field 'params' is there, and its map runs in the attempts of the next "
      .. "step: give them to the job"):format(number)
  end
  return check(joined)
end

local function check_step(spec, number, check)
  local step, place = spec.steps[number], ("steps[%d]: "):format(number)
  local joined, message = pipeline.join(spec, step, number == 1 and "job" or "steps",
    number == #spec.steps, place)
  if not joined then
    return nil, message
  elseif number < #spec.steps and is_map_only(step) then
    joined.output = nil
    joined, message = check_before(step, number, check, joined)
  else
    joined, message = check(joined)
  end
  if not joined and not message:find("^steps%[") then
    message = place .. message:gsub("^job field", "field")
  end
  return joined, message
end

local function check_list_of(spec, check)
  local is_list, message = check_list(spec.steps)
  for number = 1, is_list and #spec.steps or 0 do
    is_list, message = check_step(spec, number, check)
    if not is_list then
      break
    end
  end
  return is_list, message
end

--- Checks the fields that make it a job of several steps.
-- @tparam table spec
-- @tparam function check  job.check, of one step
-- @treturn table          the job's own fields; or nil and a message
-- @treturn integer        how many steps it has; nil: drive decides
function pipeline.check(spec, check)
  local own = {}
  for field, value in next, spec do
    if OF_STEPS[field] then
      return nil, ("job field '%s' is that of a step: put it into 'steps'"):format(field)
    elseif field ~= "steps" and field ~= "drive" then
      own[field] = value
    end
  end
  if spec.steps ~= nil and type(spec.steps) ~= "table" then
    return nil, "job field 'steps' must be a table of steps"
  end
  local is_right, message = true, nil
  if spec.drive ~= nil and type(spec.drive) ~= "function" then
    return nil, "job field 'drive' must be a function"
  elseif spec.drive == nil then
    is_right, message = check_list_of(spec, check)
  end
  if not is_right then
    return nil, message
  end
  return own, spec.drive == nil and #fuse(spec.steps) or nil
end

--- What drives a checked job: its own function, or one that runs its list of steps.
function pipeline.driver(spec)
  if spec.drive then
    return spec.drive
  end
  return function(mr)
    local before
    local steps = fuse(spec.steps)
    for i, step in ipairs(steps) do
      step.inputs = before
      if i < #steps then
        before = mr.run(step)
      end
    end
    return steps[#steps]
  end
end

-- ---- a step as data ----

local function before_in_order(a, b)
  if type(a) ~= type(b) then
    return type(a) == "number"
  end
  return a < b
end

local function sorted_keys(fields)
  local keys = {}
  for key in next, fields do
    if type(key) == "string" or math.type(key) == "integer" then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys, before_in_order)
  return keys
end

local function longer(path, key)
  local at = table.move(path, 1, #path, 1, {})
  at[#at + 1] = key
  return at
end

--- Where in a job table its functions and patterns are; of several places always the same.
-- @treturn table  function or pattern -> list of keys
function pipeline.paths_of(spec)
  local paths, seen = {}, {}
  local function walk(fields, path)
    if seen[fields] or #path > DEPTH_MAX then
      return
    end
    seen[fields] = true
    for _, key in ipairs(sorted_keys(fields)) do
      local value = rawget(fields, key)
      local kind = type(value)
      if kind == "table" then
        walk(value, longer(path, key))
      elseif (kind == "function" or kind == "userdata") and not paths[value] then
        paths[value] = longer(path, key)
      end
    end
  end
  walk(spec, {})
  return paths
end

-- Copies what is data; what is not is noted in `found`. nil and a message: it is not in the job.
local function pack_table(fields, at, paths, found, where)
  local data = {}
  for _, key in ipairs(sorted_keys(fields)) do
    local value, place = rawget(fields, key), longer(at, key)
    local kind = type(value)
    if kind == "table" then
      local message
      value, message = pack_table(value, place, paths, found, where)
      if not value then
        return nil, message
      end
      data[key] = value
    elseif kind ~= "function" and kind ~= "userdata" then
      data[key] = value
    elseif paths[value] then
      found[#found + 1] = { at = place, path = paths[value] }
    else
      return nil, ("field '%s' is a %s that is not in the job table%s: the attempts of a step load "
        .. "the job file again and find functions there, so put it into 'steps'"):format(
        table.concat(place, "."), kind == "function" and kind or "pattern", where(value))
    end
  end
  return data
end

--- A step as data.
-- @tparam table step       of pipeline.join
-- @tparam table paths      of pipeline.paths_of
-- @tparam function where   function -> " (it begins at jobs/x.lua:12)", or ""
-- @treturn table           a call; or nil and a message
function pipeline.pack(step, paths, where)
  local found, before = {}, {}
  local fields, message = pack_table(step, {}, paths, found, where)
  for i, earlier in ipairs(fields and step[BEFORE] or {}) do
    before[i], message = pipeline.pack(earlier, paths, where)
    if not before[i] then
      return nil, message
    end
  end
  return fields and { fields = fields, paths = found, before = before }, message
end

local function follow(spec, path)
  for i = 1, #path do
    if type(spec) ~= "table" then
      return nil
    end
    spec = rawget(spec, path[i])
  end
  return spec
end

local function deep_copy(value)
  if type(value) ~= "table" then
    return value
  end
  local copied = {}
  for key, item in next, value do
    copied[key] = deep_copy(item)
  end
  return copied
end

local function put(fields, at, value)
  for i = 1, #at - 1 do
    fields[at[i]] = rawget(fields, at[i]) or {}
    fields = fields[at[i]]
  end
  fields[at[#at]] = value
end

-- What a call says, without `before`.
local function unpack_alone(spec, call)
  local step = deep_copy(call.fields)
  for _, found in ipairs(call.paths) do
    put(step, found.at, follow(spec, found.path))
  end
  return step
end

--- The job table of a step, made again: pipeline.pack backwards.
-- @tparam table spec      the job's table
-- @tparam table call
function pipeline.unpack(spec, call)
  local step, before = unpack_alone(spec, call), {}
  for i, earlier in ipairs(call.before) do
    before[i] = unpack_alone(spec, earlier)
  end
  return #before > 0 and chain(before, step) or step
end

return pipeline

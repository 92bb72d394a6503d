--- MapReduce without an engine: what a job means.
-- Specs of jobs run on it, and the engine's output is compared with it: for any job and input
-- the two give the same records. A combiner changes no result, so there is none here.
--
--     local records = dryrun.run(dofile "jobs/wordcount.lua", { "To be, or", "not to be" })
--     -- { { "be", 2 }, { "not", 1 }, ... }: key and value, as the engine with one reducer
--
-- A job with `inputs` is given a table of them: { users = text, clicks = text }.
--
-- Not here: what an input's format is (mrlua.records); limits, checks (mrlua.job), partitions. With
-- partition = "range" the parts of any number of reducers, one after the other, are these records
-- in this order.

local files = require "mrlua.files"
local inputs = require "mrlua.inputs"
local maps = require "mrlua.maps"
local nearest = require "mrlua.nearest"
local outputs = require "mrlua.outputs"
local params = require "mrlua.params"
local read = require("mrlua.records").of

local dryrun = {}

local RANK = { boolean = 1, number = 2, string = 3, table = 4 } -- and false before true

--- The order of keys: false, true, numbers, strings, tuples part by part.
-- @treturn boolean  does `a` come before `b`?
function dryrun.before(a, b)
  if type(a) ~= type(b) then
    return RANK[type(a)] < RANK[type(b)]
  elseif type(a) == "boolean" then
    return not a and b
  elseif type(a) ~= "table" then
    return a < b -- strings by byte, in the C locale that Lua starts in
  end
  for i = 1, math.min(#a, #b) do
    if dryrun.before(a[i], b[i]) then
      return true
    elseif dryrun.before(b[i], a[i]) then
      return false
    end
  end
  return #a < #b
end

-- Iterates over what `choose` answers for each item.
local function each(items, choose)
  local i = 0
  return function()
    i = i + 1
    if items[i] then
      return choose(items[i])
    end
  end
end

local function value_of(record)
  return record[2]
end

local function value_and_key_of(record)
  return record[2], record[1]
end

local function fold(step)
  return function(key, values, emit)
    local result = values()
    for value in values do
      result = step(result, value)
    end
    emit(key, result)
  end
end

-- The n largest values of each key, the largest first, the first of equal ones first.
local function top(n)
  return function(key, values, emit)
    local best = {}
    for value in values do
      local at = #best + 1
      while at > 1 and best[at - 1] < value do
        at = at - 1
      end
      table.insert(best, at, value)
      best[n + 1] = nil
    end
    for _, value in ipairs(best) do
      emit(key, value)
    end
  end
end

local BUILTINS = {
  min = fold(function(a, b) return b < a and b or a end),
  max = fold(function(a, b) return a < b and b or a end),
  sum = function(key, values, emit)
    local total = 0
    for value in values do
      total = total + value
    end
    emit(key, total)
  end,
  count = function(key, values, emit)
    local total = 0
    for _ in values do
      total = total + 1
    end
    emit(key, total)
  end,
  mean = function(key, values, emit)
    local total, n = 0, 0
    for value in values do
      total, n = total + value, n + 1
    end
    emit(key, total / n)
  end,
  first = function(key, values, emit)
    emit(key, (values()))
  end,
  list = function(key, values, emit)
    local list = {}
    for value in values do
      list[#list + 1] = value
    end
    emit(key, list)
  end,
  distinct = function(key, _, emit)
    emit(key, true)
  end,
  identity = function(key, values, emit)
    for value in values do
      emit(key, value)
    end
  end,
}

-- The first n parts of a tuple.
local function prefix(key, n)
  if n == 0 or type(key) ~= "table" then
    return key
  end
  return { table.unpack(key, 1, math.min(n, #key)) }
end

--- The key as it is written: 1.0 is the key 1, and -0.0 is 0, as in a Lua table.
function dryrun.key(key)
  if type(key) == "table" then
    local parts = {}
    for i, part in ipairs(key) do
      parts[i] = dryrun.key(part)
    end
    return parts
  end
  return math.tointeger(type(key) == "number" and key or nil) or key
end

-- Stable: equal keys stay in the order of their emit. table.sort is not.
local function sort(records)
  for i, record in ipairs(records) do
    record.number = i
  end
  table.sort(records, function(a, b)
    if dryrun.before(a[1], b[1]) then
      return true
    end
    return not dryrun.before(b[1], a[1]) and a.number < b.number
  end)
end

--- Sorts records by key, and answers lists of those whose keys agree in their first n parts; 0: in
-- all of them.
function dryrun.groups(records, n)
  local groups, last = {}, nil
  sort(records)
  for _, record in ipairs(records) do
    local key = prefix(record[1], n)
    if #groups == 0 or dryrun.before(last, key) or dryrun.before(key, last) then
      groups[#groups + 1] = {}
      last = key
    end
    table.insert(groups[#groups], record)
  end
  return groups
end

-- The records of a text or of a list of lines. Records are left as they are.
local function records_of(format, input)
  if type(input) == "table" and type(input[1]) ~= "string" then
    return input
  elseif type(input) == "table" then
    input = table.concat(input, "\n") .. "\n"
  end
  return read(format, input)
end

-- mr.count, adding to `counters`.
local function count_into(counters)
  return function(name, step)
    counters[name] = (counters[name] or 0) + (step or 1)
  end
end

local function emit_into(records)
  return function(key, value)
    records[#records + 1] = { dryrun.key(key), value }
  end
end

-- What is left of `records` when it has as many as it had before.
local function cut(records, count)
  for i = #records, count + 1, -1 do
    records[i] = nil
  end
end

-- Calls functions on one record, or key, at a time. With skip_bad, one that raises contributes
-- nothing to any list of records, and is put on the list `bad`; one more than may be is an error.
local function careful(skip_bad, bad, counters, lists)
  return function(place, f, ...)
    if (skip_bad or 0) == 0 then
      return f(...)
    end
    local counts, before = {}, {}
    for i, records in ipairs(lists) do
      counts[i] = #records
    end
    for name, sum in pairs(counters) do
      before[name] = sum
    end
    local ok, message = pcall(f, ...)
    if not ok then
      for i, records in ipairs(lists) do
        cut(records, counts[i])
      end
      for name in pairs(counters) do
        counters[name] = before[name]
      end
      place.error = tostring(message)
      bad[#bad + 1] = place
      assert(#bad <= skip_bad, message)
    end
  end
end

-- mr.emit_to, and its records: name -> list, those of `stage()`, "map" or "reduce", each. They are
-- put on `all`, too.
local function further_outputs(job, stage, all)
  local lists = { map = {}, reduce = {} }
  for _, name in ipairs(outputs.names(job.outputs)) do
    lists.map[name], lists.reduce[name] = {}, {}
    table.move({ lists.map[name], lists.reduce[name] }, 1, 2, #all + 1, all)
  end
  return outputs.emit_to(job.outputs, function(name, key, value)
    emit_into(lists[stage()][name])(key, value)
  end), lists
end

-- The parts of reduces come before the one of the maps.
local function in_order_of_parts(lists)
  for name, records in pairs(lists.map) do
    table.move(records, 1, #records, #lists.reduce[name] + 1, lists.reduce[name])
  end
  return lists.reduce
end

-- The params of a run: the overrides, and the defaults of the job.
local function with_defaults(overrides, job)
  local values = params.check(job.params or {})
  for name, value in pairs(overrides or {}) do values[name] = value end
  return values
end

-- What is mapped, one after the other: { name, input }. A job without `inputs` has one, no name.
local function named(job, input)
  if not job.inputs then
    return { { nil, input } }
  end
  local list = {}
  for _, name in ipairs(nearest.names_of(job.inputs)) do
    list[#list + 1] = input[name] and { name, input[name] }
  end
  return list
end

-- All records of an input, through its map.
local function map_all(job, mr, name, input, emit, call)
  local one = inputs.of(job, name)
  local map = maps.names[one.map] and maps.new(one.map, mr.params) or one.map
  mr.input = name
  if job.setup then job.setup(mr) end
  for i, record in ipairs(records_of(one.input, input)) do
    call({ stage = "map", record = i, key = record[1] }, map, record[1], record[2], emit)
  end
  if job.cleanup then job.cleanup(mr, emit) end
  mr.input = nil
end

-- Runs a job that has a map of its own.
local function run_one(job, input, overrides, paths)
  local mapped, output, counters, bad = {}, {}, {}, {}
  local outer_mr = rawget(_G, "mr")
  local emit = emit_into(mapped)
  local choose = (job.group or 0) > 0 and value_and_key_of or value_of
  local mr = { params = with_defaults(overrides, job), stage = "map", count = count_into(counters),
    open = files.opener(job.files, paths) }
  local lists, further = { mapped, output }
  mr.emit_to, further = further_outputs(job, function() return mr.stage end, lists)
  local reduce = job.reduce == "top" and top(mr.params.n) or BUILTINS[job.reduce] or job.reduce
  local call = careful(job.skip_bad, bad, counters, lists)
  rawset(_G, "mr", mr)
  for _, one in ipairs(named(job, input)) do
    map_all(job, mr, one[1], one[2], emit, call)
  end
  if not job.reduce then
    rawset(_G, "mr", outer_mr)
    return mapped, counters, bad, in_order_of_parts(further)
  end
  emit, mr.stage = emit_into(output), "reduce"
  if job.setup then job.setup(mr) end
  for i, group in ipairs(dryrun.groups(mapped, job.group or 0)) do
    call({ stage = "reduce", record = i, key = group[1][1] }, reduce, group[1][1],
      each(group, choose), emit)
  end
  if job.cleanup then job.cleanup(mr, emit) end
  rawset(_G, "mr", outer_mr)
  return output, counters, bad, in_order_of_parts(further)
end

-- A step as a job of its own, which sees the params of the whole job, too.
local function job_of(job, step, overrides)
  local own = {}
  for field, value in pairs(step) do
    own[field] = value
  end
  own.params, own.files, own.inputs = {}, job.files, nil -- those of mr.run are steps
  own.skip_bad = step.skip_bad or job.skip_bad
  for _, from in ipairs { job.params or {}, overrides or {}, step.params or {} } do
    for name, value in pairs(from) do
      own.params[name] = value
    end
  end
  return own
end

-- What is written and read again is not the same table.
local function copy(value)
  if type(value) ~= "table" then
    return value
  end
  local copied = {}
  for key, item in pairs(value) do
    copied[key] = copy(item)
  end
  return copied
end

-- Each on the records of the one before it.
local function run_steps(job, input, overrides, paths)
  local counters, further, _
  for i, step in ipairs(job.steps) do
    local own = job_of(job, step, overrides)
    own.input = i == 1 and (step.input or job.input) or nil
    own.inputs = i == 1 and job.inputs or nil
    own.outputs = i == #job.steps and (step.outputs or job.outputs) or nil
    input, counters, _, further = run_one(own, input, nil, paths)
  end
  return input, counters, nil, further
end

local function records_of_steps(steps)
  local all = {}
  for _, step in ipairs(steps.list and { steps } or steps) do
    table.move(copy(step.list), 1, #step.list, #all + 1, all)
  end
  return all
end

local Step = {}
Step.__index = Step

function Step:counter(name)
  return self.counters[name] or 0
end

function Step:output()
  return each(copy(self.list), function(record) return record[1], record[2] end)
end

-- mr.run and the last step do the same.
local function run_driver(job, input, overrides, paths)
  local function run(step, is_last)
    local own = job_of(job, step, overrides)
    own.outputs = is_last and (step.outputs or job.outputs) or nil
    own.input = not step.inputs and (step.input or job.input) or nil
    own.inputs = not step.inputs and job.inputs or nil
    local list, counters, _, further = run_one(own,
      step.inputs and records_of_steps(step.inputs) or input, nil, paths)
    return setmetatable({ list = list, counters = counters, records = #list, further = further },
      Step)
  end
  local mr = { run = function(step) return run(step) end, params = with_defaults(overrides, job) }
  local last = job.drive(mr, mr.params)
  if getmetatable(last) ~= Step then
    last = run(last, true)
  end
  return last.list, last.counters, nil, last.further
end

--- Runs `job` over `input`.
-- @tparam table job      what a job file returns
-- @param input           a text, a list of lines, or a list of {key, value}; of a job with `inputs`
--                        a table: name -> one of these
-- @tparam[opt] table overrides  of job.params: name -> value
-- @tparam[opt] table paths   name -> path of a side file, instead of that in job.files
-- @treturn {{key,value},...}  what reduce emitted, in the order of the engine with one reducer;
--                             without reduce what map emitted, in the order of the input; of a job
--                             of several steps, what the last one did
-- @treturn table              what was counted: name -> sum
-- @treturn {table,...}        of a job of one step: what skip_bad has set aside, in order: stage,
--                             record (its number, or that of the key), key, error
-- @treturn table              the job's further outputs: name -> records, in the order of its parts
function dryrun.run(job, input, overrides, paths)
  local run = job.drive and run_driver or job.steps and run_steps or run_one
  return run(job, input, overrides, paths)
end

return dryrun

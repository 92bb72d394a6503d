--- The job contract: what a file in jobs/ may return. Checked once, so that nothing after has to.
--
-- The answer of job.check is the *view*: plain data, every field with its default. Functions are
-- `true` in it, built-ins their name. It is what the client, the scheduler and the attempts
-- see; the functions stay in the Lua state that loaded the file.
--
--     name         string    default: the file's name without folder and ".lua"
--     input        "lines" (default), "file", "run", "csv", "jsonl", or a table with options:
--                  mrlua.formats; in the view also input_options
--     output       "tsv" (default), "csv", "jsonl", "lines", "run", or a table: mrlua.formats; in
--                  the view also output_options
--     inputs       name -> { paths..., map = ..., input = ... }: several inputs of different kinds,
--                  each with a map and a format of its own: mrlua.inputs
--     outputs      name -> output, of what mr.emit_to(name, key, value) writes: mrlua.outputs
--     map          function(key, value, emit), or a built-in: "identity", "words", "grep" (which
--                  reads params.pattern), "field" (params.field, params.separator): mrlua.maps
--     combine      function(key, values, emit), or a built-in, or absent
--     reduce       function(key, values, emit), or a built-in; absent: what map emits is the
--                  output, in the order of the input: part i is that of split i
--                  built-ins: "sum", "count", "min", "max", "mean", "first", "list", "distinct",
--                  "top" (the params.n largest values), "identity"; not combine: "mean", "list"
--     partition    "hash" (default), "range": the parts follow each other, so that together
--                  they are sorted; or function(key, count) -> 0 ... count - 1
--     group        how many parts of a tuple key make a group; 0 (default): the whole key
--     reducers     integer; absent: chosen by the size of the input
--     params       name -> default value (string, number, boolean), or a table with type, default,
--                  min, max, one_of, help: mrlua.params. --param name=text converts to its type.
--                  The functions read mr.params.name
--                  in all functions: mr.count(name, n) adds n (default 1) to a counter of the job,
--                  mr.input is the name of the input that is mapped, nil without one
--     files        { name = path, path }: side files, read with mr.open(name) in all functions:
--                  mrlua.files; in the view a list of { name, path }
--     setup        function(mr), before the first record of an attempt
--     cleanup      function(mr, emit), after its last
--     limits       { memory = bytes (default 512M), seconds = 600.0, seconds_per_record = 60.0 }
--     attempts     tries of a task that was killed at a limit; default 4
--     skip_bad     how many records and keys may be left out on which map or reduce fail; default 0
--     steps        a list of steps that are run one after the other, or, for drive, a table of
--                  them by name; then map and the like are theirs: mrlua.pipeline
--     drive        function(mr, params) that runs steps in loops: mrlua.driver
--                  in the view of such a job: drive = true, and steps their number, if it is a list
--     unsafe       boolean: full Lua, no sandbox; needs --allow-unsafe
--     deterministic  boolean, default true

local driver = require "mrlua.driver"
local files = require "mrlua.files"
local formats = require "mrlua.formats"
local inputs = require "mrlua.inputs"
local maps = require "mrlua.maps"
local nearest = require "mrlua.nearest"
local outputs = require "mrlua.outputs"
local params = require "mrlua.params"
local pipeline = require "mrlua.pipeline"
local sandbox = require "mrlua.sandbox"
local size = require "mrlua.size"

local job = {}

local COMBINERS = {
  sum = true, count = true, min = true, max = true, first = true, distinct = true, top = true,
  identity = true,
}
local REDUCERS = { mean = true, list = true } -- not combine: a mean of means is something else
for name in pairs(COMBINERS) do
  REDUCERS[name] = true
end
local TOP_COUNT_MAX = 1000 -- engine/record/top.h
local REDUCERS_MAX = 100000
local ATTEMPTS_MAX = 30 -- as many failures of one task end a job anyway (sched/sched.h)
local MEMORY_BYTES_MIN = 1024 * 1024 -- an empty Lua state with its libraries takes a third of it
local MEMORY_BYTES = 512 * 1024 * 1024
local unknown = nearest.unknown
local SKIP_BAD_MAX = 1000 -- all of them, with words, fit one message (sched/sched.h)

-- Each answers the checked value, or nil and what the field must be.
local checks = {}

local function integer_between(low, high)
  return function(value)
    if math.type(value) == "integer" and value >= low and value <= high then
      return value
    end
    return nil, ("must be an integer from %d to %d"):format(low, high)
  end
end

local function seconds(value)
  if type(value) == "number" and value > 0 and value < math.huge then
    return value + 0.0
  end
  return nil, "must be a number of seconds above 0"
end

local function optional_function(value)
  if type(value) == "function" then
    return true
  end
  return nil, "must be a function"
end

local function boolean(value)
  if type(value) == "boolean" then
    return value
  end
  return nil, "must be true or false"
end

local function function_or_builtin(builtins)
  local names = {}
  for name in pairs(builtins) do
    names[#names + 1] = '"' .. name .. '"'
  end
  table.sort(names)
  local text = "must be a function or one of " .. table.concat(names, ", ")
  return function(value)
    if type(value) == "function" then
      return true
    elseif builtins[value] then
      return value
    end
    return nil, text
  end
end

local limit_checks = {
  memory = function(value)
    local bytes, message = size.parse(value)
    if bytes and bytes < MEMORY_BYTES_MIN then
      return nil, "must be at least 1M"
    end
    return bytes, not bytes and "must be a size: " .. message or nil
  end,
  seconds = seconds,
  seconds_per_record = seconds,
}

function checks.limits(value)
  if type(value) ~= "table" then
    return nil, "must be a table of memory, seconds and seconds_per_record"
  end
  local limits = { memory = MEMORY_BYTES, seconds = 600.0, seconds_per_record = 60.0 }
  for name, limit in next, value do
    if not limit_checks[name] then
      return nil, "has an " .. unknown("limit", name, limit_checks)
    end
    local checked, message = limit_checks[name](limit)
    if checked == nil then
      return nil, ("%s %s"):format(name, message)
    end
    limits[name] = checked
  end
  return limits
end

function checks.name(value)
  if type(value) == "string" and string.match(value, "^[%w_.-]+$") and #value <= 100 then
    return value
  end
  return nil, "must be a word of letters, digits, '_', '.' and '-', at most 100 of them"
end

function checks.partition(value)
  if value == "hash" or value == "range" then
    return value
  end
  return optional_function(value), "must be \"hash\", \"range\" or a function"
end

checks.files = files.check
checks.input = formats.input
checks.output = formats.output
checks.params = params.check
checks.outputs = outputs.check
checks.map = function_or_builtin(maps.names)
checks.inputs = function(value) return inputs.check(value, checks.map) end
checks.combine = function_or_builtin(COMBINERS)
checks.reduce = function_or_builtin(REDUCERS)
checks.group = integer_between(0, 16)
checks.reducers = integer_between(1, REDUCERS_MAX)
checks.attempts = integer_between(1, ATTEMPTS_MAX)
checks.skip_bad = integer_between(0, SKIP_BAD_MAX)
checks.setup = optional_function
checks.cleanup = optional_function
checks.unsafe = boolean
checks.deterministic = boolean

-- Known, so that they are told of where a field is not; who has one is checked by check_steps().
local function of_steps(value)
  return value
end

checks.steps = of_steps
checks.drive = of_steps

local function defaults()
  return {
    input = "lines", output = "tsv", partition = "hash", group = 0, params = {}, files = {},
    attempts = 4, skip_bad = 0, unsafe = false, deterministic = true, limits = checks.limits {},
  }
end

-- Are the params what built-ins read? Asked of the defaults, and of what a run makes of them.
local function check_builtin_params(view)
  for _, source in ipairs(inputs.sources(view)) do
    local map = source[2].map
    local problem = maps.problem(map, view.params)
    if problem then
      return nil, ("job field '%s' is \"%s\" and %s"):format(source[1], map, problem)
    end
  end
  local n = view.params.n
  for _, field in ipairs { "combine", "reduce" } do
    if view[field] == "top" and (math.type(n) ~= "integer" or n < 1 or n > TOP_COUNT_MAX) then
      return nil, ("job field '%s' is \"top\" and params.n must be an integer from 1 to %d")
        :format(field, TOP_COUNT_MAX)
    end
  end
  return view
end

-- Without reduce the output of the maps is that of the job: nothing is sorted, cut or combined.
local function check_map_only(view)
  for _, field in ipairs { "combine", "group", "reducers" } do
    if view[field] and view[field] ~= 0 then
      return nil, ("job field '%s' is there and 'reduce' is missing: a function, a built-in, or "
        .. "\"identity\" to keep what map emits; without both, what map emits is the output, as "
        .. "it comes"):format(field)
    end
  end
  if view.partition ~= "hash" then
    return nil, "job field 'partition' is there and 'reduce' is missing: \"identity\" keeps what "
      .. "map emits"
  end
  return view
end

-- Each input has a map, and that reads what its format gives.
local function check_maps(view)
  for _, source in ipairs(inputs.sources(view)) do
    local field, map, input = source[1], source[2].map, source[2].input
    local tables = formats.gives_tables(input)
    if tables and type(map) == "string" and map ~= "identity" then
      return nil, ("job field '%s' is \"%s\" and reads text, and input = \"%s\" gives tables")
        :format(field, map, tables)
    elseif map == nil then
      return nil, ("job field '%s' is missing: a function, or \"identity\""):format(field)
    end
  end
  return view
end

-- What no field can say alone.
local function check_together(view)
  local is_right, problem = check_maps(view)
  if not is_right then
    return nil, problem
  elseif view.reduce == nil then
    return check_map_only(view)
  elseif view.combine == "count" and view.reduce ~= "count" then
    return nil, "job field 'combine' can be \"count\" only where reduce is \"count\""
  elseif type(view.combine) == "string" and type(view.reduce) == "string"
    and view.combine ~= view.reduce and view.combine ~= "identity" then
    return nil, ("job field 'combine' is \"%s\" and would change what reduce = \"%s\" answers")
      :format(view.combine, view.reduce)
  end
  return view
end

-- Each field alone.
local function check_fields(spec)
  local view = defaults()
  for _, field in ipairs(nearest.names_of(spec)) do
    if not checks[field] then
      return nil, unknown("job field", field, checks)
    end
    local value, message = checks[field](spec[field])
    if value == nil then
      return nil, ("job field '%s' %s"):format(field, message)
    end
    view[field] = value
  end
  formats.add_options(view, spec)
  inputs.complete(view)
  return view
end

-- A job of several steps has no map of its own.
local function check_steps(spec)
  local own, count = pipeline.check(spec, job.check)
  if not own then
    return nil, count
  end
  local view, message = check_fields(own)
  if view then
    view.drive, view.steps = true, count
  end
  return view, message
end

--- Checks a job table once.
-- @tparam table spec  what a file in jobs/ returned
-- @treturn table      the view (see above)
-- @return             or nil and a message that names the field
function job.check(spec)
  if type(spec) ~= "table" then
    local what = spec == nil and "nil" or "a " .. type(spec)
    return nil, "a job file must return a table, not " .. what
  elseif pipeline.is_one(spec) then
    return check_steps(spec)
  end
  local view, message = check_fields(spec)
  if not view then
    return nil, message
  end
  local is_right, problem = check_together(view)
  if not is_right or params.missing(spec.params or {}, view.params) then
    return is_right, problem -- a param without a default is looked at when it is given
  end
  return check_builtin_params(view)
end

-- The job table as a driver uses it: with the params of this run; its drive is what C calls.
local function with_driver(spec, view, driving, mr)
  local whole = {}
  for field, value in next, spec do
    whole[field] = value
  end
  whole.params, driving.mr = view.params, mr
  return {
    drive = function(...)
      driving.main(whole, job.check, ...) -- no tail call: it would stand in tracebacks
    end,
  }
end

-- The map of an input as the attempts call it: a function, or the name of a built-in in C.
local function map_of(map, values)
  if type(map) == "string" and map ~= "identity" then
    return maps.new(map, values)
  end
  return map
end

--- Runs a job file and checks what it returns. Called by engine/vm/job.c.
-- @tparam table settings  bundle { path, source, modules }; params; unsafe; print; context: stage,
--                         job, task, attempt, worker; call: of a step, what it is
--                         (mrlua.pipeline); output_numbers: a table that gets the numbers of
--                         further outputs (mrlua.outputs)
-- @treturn table          what the file returned; of a step its own job table; in the stage "drive"
--                         a table with drive(call, output, where)
-- @return                 the view, and `mr`; or nil and a message; raises what the file raises
-- @treturn function       use(name): the map of that input, as of now also mr.input, a function or
--                         "identity"; and what its grammar is matched with (mrlua.formats), if it
--                         is one. Without a name those of a job without `inputs`
function job.load(settings)
  local driving = settings.context.stage == "drive" and driver.new()
  settings.context.run = driving and driving.run or nil
  local environment, set_params, set_input = sandbox.new(settings)
  if not settings.unsafe then
    sandbox.seal_strings(environment)
  end
  local path = settings.bundle.path
  local chunk, message = sandbox.compile(settings.bundle, environment)
  if not chunk then
    error(message, 0)
  end
  local spec = chunk()
  if settings.call then
    spec = pipeline.unpack(spec, settings.call)
  end
  local view, problem = job.check(spec)
  if not view then
    return nil, path .. ": " .. problem
  end
  view.name = view.name or string.match(path, "([^/]*)%.lua$") or path
  view.params, problem = params.apply(spec.params or {}, settings.params)
  if not view.params then
    return nil, path .. ": " .. problem
  end
  problem = select(2, check_builtin_params(view))
  if problem then
    return nil, path .. ": " .. problem
  end
  set_params(view.params)
  outputs.number(settings.output_numbers or {}, view.outputs)
  if driving then
    spec = with_driver(spec, view, driving, environment.mr)
  end
  return spec, view, environment.mr, function(name)
    local one = inputs.of(spec, name)
    set_input(name)
    return map_of(one.map, view.params), formats.patterns(one.input)
  end
end

return job

--- `mr`, as the prompt of `mrlua repl` has it.
--
--     mr.jobs() mr.workers() mr.status(3)           lists and records: tables, shown as such
--     mr.sample("logs/*.gz", 5)                     the first records of an input
--     mr.run { map = ..., reduce = "sum", inputs = "logs/*.gz" }         submits, and waits
--     mr.submit("jobs/wordcount.lua", { inputs = { "README.md" }, into = "out" })
--     mr.job(3)                                     a job by its number (mrlua.repl.handle)
--     mr.lines("logs/*.gz"):map(f):reduce(g):top(10)          a chain (mrlua.repl.dataset)
--
-- A job is a table of the job contract (lua/README.md), whose functions were typed here
-- (mrlua.repl.ship), or the path of its file. Beside its own fields, or in the second argument:
--
--     inputs       a path, or a list of them; of a job whose `inputs` are named, name -> path
--     into         the folder or gs:// of its output; else a folder that goes when the prompt ends
--     overwrite, params, reducers, slots, split_size, sort_buffer, priority, files, allow_unsafe
--                  as the flags of `mrlua run` and `mrlua submit`

local bundle = require "mrlua.bundle"
local chunk = require "mrlua.repl.chunk"
local dataset = require "mrlua.repl.dataset"
local engine = require "mrlua.engine"
local nearest = require "mrlua.nearest"
local records = require "mrlua.repl.records"
local ship = require "mrlua.repl.ship"
local size = require "mrlua.size"

local mr = {}

local SAMPLE = 10
local SAMPLE_BYTES_MAX = 1 << 20 -- of each object
local PATH = "typed.lua" -- what errors call a job that was typed

local OPTIONS = {
  inputs = true, into = true, overwrite = true, params = true, reducers = true, slots = true,
  split_size = true, sort_buffer = true, priority = true, files = true, allow_unsafe = true,
}
-- Those that are no fields of a job.
local OWN = {
  "into", "overwrite", "slots", "split_size", "sort_buffer", "priority", "allow_unsafe",
}

local JOB_COLUMNS = { __columns = { "id", "name", "state", "tasks_done", "tasks", "seconds",
  "output" } }
local HERE_COLUMNS = { __columns = { "id", "name", "state", "records", "seconds", "output" } }
local WORKER_COLUMNS = { __columns = { "id", "name", "state", "slots_busy", "slots" } }

local function bytes_of(name, value)
  if value == nil or math.type(value) == "integer" then
    return value
  end
  local bytes, message = size.parse(tostring(value))
  if not bytes then
    error(("%s: %s"):format(name, message), 0)
  end
  return bytes
end

local function is_list_of_paths(value)
  return type(value) == "string" or type(value) == "table" and type(value[1]) == "string"
end

-- Paths as the command line would have them.
local function add_inputs(flags, inputs)
  flags.inputs, flags.named_inputs = {}, {}
  if type(inputs) == "string" then
    flags.inputs[1] = inputs
  elseif inputs and is_list_of_paths(inputs) then
    table.move(inputs, 1, #inputs, 1, flags.inputs)
  else
    for name, paths in pairs(inputs or {}) do
      for _, path in ipairs(type(paths) == "table" and paths or { paths }) do
        table.insert(flags.named_inputs, { name, path })
      end
    end
  end
end

-- The flags that these options are; `number` names a folder that nobody else has.
local function flags_of(options, number)
  for name in pairs(options) do
    if not OPTIONS[name] then
      error(nearest.unknown("option", tostring(name), OPTIONS), 0)
    end
  end
  local flags = {
    overwrite = options.overwrite, params = options.params or {}, reducers = options.reducers,
    slots = options.slots, priority = options.priority, files = options.files or {},
    split_bytes = bytes_of("split_size", options.split_size), allow_unsafe = options.allow_unsafe,
    sort_buffer_bytes = bytes_of("sort_buffer", options.sort_buffer), is_typed = true,
  }
  add_inputs(flags, options.inputs)
  flags.output, flags.is_scratch = options.into, options.into == nil
  if flags.is_scratch then
    flags.output = ("%s/job-%d"):format(assert(engine.scratch_folder {}).folder, number)
  end
  return flags
end

-- A table with fields of a job and options, as both.
local function parted(given)
  local job, options = {}, {}
  for name, value in pairs(given) do
    job[name] = value
  end
  for _, name in ipairs(OWN) do
    options[name], job[name] = job[name], nil
  end
  if is_list_of_paths(job.inputs) then
    options.inputs, job.inputs = job.inputs, nil
  end
  return job, options
end

-- The flags of a job that is a table of functions, or the path of a file.
local function flags_of_job(given, options, env, number)
  if type(given) == "string" then
    local flags = flags_of(options or {}, number)
    flags.job = given
    return flags
  elseif type(given) ~= "table" then
    error("a job is a table, or the path of a file, not a " .. type(given), 0)
  end
  local job, own = parted(given)
  for name, value in pairs(options or {}) do
    own[name] = value
  end
  local flags = flags_of(own, number)
  local source, message = ship.source(job, { env = env, text_of = chunk.text })
  if source then
    flags.bundle, message = bundle.of_text(PATH, source)
  end
  flags.job = PATH
  return flags.bundle and flags or error(message, 0)
end

-- A list that is shown with these columns. Seconds are told to the millisecond.
local function shown_as(list, columns)
  for _, row in ipairs(list) do
    row.seconds = row.seconds and math.floor(row.seconds * 1000 + 0.5) / 1000
  end
  return setmetatable(list, columns)
end

local function id_of(job)
  return type(job) == "table" and job.id or job
end

--- @tparam table target  mrlua.repl.cluster or mrlua.repl.here
-- @tparam table env      the globals of the prompt
-- @treturn table         mr
function mr.new(target, env)
  local it, count = {}, 0

  local function begin(how, job, options)
    count = count + 1
    return target[how](target, flags_of_job(job, options, env, count))
  end

  function it.jobs()
    return shown_as(target:jobs(), target.command == "run" and HERE_COLUMNS or JOB_COLUMNS)
  end

  function it.workers()
    return shown_as(target:workers(), WORKER_COLUMNS)
  end

  function it.status(job)
    return (target:status(id_of(job)))
  end

  function it.job(id)
    return target:get(id_of(id))
  end

  function it.run(job, options)
    return begin("run", job, options)
  end

  function it.lines(inputs)
    return dataset.new(it.run, { inputs = inputs, input = "lines" })
  end

  function it.submit(job, options)
    return begin("submit", job, options)
  end

  function it.sample(uri, n, format)
    local inputs = type(uri) == "table" and uri or { uri }
    local from = records.open(inputs, { format = format, bytes_max = SAMPLE_BYTES_MAX,
      count = n or SAMPLE })
    local list = from:head(n or SAMPLE)
    from:close()
    return list
  end

  return it
end

return mr

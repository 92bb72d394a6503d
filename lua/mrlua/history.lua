--- Jobs of the past in one shape, whoever remembers them: a master, the record of a local run, the
-- manifest of an output. Pure. What a source does not tell is nil.
--
--     { kind = "job" | "run" | "output", id = "7" | "r17" | "out", name, state = "done", user,
--       begun = 1796002124, seconds = 4.1,          when, in seconds since 1970; how long
--       params = { top = 10 }, source = { name = "jobs/top.lua", files = { [path] = text } },
--       inputs = { { name, bytes, mtime_us | generation }, ... }, input_count, input_sum,
--       options = { reducers = 3, ... }, files = { { name, path, bytes, crc32c }, ... },
--       output = "out", part_count, records, bytes, plan, steps,
--       effort, counters, skew,                     mrlua.summary, mrlua.skew
--       error = { kind, message, detail } }

local shape = require "mrlua.shape"

local history = {}

history.RECORD_FILE = "job.json" -- of a local run, in the folder that it leaves
history.RECORD_VERSION = 1

local INPUT <const> = { name = "string", bytes = "number", generation = "integer?",
  mtime_us = "integer?" }
local PLAN <const> = { optional = true, split_count = "integer?", reducer_count = "integer?",
  split_bytes = "integer?", sort_buffer_bytes = "integer?" }
local EFFORT <const> = {
  optional = true, is_empty_too = true, seconds = { map = "number" },
  bytes_read = "number", records_read = "number", bytes_shuffled = "number",
  records_shuffled = "number", failed = "integer?", lost = "integer?", lost_races = "integer?",
  outputs_lost = "integer?", workers_lost = "integer?",
  slowest = { list = { stage = "string", task = "integer", seconds = "number", step = "integer?",
    worker = "string?", worker_id = "integer?" } },
}
local SKEW <const> = {
  optional = true, is_empty_too = true, records = "number", partitions = "integer",
  keys = { list = { key = "string", records = "number" } }, advice = { list = "string" },
  largest = { list = { partition = "integer", bytes = "number" } },
}
local FILE <const> = { path = "string", source = "string" }

-- What history.record() writes and a manifest has, as far as it is read.
local RECORD_SHAPE <const> = {
  state = "string", begun = "integer", seconds = "number", folder = "string?", params = "table?",
  bundle = { optional = true, path = "string", source = "string",
    modules = { optional = true, map = FILE } },
  options = { optional = true, split_bytes = "integer?", sort_buffer_bytes = "integer?",
    memory_bytes = "integer?", progress_ms = "number?", record_ms = "number?" },
  files = { optional = true, list = { name = "string", path = "string" } },
  inputs = { optional = true, list = INPUT }, input_count = "integer?", input_sum = "string?",
  output = "string?", publish_id = "string?", part_count = "integer?", records = "number?",
  bytes = "number?", plan = PLAN, steps = "integer?", effort = EFFORT, skew = SKEW,
  counters = { optional = true, map = "integer" },
  error = { optional = true, message = "string", detail = "string?" },
}
local MANIFEST_SHAPE <const> = {
  job = { id = "string", name = "string" }, plan = { split_bytes = "integer?",
    split_count = "integer?", reducer_count = "integer?", sort_buffer_bytes = "integer?" },
  parts = { list = { bytes = "number", records = "number" } }, counters = { map = "integer" },
  times_ms = { map = "number" },
  inputs = { list = { path = "string", bytes = "number", mtime_ns = "number?",
    generation = "integer?" } },
}

-- What one may set for a job: the names of run_config.h, in the order in which they are shown.
history.OPTIONS = { "input", "output_format", "reducers", "split_bytes", "sort_buffer_bytes",
  "shuffle", "attempts", "skip_bad", "memory_bytes", "progress_ms", "record_ms", "unsafe", "reuse",
  "slots", "priority" }

local function options_of(from)
  local options = {}
  for _, name in ipairs(history.OPTIONS) do
    options[name] = from[name]
  end
  return options
end

local function source_of(bundle)
  if not bundle then
    return nil
  end
  local files = { [bundle.path] = bundle.source }
  for _, module in pairs(bundle.modules or {}) do
    files[module.path] = module.source
  end
  return { name = bundle.path, files = files }
end

--- The paths of a source, its job file first.
-- @treturn {string,...}
function history.source_paths(source)
  local paths = {}
  for path in pairs(source.files) do
    if path ~= source.name then
      paths[#paths + 1] = path
    end
  end
  table.sort(paths)
  table.insert(paths, 1, source.name)
  return paths
end

-- FNV-1a over words of 8 bytes: to tell sources apart at a glance, not against anybody's will.
local function add_to_id(id, text)
  for i = 1, #text - 7, 8 do
    id = (id ~ string.unpack("<i8", text, i)) * 0x100000001b3
    id = id ~ (id >> 29)
  end
  for i = #text - #text % 8 + 1, #text do
    id = (id ~ text:byte(i)) * 0x100000001b3
  end
  return (id ~ #text) * 0x100000001b3
end

--- A short name of what a source says: the same files, the same id, wherever they ran.
-- @treturn string  12 hexadecimal digits
function history.source_id(source)
  local id = 0x4bf29ce484222325
  for _, path in ipairs(history.source_paths(source)) do
    id = add_to_id(add_to_id(id, path), source.files[path])
  end
  id = id ~ (id >> 32)
  return ("%012x"):format(id & 0xffffffffffff)
end

-- Times in microseconds are whole numbers of JSON, those in nanoseconds are not.
local function inputs_of(list)
  local inputs = {}
  for i, input in ipairs(list) do
    inputs[i] = { name = input.name or input.path, bytes = input.bytes,
      generation = input.generation,
      mtime_us = not input.generation and input.mtime_ns and math.tointeger(input.mtime_ns // 1000)
        or nil }
  end
  return inputs
end

--- A job of a master.
-- @tparam table answer  of engine.job_facts()
function history.of_master(answer)
  local status, facts = answer.status, answer.facts
  local job, ended = status.job, status.outcome or {}
  local has_facts = facts.reducers ~= nil
  return {
    kind = "job", id = tostring(job.id), name = job.name, state = job.state, user = job.user,
    begun = job.submitted, seconds = job.seconds, priority = job.priority,
    params = has_facts and (answer.params or {}) or nil, source = source_of(answer.bundle),
    inputs = facts.inputs and inputs_of(facts.inputs), input_count = facts.input_count,
    input_sum = facts.input_sum, options = has_facts and options_of(facts) or {},
    files = facts.files or {}, publish_id = facts.publish_id,
    output = job.output, part_count = ended.parts and #ended.parts, records = ended.records,
    bytes = ended.bytes, plan = ended.plan or {}, steps = status.steps, effort = status.effort,
    counters = status.counters, skew = status.skew, error = ended.error,
  }
end

--- What a local run leaves of itself, to be read by of_record().
-- @tparam table config  of mrlua.cli.request
-- @tparam table ended   its outcome (mrlua.cli.outcome)
-- @tparam integer begun seconds since 1970
-- @tparam string folder where it ran
function history.record(config, ended, begun, folder)
  local options = options_of(config)
  options.sort_buffer_bytes = ended.plan and ended.plan.sort_buffer_bytes -- what 0 stands for
  return {
    version = history.RECORD_VERSION, name = config.job_name, begun = begun, folder = folder,
    state = ended.error and "failed" or ended.signal and "interrupted" or "done",
    seconds = ended.seconds, params = config.params, bundle = config.bundle,
    options = options, files = config.files,
    inputs = ended.inputs and inputs_of(ended.inputs), input_count = ended.input_count,
    input_sum = ended.input_sum,
    output = config.output, publish_id = ended.publish_id,
    part_count = ended.parts and #ended.parts, records = ended.records, bytes = ended.bytes,
    plan = ended.plan, steps = ended.steps, effort = ended.effort, counters = ended.counters,
    skew = ended.skew, error = ended.error,
  }
end

--- A local run.
-- @tparam string id
-- @tparam table record  decoded
-- @treturn table        or nil and one line
function history.of_record(id, record)
  if type(record) ~= "table" or record.version ~= history.RECORD_VERSION
    or type(record.name) ~= "string" then
    return nil, "the record of run " .. id .. " is none, or of another version of mrlua"
  end
  local fault = shape.fault(record, RECORD_SHAPE)
  if fault then
    return nil, ("the record of run %s is damaged: %s"):format(id, fault)
  end
  return {
    kind = "run", id = id, name = record.name, state = record.state, begun = record.begun,
    seconds = record.seconds, folder = record.folder, params = record.params or {},
    source = source_of(record.bundle), inputs = record.inputs, input_count = record.input_count,
    input_sum = record.input_sum, options = record.options or {}, files = record.files or {},
    output = record.output, publish_id = record.publish_id, part_count = record.part_count,
    records = record.records, bytes = record.bytes, plan = record.plan or {},
    steps = record.steps, effort = record.effort, counters = record.counters or {},
    skew = record.skew, error = record.error,
  }
end

local function sum_of(list, name)
  local sum = 0
  for _, item in ipairs(list) do
    sum = sum + item[name]
  end
  return sum
end

local function effort_of_manifest(manifest)
  local counters, seconds = manifest.counters, {}
  for stage, ms in pairs(manifest.times_ms) do
    seconds[stage] = ms / 1000
  end
  return {
    seconds = seconds, slowest = {}, bytes_read = sum_of(manifest.inputs, "bytes"),
    records_read = counters.map_records_in or 0,
    bytes_shuffled = counters.map_bytes_written or 0,
    records_shuffled = counters.map_records_written or 0,
  }
end

--- The job that wrote an output.
-- @tparam string folder
-- @tparam table manifest  its _SUCCESS, decoded
-- @treturn table          or nil and one line
function history.of_manifest(folder, manifest)
  if type(manifest) ~= "table" or manifest.format ~= "mrlua-manifest" then
    return nil, folder .. "/_SUCCESS is no manifest of mrlua"
  end
  local fault = shape.fault(manifest, MANIFEST_SHAPE)
  if fault then
    return nil, ("%s/_SUCCESS is damaged: %s"):format(folder, fault)
  end
  local plan, inputs = manifest.plan, inputs_of(manifest.inputs)
  return {
    kind = "output", id = folder, name = manifest.job.name, state = "done",
    publish_id = manifest.job.id, inputs = inputs, input_count = #inputs,
    options = { input = plan.input, output_format = plan.output, reducers = plan.reducer_count,
      split_bytes = plan.split_bytes, sort_buffer_bytes = plan.sort_buffer_bytes }, files = {},
    output = folder, part_count = #manifest.parts, records = sum_of(manifest.parts, "records"),
    bytes = sum_of(manifest.parts, "bytes"), plan = plan, effort = effort_of_manifest(manifest),
    counters = manifest.counters,
  }
end

return history

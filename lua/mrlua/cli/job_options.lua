--- The flags of a job, the same for `mrlua run` and `mrlua submit`.

local convert = require "mrlua.cli.convert"
local usage = require "mrlua.cli.usage"

local job_options = {}

local REDUCERS_MAX = 100000 -- REDUCER_COUNT_MAX, record/record.h
local MEMORY_BYTES_MIN = 1 << 20 -- as that of a job's limits (mrlua.job)
local ATTEMPTS_MAX = 30 -- as many failures of one task end a job anyway (sched/sched.h)

--- A parser with the arguments JOB.lua and INPUT...
-- @tparam string command
-- @tparam string description
-- @tparam string inputs  what an input may be
function job_options.parser(command, description, inputs)
  local parser = usage.parser(command, description)
  parser:argument("JOB.lua", "The job: a Lua file that returns a table."):target("job")
  parser:argument("INPUT", inputs):args("*"):target("inputs")
  return parser
end

--- What the job reads: inputs of a job that names them, params, side files.
function job_options.add_inputs(parser)
  usage.section(parser, "Input and parameters")
  parser:option("--input", "What the job's input NAME reads, instead of what the job lists; may be"
    .. " given more than once. A job that names its inputs takes no INPUT."):argname("NAME=PATH")
    :target("named_inputs"):count("*"):convert(convert.named_path)
  parser:option("--param", "A parameter of the job; may be given more than once.")
    :argname("NAME=VALUE"):count("*"):convert(convert.parameter)
  parser:option("--file", "Another path for a side file of the job; may be given more than once.")
    :argname("NAME=PATH"):count("*"):convert(convert.side_file)
end

--- What makes the plan.
function job_options.add_plan(parser)
  usage.section(parser, "Plan")
  parser:option("--reducers", "Reduce tasks, and so parts (default: one per 256 MB of input).")
    :argname("N"):convert(convert.integer_within(1, REDUCERS_MAX))
  parser:option("--split-size", "Input of one map task (default: 1/32 of the input, 1M to 64M).")
    :argname("SIZE"):target("split_bytes"):convert(convert.positive_size)
  parser:option("--sort-buffer", "Memory where the output of a map task waits (default: 64M).")
    :argname("SIZE"):target("sort_buffer_bytes"):convert(convert.positive_size)
end

--- Where the outputs of its maps are until the reduces have them.
function job_options.add_shuffle(parser)
  parser:option("--shuffle", "Where the outputs of maps wait: local (the workers' disks, the"
    .. " default), gcs (the output's bucket; a lost worker takes nothing along) or"
    .. " gs://BUCKET/PREFIX."):argname("WHERE"):convert(convert.shuffle)
end

--- How much is told.
-- @tparam string json  where the line of --json goes
function job_options.add_messages(parser, json)
  usage.section(parser, "Messages")
  parser:flag("-q --quiet", "No progress and no summary.")
  parser:flag("--json", "Tell the outcome as one line of JSON" .. json)
end

--- How its functions run, and limits.
function job_options.add_rare(parser)
  usage.section(parser, "Limits")
  parser:flag("--allow-unsafe", "Let a job that says `unsafe = true` have all of Lua's libraries,"
    .. " outside the sandbox.")
  parser:option("--limit-memory", "Lua memory of an attempt (default: 512M).")
    :argname("SIZE"):target("limit_memory_bytes"):convert(convert.size_from(MEMORY_BYTES_MIN))
  parser:option("--limit-seconds", "Longest time without any progress (default: 600).")
    :argname("S"):convert(convert.seconds)
  parser:option("--limit-seconds-per-record", "Longest time for one record (default: 60).")
    :argname("S"):convert(convert.seconds)
  parser:option("--attempts", "Tries of a task that is killed at a limit (default: 4).")
    :argname("N"):convert(convert.integer_within(1, ATTEMPTS_MAX))
  usage.section(parser, "Other")
  parser:flag("-h --help", "This text.")
end

-- The pairs of an option as a table; given twice is a mistake, not a choice.
local function table_of(option, pairs_given)
  local values = {}
  for _, pair in ipairs(pairs_given) do
    if values[pair[1]] then
      return nil, ("option '%s': '%s' is given twice"):format(option, pair[1])
    end
    values[pair[1]] = pair[2]
  end
  return values
end

--- Parses `argv` and checks what every job's command line must keep.
-- @treturn table  the flags, `params` and `files` tables; or { help = text }
-- @return         or nil and one line
function job_options.parse(parser, argv)
  local flags, message = usage.parse(parser, argv)
  if not flags or flags.help then
    return flags, message
  end
  flags.params, message = table_of("--param", flags.param)
  if flags.params then
    flags.files, message = table_of("--file", flags.file)
  end
  flags.param, flags.file = nil, nil
  if message then
    return nil, message
  end
  if flags.named_inputs and #flags.named_inputs == 0 then
    flags.named_inputs = nil
  end
  for _, input in ipairs(flags.inputs) do
    if input == "" then
      return nil, "an input is an empty name"
    end
  end
  if flags.output == "" then
    return nil, "option '-o': the folder's name is empty"
  end
  return flags
end

return job_options

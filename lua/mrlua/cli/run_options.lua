--- The command line of `mrlua run`: text in, checked options out. Nothing here looks at the world.

local size = require "mrlua.size"
local usage = require "mrlua.cli.usage"

local run_options = {}

local SLOTS_MAX = 1024 -- two processes each
local REDUCERS_MAX = 100000 -- PARTITION_COUNT_MAX, record/record.h
local ATTEMPTS_MAX = 30 -- as many failures of one task end a job anyway (sched/sched.h)

local function integer_within(low, high)
  return function(text)
    local number = text:match("^%d+$") and math.tointeger(tonumber(text))
    if not number or number < low or number > high then
      return nil, ("'%s' is not a whole number from %d to %d"):format(text, low, high)
    end
    return number
  end
end

local function seconds(text)
  local number = text:match("^%d+%.?%d*$") and tonumber(text)
  if not number or number <= 0 or number > 1e9 then
    return nil, ("'%s' is not a number of seconds above 0"):format(text)
  end
  return number + 0.0
end

local function positive_size(text)
  local bytes, message = size.parse(text)
  if bytes == 0 then
    return nil, "a size must be above 0"
  end
  return bytes, message
end

local function parameter(text)
  local name, value = text:match("^([%a_][%w_]*)=(.*)$")
  if not name then
    return nil, ("'%s' is not name=value"):format(text)
  end
  return { name, value }
end

local function add_flags(parser)
  parser:option("-o --output", "Write part files and _SUCCESS into this new folder; without it"
    .. " the records go to standard output."):argname("DIR")
  parser:flag("--overwrite", "Replace the output folder, at the end and at once.")
  parser:option("--slots", "Attempts at a time (default: the processors)."):argname("N")
    :convert(integer_within(1, SLOTS_MAX))
  parser:option("--reducers", "Reduce tasks, and so parts (default: one per 256 MB of input).")
    :argname("N"):convert(integer_within(1, REDUCERS_MAX))
  parser:option("--param", "A parameter of the job; may be given more than once.")
    :argname("NAME=VALUE"):count("*"):convert(parameter)
  parser:option("--split-size", "Input of one map task (default: 1/64 of the input, 1M to 64M).")
    :argname("SIZE"):target("split_bytes"):convert(positive_size)
  parser:option("--sort-buffer", "Memory where the output of a map task waits (default: 64M).")
    :argname("SIZE"):target("sort_buffer_bytes"):convert(positive_size)
  parser:option("--tmp", "Folder for intermediate files (default: $TMPDIR, else /var/tmp).")
    :argname("DIR")
end

local function add_rare_flags(parser)
  parser:flag("--json", "Tell the outcome as one line of JSON: on standard output with -o, else as"
    .. " the last line on standard error.")
  parser:flag("--quiet", "No progress and no summary.")
  parser:flag("--allow-unsafe", "Let a job that says `unsafe = true` have all of Lua's libraries,"
    .. " outside the sandbox.")
  parser:option("--limit-memory", "Lua memory of an attempt (default: 512M).")
    :argname("SIZE"):target("limit_memory_bytes"):convert(positive_size)
  parser:option("--limit-seconds", "Longest time without any progress (default: 600).")
    :argname("S"):convert(seconds)
  parser:option("--limit-seconds-per-record", "Longest time for one record (default: 60).")
    :argname("S"):convert(seconds)
  parser:option("--attempts", "Tries of a task that is killed at a limit (default: 4).")
    :argname("N"):convert(integer_within(1, ATTEMPTS_MAX))
  parser:flag("-h --help", "This text.")
end

local function new_parser()
  local parser = usage.parser("run", "Runs a whole MapReduce job on this machine.")
  parser:usage("Usage: mrlua run JOB.lua INPUT... [-o DIR] [flags]")
  parser:usage_margin(2):help_description_margin(34):help_max_width(100)
  parser:epilog("SIZE is 512, 64K, 64M or 1.5G. A flag wins over the job's field of its name.\n"
    .. "Exit codes: 0 done, 1 the job failed, 2 usage or set-up, 130 interrupted.")
  parser:argument("job", "The job: a Lua file that returns a table."):argname("JOB.lua")
  parser:argument("inputs", "Files, folders, globs, or - for standard input."):args("+")
    :argname("INPUT")
  add_flags(parser)
  add_rare_flags(parser)
  return parser
end

-- The pairs of --param as a table; given twice is a mistake, not a choice.
local function params_of(pairs_given)
  local params = {}
  for _, pair in ipairs(pairs_given) do
    if params[pair[1]] then
      return nil, ("option '--param': '%s' is given twice"):format(pair[1])
    end
    params[pair[1]] = pair[2]
  end
  return params
end

local function check(flags)
  local standard_inputs = 0
  for _, input in ipairs(flags.inputs) do
    if input == "" then
      return nil, "an input is an empty name"
    end
    standard_inputs = standard_inputs + (input == "-" and 1 or 0)
  end
  if standard_inputs > 1 then
    return nil, "standard input (-) can be read only once"
  elseif flags.output == "" then
    return nil, "option '-o': the folder's name is empty"
  elseif flags.overwrite and not flags.output then
    return nil, "option '--overwrite' needs '-o'"
  end
  return flags
end

--- Parses the arguments of `mrlua run`.
-- @tparam {string,...} argv
-- @treturn table  { job, inputs, params, output, overwrite, slots, reducers, split_bytes,
--                 sort_buffer_bytes, tmp, json, quiet, allow_unsafe, limit_memory_bytes,
--                 limit_seconds, limit_seconds_per_record, attempts }; what was not given is nil.
--                 Or { help = text }.
-- @return         or nil and one line
function run_options.parse(argv)
  local flags, message = usage.parse(new_parser(), argv)
  if not flags or flags.help then
    return flags, message
  end
  flags.params, message = params_of(flags.param)
  flags.param = nil
  if not flags.params then
    return nil, message
  end
  return check(flags)
end

return run_options

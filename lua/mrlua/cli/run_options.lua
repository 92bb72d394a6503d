--- The command line of `mrlua run`: text in, checked options out. Nothing here looks at the world.

local convert = require "mrlua.cli.convert"
local job_options = require "mrlua.cli.job_options"
local reuse = require "mrlua.cli.reuse"
local usage = require "mrlua.cli.usage"

local run_options = {}

local SLOTS_MAX = 1024 -- two processes each

--- The parser alone, for what describes the command.
function run_options.parser()
  local parser = job_options.parser("run", "Runs a whole MapReduce job on this machine.",
    "Files, folders, globs, or - for standard input.")
  parser:usage("Usage: mrlua run JOB.lua [INPUT...] [-o DIR] [flags]")
  parser:epilog("SIZE is 512, 64K, 64M or 1.5G. A flag wins over the job's field of its name.\n"
    .. "Exit codes: 0 done, 1 the job failed, 2 usage or set-up, 130 interrupted.")
  usage.section(parser, "Output")
  parser:option("-o --output", "Write part files and _SUCCESS into this new folder, or below"
    .. " gs://BUCKET/PREFIX; without it the records go to standard output."):argname("DIR")
  parser:flag("--overwrite", "Replace what an earlier job left there, at the end; other files are"
    .. " never replaced.")
  parser:option("--keep", "Keep the outputs of a job's steps, as folders of run files in DIR.")
    :argname("DIR")
  job_options.add_inputs(parser)
  job_options.add_plan(parser)
  job_options.add_shuffle(parser)
  usage.section(parser, "This machine")
  parser:option("--slots", "Attempts at a time (default: the processors)."):argname("N")
    :convert(convert.integer_within(1, SLOTS_MAX))
  parser:option("--tmp", "Folder for intermediate files (default: $TMPDIR, else /var/tmp).")
    :argname("DIR")
  reuse.add_flags(parser, convert.positive_size)
  job_options.add_messages(parser, ": on standard output with -o, else as the last line on standard"
    .. " error.")
  job_options.add_rare(parser)
  return usage.examples(parser, {
    { "mrlua run jobs/wordcount.lua README.md", "the records, on standard output" },
    { "mrlua run jobs/grep.lua --param pattern=main 'src/**/*.c' | head",
      "a parameter of the job; a pattern of names (quoted: mrlua reads it)" },
    { "mrlua run jobs/sort.lua -o sorted --reducers 4 big.txt.gz",
      "four parts and _SUCCESS in the new folder sorted" },
  })
end

local function check(flags)
  if flags.overwrite and not flags.output then
    return nil, "option '--overwrite' needs '-o'"
  elseif flags.cache_bytes and not flags.reuse then
    return nil, "option '--cache-size' needs '--reuse'"
  elseif flags.reuse and flags.shuffle and flags.shuffle ~= "local" then
    return nil, "option '--reuse' keeps the outputs of maps on this machine: not with '--shuffle "
      .. flags.shuffle .. "'"
  end
  return flags
end

--- Parses the arguments of `mrlua run`.
-- @tparam {string,...} argv
-- @treturn table  { job, inputs, named_inputs, params, files, output, overwrite, slots, reducers,
--                 split_bytes, sort_buffer_bytes, shuffle, reuse, cache_bytes, tmp, keep, json,
--                 quiet, allow_unsafe, limit_memory_bytes, limit_seconds, limit_seconds_per_record,
--                 attempts }; what was not given is nil. Or { help = text }.
-- @return         or nil and one line
function run_options.parse(argv)
  local flags, message = job_options.parse(run_options.parser(), argv)
  if not flags or flags.help then
    return flags, message
  end
  return check(flags)
end

return run_options

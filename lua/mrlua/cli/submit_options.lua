--- The command line of `mrlua submit`: that of `mrlua run` without what only one machine has
-- (--slots, --tmp, standard input), with what only a cluster has.

local cluster_options = require "mrlua.cli.cluster_options"
local convert = require "mrlua.cli.convert"
local job_options = require "mrlua.cli.job_options"
local reuse = require "mrlua.cli.reuse"
local usage = require "mrlua.cli.usage"

local submit_options = {}

local PRIORITY_MAX = 100

--- The parser alone, for what describes the command.
function submit_options.parser()
  local parser = job_options.parser("submit", "Runs a MapReduce job on a cluster.",
    "Files, folders or globs that every worker can see.")
  parser:usage("Usage: mrlua submit JOB.lua [INPUT...] -o DIR [flags]")
  parser:epilog("SIZE is 512, 64K, 64M or 1.5G. A flag wins over the job's field of its name.\n"
    .. "Ctrl-C ends the waiting, not the job. Exit codes: 0 done, 1 the job failed, 2 usage or"
    .. " set-up,\n130 interrupted.")
  usage.section(parser, "Output")
  parser:option("-o --output", "Write part files and _SUCCESS into this new folder, which every"
    .. " worker can see, or below gs://BUCKET/PREFIX."):argname("DIR")
  parser:flag("--overwrite", "Replace what an earlier job left there, at the end; other files are"
    .. " never replaced.")
  job_options.add_inputs(parser)
  job_options.add_plan(parser)
  job_options.add_shuffle(parser)
  reuse.add_submit_flag(parser)
  cluster_options.add(parser)
  usage.section(parser, "Waiting")
  parser:flag("--detach", "Do not wait: print the job's number and end.")
  parser:option("--priority", "Jobs of a higher one go first (default: 0, at most 100).")
    :argname("N"):convert(convert.integer_within(0, PRIORITY_MAX))
  job_options.add_messages(parser, " on standard output.")
  job_options.add_rare(parser)
  return usage.examples(parser, {
    { "mrlua submit jobs/wordcount.lua -o /shared/words /shared/text", "waits until it is done" },
    { "mrlua submit jobs/sort.lua -o gs://bucket/sorted gs://bucket/lines/*.gz --detach",
      "prints the job's number; 'mrlua status NUMBER' tells how far it is" },
  })
end

local function check(flags)
  if not flags.output then
    return nil, "option '-o' is missing: a cluster writes to a folder that every worker can see"
  elseif flags.reuse and (flags.shuffle or "local") == "local" then
    return nil, "submit --reuse needs --shuffle gcs: what is kept for later jobs are objects; add"
      .. " --shuffle gcs (the output's bucket) or --shuffle gs://BUCKET/PREFIX"
  end
  return flags
end

--- Parses the arguments of `mrlua submit`.
-- @tparam {string,...} argv
-- @tparam ?string variable  MRLUA_MASTER as the environment has it
-- @treturn table  those of run_options.parse() without slots and tmp; master, key_file, tls,
--                 insecure_plain, detach, priority, reuse. Or { help = text }.
-- @return         or nil and one line
function submit_options.parse(argv, variable)
  local flags, message = job_options.parse(submit_options.parser(), argv)
  if flags and not flags.help then
    flags, message = check(flags)
    if flags then
      flags, message = cluster_options.complete(flags, variable)
    end
  end
  return flags, message
end

--- `path` as every machine reads it: from the root.
-- @tparam string folder  where the command was started
function submit_options.absolute(path, folder)
  if path:find("^/") or path:find("^%a[%w+.-]*://") then
    return path
  end
  path = path:gsub("^%./+", "")
  if path == "." or path == "" then
    return folder
  end
  return (folder == "/" and "" or folder) .. "/" .. path
end

return submit_options

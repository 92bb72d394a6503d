--- `mrlua cancel JOB`: ends a job. Its output folder stays as it was before the job.

local ask = require "mrlua.cli.ask"
local cluster_options = require "mrlua.cli.cluster_options"
local convert = require "mrlua.cli.convert"
local engine = require "mrlua.engine"
local usage = require "mrlua.cli.usage"

local function new_parser()
  local parser = cluster_options.parser("cancel", "Ends a job of a cluster.")
  parser:usage("Usage: mrlua cancel JOB [--json] [--master HOST:PORT] [--key-file FILE]")
  parser:argument("JOB", "Its number: 'mrlua jobs' lists them."):target("job")
    :convert(convert.job)
  return usage.examples(parser, {
    { "mrlua cancel 7", "ends job 7; its output folder stays as it was before" },
    { "mrlua cancel 7 --json", "for a program" },
  })
end

local function tell(_, flags)
  io.stdout:write(("job %d is cancelled\n"):format(flags.job))
end

return ask.command("cancel", new_parser, function(args)
  return engine.job_cancel(args)
end, tell)

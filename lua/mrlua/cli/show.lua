--- `mrlua show JOB`: one job, whether it runs or is over, here or on a cluster.
--
-- Exit codes: 0 told, 1 there is no answer, 2 usage, or no such job.

local cluster_options = require "mrlua.cli.cluster_options"
local engine = require "mrlua.engine"
local failure = require "mrlua.cli.failure"
local history = require "mrlua.history"
local history_text = require "mrlua.history_text"
local past = require "mrlua.cli.past"
local usage = require "mrlua.cli.usage"

local function new_parser()
  local parser = cluster_options.parser("show", "Tells all of one job: what it was asked for, how"
    .. " long it took, what it counted, how it ended.")
  parser:usage("Usage: mrlua show JOB [--source] [--json] [--master HOST:PORT] [--key-file FILE]")
  parser:argument("JOB", past.WHAT):target("job").completes = "past"
  parser:flag("--source", "Print the job's source instead.")
  return usage.examples(parser, {
    { "mrlua show last", "the newest job, of the master or of this machine" },
    { "mrlua show 17 --source", "what job 17 of the master ran, to be run again" },
    { "mrlua show out", "the job that wrote the folder out" },
  })
end

local function tell_source(job)
  if not job.source then
    return failure.tell({ kind = "setup", is_setup = true, message = ("the source of %s is not"
      .. " known: a manifest does not tell it, and a master forgets it with the job"):format(
      job.id) })
  end
  io.stdout:write(history_text.source(job.source))
  return 0
end

local function object(job)
  local json = require "mrlua.json"
  for _, name in ipairs { "inputs", "files" } do
    if job[name] then
      setmetatable(job[name], json.list)
    end
  end
  job.source_id = job.source and history.source_id(job.source)
  return job
end

local function act(flags)
  local job, fault = past.find(flags, flags.job)
  if not job then
    return failure.tell(fault, flags)
  elseif flags.json then
    io.stdout:write(require("mrlua.json").encode(object(job)), "\n")
    return 0
  elseif flags.source then
    return tell_source(job)
  end
  for _, line in ipairs(history_text.show(job, engine.environment().columns)) do
    io.stdout:write(line, "\n")
  end
  return 0
end

return usage.command("show", new_parser, act, function(argv)
  return cluster_options.parse(new_parser(), argv)
end)

--- `mrlua jobs`: the jobs that the master knows, the newest first.

local ask = require "mrlua.cli.ask"
local cluster_options = require "mrlua.cli.cluster_options"
local columns = require "mrlua.cli.columns"
local engine = require "mrlua.engine"
local size = require "mrlua.size"
local usage = require "mrlua.cli.usage"

local HEADS = {
  { "JOB", "right" }, { "NAME" }, { "STATE" }, { "TASKS", "right" }, { "TIME", "right" },
  { "OUTPUT" },
}

local function new_parser()
  local parser = cluster_options.parser("jobs", "Lists the jobs of a cluster.")
  parser:usage("Usage: mrlua jobs [--json] [--master HOST:PORT] [--key-file FILE]")
  return usage.examples(parser, {
    { "mrlua jobs", "those of the master on this machine, or at $MRLUA_MASTER" },
    { "mrlua jobs --master 10.0.0.2:7070 --key-file submit.key", "those of another one" },
    { "mrlua jobs --json", "for a program" },
  })
end

-- Before its plan is made a job has none; of one of several steps they are those of the step that
-- runs, or of the last one.
local function tasks_text(job)
  if job.tasks > 0 then
    return ("%d/%d"):format(job.tasks_done, job.tasks)
  end
  return job.state == "running" and "planning" or "-"
end

local function tell(answer)
  local rows = {}
  for i, job in ipairs(answer.jobs) do
    rows[i] = { job.id, job.name, job.state, tasks_text(job), size.seconds(job.seconds),
      job.output }
  end
  io.stdout:write(columns.text(HEADS, rows))
end

return ask.command("jobs", new_parser, function(args)
  return engine.job_list(args)
end, tell)

--- `mrlua status JOB`: how far a job is, or how it ended.

local ask = require "mrlua.cli.ask"
local cluster_options = require "mrlua.cli.cluster_options"
local convert = require "mrlua.cli.convert"
local engine = require "mrlua.engine"
local failure = require "mrlua.cli.failure"
local printable = require "mrlua.printable"
local progress = require "mrlua.progress"
local size = require "mrlua.size"
local skew = require "mrlua.skew"
local usage = require "mrlua.cli.usage"

local COLUMNS = 80

local function new_parser()
  local parser = cluster_options.parser("status", "Tells how far a job of a cluster is.")
  parser:usage("Usage: mrlua status JOB [--json] [--master HOST:PORT] [--key-file FILE]")
  parser:argument("JOB", "Its number: 'mrlua jobs' lists them."):target("job")
    :convert(convert.job)
  return usage.examples(parser, {
    { "mrlua status 7", "how far job 7 is, or how it ended" },
    { "mrlua status 7 --json", "for a program: stages, counters, the outcome" },
  })
end

-- Why nothing moves, where that is so; "".
local function waiting_text(flags)
  local answer = assert(engine.worker_list(cluster_options.address(flags)))
  for _, worker in ipairs(answer.workers or {}) do
    if worker.state == "ready" then
      return ""
    end
  end
  return answer.workers and "waiting: no worker is ready ('mrlua workers' lists them, 'mrlua"
    .. " worker' starts one)\n" or ""
end

local function tell(answer, flags)
  local job = answer.job
  io.stdout:write(("job %d: %s, %s, %s\n"):format(job.id, job.name, job.state,
    size.seconds(job.seconds)), ("output: %s\n"):format(printable.line(job.output)))
  for _, stage in ipairs(answer.stages) do
    if stage.tasks > 0 and stage.tasks_done == stage.tasks then
      io.stdout:write(progress.phase_line(stage, answer.title), "\n")
    end
  end
  local counted = progress.counted_line(answer.counters)
  if counted then
    io.stdout:write(counted, "\n")
  end
  for _, line in ipairs(skew.status_lines(answer.skew)) do
    io.stdout:write(line, "\n")
  end
  if job.state == "running" then
    for _, line in ipairs(progress.bars(answer, COLUMNS, false)) do
      io.stdout:write(line, "\n")
    end
    io.stdout:write(waiting_text(flags))
  elseif answer.outcome and answer.outcome.error then
    local text = failure.text(answer.outcome.error):gsub("^mrlua", "error")
    io.stdout:write(cluster_options.name_master(text, flags))
  end
end

return ask.command("status", new_parser, function(args)
  return engine.job_status(args)
end, tell)

--- `mrlua jobs`: the jobs that the master knows, the newest first; with --all the runs of this
-- machine among them, and these alone where no master answers.

local ask = require "mrlua.cli.ask"
local cluster_options = require "mrlua.cli.cluster_options"
local columns = require "mrlua.cli.columns"
local engine = require "mrlua.engine"
local failure = require "mrlua.cli.failure"
local past = require "mrlua.cli.past"
local size = require "mrlua.size"
local usage = require "mrlua.cli.usage"

local HEADS = {
  { "JOB", "right" }, { "NAME" }, { "STATE" }, { "TASKS", "right" }, { "TIME", "right" },
  { "OUTPUT" },
}
local ALL_HEADS = {
  { "JOB", "right" }, { "WHERE" }, { "NAME" }, { "STATE" }, { "BEGUN" }, { "TIME", "right" },
  { "OUTPUT" },
}

local function new_parser()
  local parser = cluster_options.parser("jobs", "Lists the jobs of a cluster.")
  parser:usage("Usage: mrlua jobs [--all] [--json] [--master HOST:PORT] [--key-file FILE]")
  parser:flag("--all", "Those that 'mrlua run' ran on this machine, too; without a master they"
    .. " alone.")
  parser:epilog("A master remembers the last 1,000 jobs that ended, this machine its last 100 runs."
    .. " 'mrlua show JOB'\ntells all of one, 'mrlua diff' compares two.")
  return usage.examples(parser, {
    { "mrlua jobs", "those of the master on this machine, or at $MRLUA_MASTER" },
    { "mrlua jobs --all", "and the runs of this machine" },
    { "mrlua jobs --master 10.0.0.2:7070 --key-file submit.key --json", "those of another one" },
  })
end

-- Before its plan is made a job has none. Those of one step say nothing of all the steps of a job.
local function tasks_text(job)
  if job.title then
    return job.state == "running" and job.title or "-"
  elseif job.tasks > 0 then
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

local function tell_all(jobs, runs)
  local rows = {}
  local function add(id, where, job, begun)
    rows[#rows + 1] = { id, where, job.name, job.state,
      os.date("%Y-%m-%d %H:%M:%S", math.floor(begun)), size.seconds(job.seconds),
      job.output ~= "" and job.output or nil, begun = begun, number = #rows + 1 }
  end
  for _, job in ipairs(jobs) do
    add(job.id, "master", job, job.submitted)
  end
  for _, run in ipairs(runs) do
    add(run.id, "here", run, run.begun)
  end
  table.sort(rows, function(a, b)
    if a.begun == b.begun then -- both lists are in order
      return a.number < b.number
    end
    return a.begun > b.begun
  end)
  io.stdout:write(columns.text(ALL_HEADS, rows))
end

local function run_objects(runs)
  local list = {}
  for i, run in ipairs(runs) do
    list[i] = { id = run.id, name = run.name, state = run.state, begun = run.begun,
      seconds = run.seconds, output = run.output, folder = run.folder }
  end
  return list
end

local function act_all(flags)
  local jobs, fault = past.master_jobs(flags)
  local runs = past.runs()
  if fault and not flags.json then
    io.stderr:write("mrlua: only the runs of this machine: ", fault.message, "\n")
  end
  if flags.json then
    local json = require "mrlua.json"
    io.stdout:write(json.encode { jobs = setmetatable(jobs or {}, json.list),
      runs = setmetatable(run_objects(runs), json.list),
      error = fault and failure.object(fault) or nil }, "\n")
  else
    tell_all(jobs or {}, runs)
  end
  return 0
end

local act = ask.act(function(args)
  return engine.job_list(args)
end, tell)

return usage.command("jobs", new_parser, function(flags)
  return (flags.all and act_all or act)(flags)
end, function(argv)
  return cluster_options.parse(new_parser(), argv)
end)

--- Jobs of the prompt on this machine, in the engine that `mrlua run` has. They run one after the
-- other, while the prompt waits: Ctrl-C ends the job. A target is what mrlua.repl.mr works on;
-- mrlua.repl.cluster is the other one.

local handle = require "mrlua.repl.handle"
local outcome = require "mrlua.cli.outcome"
local request = require "mrlua.cli.request"
local run = require "mrlua.cli.run"
local watch = require "mrlua.cli.watch"

local here = {}
here.__index = here

here.command = "run"

--- @treturn table  a target without jobs
function here.new()
  return setmetatable({ ended = {} }, here)
end

--- Checks and runs a job.
-- @tparam table flags  of `mrlua run`; is_scratch: the output is for nobody else
-- @treturn table       its handle; raises when it fails
function here:run(flags)
  local config, fault = request.make(flags, "run")
  if not config then
    error(handle.fault_text(fault), 0)
  end
  local environment = watch.environment()
  config.output_format = flags.is_scratch and not config.view.drive and "run"
    or config.output_format
  local ended = run.run(config, flags, environment)
  local id = #self.ended + 1
  local job = handle.new(self, { id = id, name = config.job_name, folder = flags.output,
    format = config.output_format, ended = ended })
  self.ended[id] = job
  if ended.signal then
    error(("interrupted: job %d is cancelled"):format(id), 0)
  elseif ended.error then
    error(handle.fault_text(ended.error), 0)
  end
  outcome.tell(ended, flags, environment)
  return job
end

here.submit = here.run -- nobody else would run it

local function state_of(ended)
  return ended.error and "failed" or ended.signal and "cancelled" or "done"
end

function here:get(id)
  return self.ended[id] or error(("no job %s here"):format(tostring(id)), 0)
end

function here:status(id)
  local job = self:get(id)
  local ended = job.ended
  return { id = id, name = job.name, state = state_of(ended), seconds = ended.seconds,
    output = job.folder, counters = ended.counters or {}, records = ended.records,
    error = ended.error and ended.error.message }
end

function here:jobs()
  local list = {}
  for id = #self.ended, 1, -1 do
    list[#list + 1] = self:status(id)
    list[#list].counters = nil
  end
  return list
end

function here.workers()
  local environment = watch.environment()
  return { { id = 1, name = "this machine", state = "ready", slots = environment.cpu_count,
    slots_busy = 0 } }
end

function here:wait(job)
  self:get(job.id)
end

function here:cancel(id)
  error(("job %d has ended"):format(self:get(id).id), 0)
end

function here.format()
  return "tsv"
end

return here

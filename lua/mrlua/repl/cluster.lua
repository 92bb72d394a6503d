--- Jobs of the prompt on a master. A target, as mrlua.repl.here is.
--
--     local target, message = cluster.open(flags)      nil: no master answers
--     target:news()                                     lines about jobs of this prompt that ended

local cluster_options = require "mrlua.cli.cluster_options"
local engine = require "mrlua.engine"
local handle = require "mrlua.repl.handle"
local outcome = require "mrlua.cli.outcome"
local request = require "mrlua.cli.request"
local size = require "mrlua.size"
local submit = require "mrlua.cli.submit"
local watch = require "mrlua.cli.watch"

local cluster = {}
cluster.__index = cluster

cluster.command = "submit"

-- An answer of the master; raises what it has against it.
function cluster:ask(question, job)
  local args = cluster_options.address(self.flags)
  args.job = job
  local answer = assert(question(args))
  if answer.error then
    error(handle.fault_text(answer.error), 0)
  end
  return answer
end

--- @tparam table flags  master, key_file, tls, insecure_plain
-- @treturn table        a target; or nil and why there is none
function cluster.open(flags)
  local self = setmetatable({ flags = flags, watched = {} }, cluster)
  local ok, message = pcall(self.ask, self, engine.job_list)
  if not ok then
    return nil, message
  end
  return self
end

-- The request for a job, or raises what is wrong with it.
function cluster:request(flags)
  for _, name in ipairs { "master", "key_file", "tls", "insecure_plain" } do
    flags[name] = self.flags[name]
  end
  local config, fault = request.make(flags, "submit")
  if not config then
    error(handle.fault_text(fault), 0)
  end
  submit.complete(config, flags, watch.environment())
  config.output_format = flags.is_scratch and not config.view.drive and "run"
    or config.output_format
  return config
end

function cluster:begin(flags)
  local config = self:request(flags)
  local begun = assert(engine.submit_begin(config))
  if begun.error then
    error(handle.fault_text(begun.error), 0)
  elseif begun.id == 0 then
    assert(engine.submit_end())
    error("interrupted before the master had answered; mr.jobs() tells whether it has the job", 0)
  end
  return handle.new(self, { id = begun.id, name = config.job_name, folder = config.output,
    format = config.output_format })
end

--- Hands a job over; its end is told as news.
function cluster:submit(flags)
  local job = self:begin(flags)
  assert(engine.submit_end())
  self.watched[job.id] = job
  return job
end

function cluster:tell_left(job)
  self.watched[job.id] = job
  io.stdout:flush()
  io.stderr:write(("not waiting any more; job %d goes on (job:wait(), job:cancel())\n"):format(
    job.id))
  return job
end

--- Hands a job over and waits for its end.
function cluster:run(flags)
  local job = self:begin(flags)
  local environment = watch.environment()
  watch.until_finished(engine.submit_step, flags, environment)
  local ended = assert(engine.submit_end())
  if ended.signal then
    return self:tell_left(job)
  elseif ended.error then
    error(handle.fault_text(ended.error), 0)
  end
  outcome.tell(ended, flags, environment)
  return job
end

function cluster:status(id)
  local answer = self:ask(engine.job_status, id)
  local status = answer.job
  status.counters, status.stages = answer.counters or {}, answer.stages
  local ended = answer.outcome
  status.error = ended and ended.error and ended.error.message
  return status, answer
end

-- A step of waiting, as those of a submit.
function cluster:step_of(job)
  return function(args)
    engine.line_pause(args)
    local status, state = self:status(job.id)
    state.log, state.notices, state.seconds = {}, {}, status.seconds
    state.columns = assert(engine.environment()).columns
    state.finished = status.state ~= "running"
    return state
  end
end

--- Until the job has ended. It raises when that is a failure.
function cluster:wait(job)
  local environment = watch.environment()
  if self:status(job.id).state == "running" then
    local ok, message = pcall(watch.until_finished, self:step_of(job), {}, environment)
    if not ok and tostring(message):find "interrupted!$" then
      return self:tell_left(job)
    elseif not ok then
      error(message, 0)
    end
  end
  self.watched[job.id] = nil
  local status, answer = self:status(job.id)
  if status.error then
    error(handle.fault_text(answer.outcome.error), 0)
  end
end

function cluster:cancel(id)
  self:ask(engine.job_cancel, id)
end

function cluster:jobs()
  return self:ask(engine.job_list).jobs
end

function cluster:workers()
  return self:ask(engine.worker_list).workers
end

function cluster:get(id)
  local status = self:status(id)
  return handle.new(self, { id = id, name = status.name, folder = status.output })
end

function cluster:format(job)
  return self:ask(engine.job_facts, job.id).facts.output_format
end

local function news_of(job, known)
  if not known then
    return ("job %d (%s): the master does not know it any more\n"):format(job.id, job.name)
  elseif known.state == "done" then
    return ("job %d (%s) is done: %s, output %s\n"):format(job.id, job.name,
      size.seconds(known.seconds), job.folder)
  end
  return ("job %d (%s) is %s after %s; mr.status(%d).error says why\n"):format(job.id, job.name,
    known.state, size.seconds(known.seconds), job.id)
end

--- What has ended since the last time, of what was submitted here; nil: nothing.
function cluster:news()
  if next(self.watched) == nil then
    return nil
  end
  local by_id, lines = {}, {}
  for _, known in ipairs(self:jobs()) do
    by_id[known.id] = known
  end
  for id, job in pairs(self.watched) do
    if not by_id[id] or by_id[id].state ~= "running" then
      lines[#lines + 1] = news_of(job, by_id[id])
      self.watched[id] = nil
    end
  end
  table.sort(lines)
  return #lines > 0 and table.concat(lines) or nil
end

return cluster

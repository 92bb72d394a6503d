--- `mrlua submit`: a whole job on a cluster. What it does is what `mrlua run` does (request.lua,
-- watch.lua, outcome.lua); between begin and end stands the master (engine/cli/submit.h).
--
-- Ctrl-C ends the waiting, never the job: whoever waits may be one of several, and a cluster does
-- not depend on a terminal. It says how to end the job.
--
-- Exit codes: 0 done, 1 the job failed, 2 usage or set-up, 130 interrupted (143: SIGTERM).

local cluster_options = require "mrlua.cli.cluster_options"
local engine = require "mrlua.engine"
local outcome = require "mrlua.cli.outcome"
local request = require "mrlua.cli.request"
local submit_options = require "mrlua.cli.submit_options"
local usage = require "mrlua.cli.usage"
local watch = require "mrlua.cli.watch"

-- What `request.make` does not know of a job for a cluster.
local function complete(config, flags, environment)
  config.folder = environment.folder -- of inputs; jobs are told their names as the user wrote them
  config.output = submit_options.absolute(flags.output, environment.folder)
  config.slots = 1 -- of this machine; the workers have theirs
  config.priority = flags.priority or 0
  config.master, config.key_file = flags.master, flags.key_file
  config.tls, config.insecure_plain = flags.tls or false, flags.insecure_plain or false
end

local function tell_detached(begun, flags)
  if flags.json then
    io.stdout:write(require("mrlua.json").encode { ok = true, id = begun.id }, "\n")
  else
    io.stdout:write(("%d\n"):format(begun.id))
  end
  return 0
end

-- What every other command calls it by: told before anything else is, also to who will not wait
-- to the end.
local function tell_begun(id, config, flags)
  if id > 0 and not flags.quiet then
    io.stderr:write(("job %d: %s, on %s\n"):format(id, (config.job_name:gsub("%c", "?")),
      config.master))
  end
end

local function interrupted_text(id)
  if id == 0 then
    return "interrupted before the master had answered; 'mrlua jobs' tells whether it has the job"
  end
  return ("not waiting any more; job %d goes on ('mrlua cancel %d' ends it, 'mrlua status %d'"
    .. " tells how far it is)"):format(id, id, id)
end

local function submit(config, flags, environment)
  local begun = assert(engine.submit_begin(config))
  if begun.error then
    return outcome.tell({ error = begun.error, seconds = 0.0 }, flags, environment)
  elseif flags.detach and begun.id > 0 then
    return tell_detached(begun, flags)
  end
  tell_begun(begun.id, config, flags)
  watch.until_finished(engine.submit_step, flags, environment)
  local ended = assert(engine.submit_end())
  ended.id = begun.id > 0 and begun.id or nil
  if ended.error and ended.error.detail then
    ended.error.detail = cluster_options.name_master(ended.error.detail, flags)
  end
  if ended.output then
    ended.output = flags.output -- as the user wrote it
  end
  return outcome.tell(ended, flags, environment, interrupted_text(begun.id))
end

local function act(flags)
  local config, fault = request.make(flags, "submit")
  if not config then
    return outcome.tell_set_up(fault, flags)
  end
  local environment = watch.environment()
  complete(config, flags, environment)
  return submit(config, flags, environment)
end

local submit_command = usage.command("submit", submit_options.parser, act, function(argv)
  return submit_options.parse(argv, os.getenv("MRLUA_MASTER"))
end)

submit_command.complete = complete -- for other ways to submit: mrlua.repl.cluster

return submit_command

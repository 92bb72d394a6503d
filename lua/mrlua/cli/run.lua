--- `mrlua run`: a whole job on this machine.
--
-- Order: the command line; the job (request.lua); the run itself, in C (engine/cli/run_shell.h),
-- drawn ten times a second (watch.lua); the outcome (outcome.lua, exit codes there). The records
-- of a job without -o come last on standard output, when the bars are gone.

local drive = require "mrlua.cli.drive"
local engine = require "mrlua.engine"
local outcome = require "mrlua.cli.outcome"
local past = require "mrlua.cli.past"
local request = require "mrlua.cli.request"
local reuse = require "mrlua.cli.reuse"
local run_options = require "mrlua.cli.run_options"
local usage = require "mrlua.cli.usage"
local watch = require "mrlua.cli.watch"

-- Runs it to its end, whatever that is. `title`: of a step of a larger job, which has warned.
local function run(config, flags, environment, title)
  local begun = assert(engine.run_begin(config))
  if begun.error then
    return { error = begun.error, seconds = 0.0 }
  elseif begun.warning and not flags.quiet and not title then
    io.stderr:write("mrlua: ", begun.warning, "\n")
  end
  watch.until_finished(engine.run_step, flags, environment, title)
  return assert(engine.run_end())
end

-- A job of one step or several: its outcome, which is kept for 'mrlua jobs --all'.
local function run_all(config, flags, environment)
  config.slots, config.tmp = flags.slots or environment.cpu_count, flags.tmp
  local begun = os.time()
  local ended
  if config.view.drive then
    ended = drive.run(config, flags, environment, run)
  else
    ended = run(config, flags, environment)
  end
  if not (ended.error and ended.error.is_setup) then -- else nothing was started
    past.keep(config, ended, begun, environment.folder)
  end
  return ended
end

local function act(flags)
  local config, fault = request.make(flags, "run")
  if not config then
    return outcome.tell_set_up(fault, flags)
  end
  local environment = watch.environment()
  local message
  config.cache_bytes, message = reuse.bytes(flags.cache_bytes, os.getenv(reuse.VARIABLE))
  if not config.cache_bytes then
    return outcome.tell_set_up({ kind = "setup", message = message }, flags)
  end
  return outcome.tell(run_all(config, flags, environment), flags, environment)
end

local run_command = usage.command("run", run_options.parser, act, run_options.parse)

run_command.run = run_all -- for other ways to run: mrlua.repl.here

return run_command

--- `mrlua run`: a whole job on this machine.
--
-- Order: the command line; the bundle (job file and modules); what the job's table says, asked of
-- a sandboxed process; the run itself, in C (engine/cli/run_shell.h), drawn ten times a second;
-- the outcome. The records of a job without -o come last on standard output, when the bars are
-- gone.
--
-- Exit codes: 0 done, 1 the job failed, 2 usage or set-up, 130 interrupted (143: SIGTERM).

local bundle = require "mrlua.bundle"
local display = require "mrlua.cli.display"
local engine = require "mrlua.engine"
local failure = require "mrlua.cli.failure"
local progress = require "mrlua.progress"
local run_options = require "mrlua.cli.run_options"
local size = require "mrlua.size"
local usage = require "mrlua.cli.usage"

local STEP_MS = 100 -- between two redraws

-- What a flag does not say, the job does; what neither says, the engine decides (0).
local function choose(flag, field, default)
  if flag ~= nil then
    return flag
  end
  return field ~= nil and field or default
end

local function milliseconds(seconds)
  return math.max(1, math.floor(seconds * 1000))
end

-- `limits` of a job as the user wrote it or as job.check made it: memory in bytes or "512M".
local function limits_of(flags, limits)
  limits = limits or {}
  return {
    memory_bytes = choose(flags.limit_memory_bytes, limits.memory and size.parse(limits.memory),
      512 << 20),
    progress_ms = milliseconds(choose(flags.limit_seconds, limits.seconds, 600)),
    record_ms = milliseconds(choose(flags.limit_seconds_per_record, limits.seconds_per_record, 60)),
  }
end

local function load_once(built, flags, unsafe)
  local answer = assert(engine.load_job {
    bundle = built, params = flags.params, unsafe = unsafe,
    memory_bytes = limits_of(flags).memory_bytes,
    deadline_ms = flags.limit_seconds_per_record and milliseconds(flags.limit_seconds_per_record),
  })
  for _, line in ipairs(answer.log or {}) do
    io.stderr:write(line, "\n")
  end
  return answer.view, answer.error
end

-- The checked table of the job. A file leaves the sandbox only when the user allows it, and when
-- it says `unsafe = true` or does not even load inside.
local function load_job(built, flags)
  local view, fault = load_once(built, flags, false)
  if flags.allow_unsafe and (not view or view.unsafe) then
    local unsafe_view, unsafe_fault = load_once(built, flags, true)
    if not unsafe_view or unsafe_view.unsafe then
      return unsafe_view, unsafe_fault
    end
    return nil, fault
  elseif view and view.unsafe then
    return nil, { kind = "setup", message = ("%s says unsafe = true: it wants all of Lua's"
      .. " libraries and no sandbox; if you trust it, give --allow-unsafe"):format(built.path) }
  end
  return view, fault
end

local function config_of(built, view, flags, environment)
  local limits = limits_of(flags, view.limits)
  return {
    bundle = built, view = view, params = view.params or {},
    unsafe = view.unsafe and flags.allow_unsafe or false,
    job_name = view.name or built.path:match("([^/]*)%.lua$") or built.path,
    inputs = flags.inputs, input = view.input, output_format = view.output,
    output = flags.output, overwrite = flags.overwrite or false,
    slots = choose(flags.slots, nil, environment.cpu_count),
    reducers = choose(flags.reducers, view.reducers, 0),
    split_bytes = choose(flags.split_bytes, nil, 0),
    sort_buffer_bytes = choose(flags.sort_buffer_bytes, nil, 0),
    tmp = flags.tmp,
    attempts = choose(flags.attempts, view.attempts, 4),
    memory_bytes = limits.memory_bytes, progress_ms = limits.progress_ms,
    record_ms = limits.record_ms,
  }
end

local function watch(shown)
  local state
  repeat
    state = assert(engine.run_step { milliseconds = STEP_MS })
    for _, line in ipairs(state.log) do
      shown:log(line)
    end
    shown:show(state)
  until state.finished
end

-- Runs it to its end, whatever that is.
local function run(config, flags, environment)
  local begun = assert(engine.run_begin(config))
  if begun.error then
    return { error = begun.error, seconds = 0.0 }
  elseif begun.warning and not flags.quiet then
    io.stderr:write("mrlua: ", begun.warning, "\n")
  end
  local no_color = os.getenv("NO_COLOR")
  local shown = display.open {
    quiet = flags.quiet, is_terminal = environment.draws,
    has_color = no_color == nil or no_color == "",
  }
  watch(shown)
  shown:close()
  return assert(engine.run_end())
end

local function exit_code(outcome)
  if outcome.signal then
    return 128 + outcome.signal
  elseif not outcome.error then
    return 0
  end
  return outcome.error.is_setup and 2 or 1
end

local function tell_json(outcome, flags)
  local json = require "mrlua.json"
  local object = { ok = not outcome.error and not outcome.signal, seconds = outcome.seconds }
  if outcome.error then
    object.error = failure.object(outcome.error)
  elseif outcome.signal then
    object.error = { kind = "interrupted", message = "interrupted" }
  else
    object.output, object.job, object.counters = outcome.output, outcome.job, outcome.counters
    object.plan, object.parts = outcome.plan, setmetatable(outcome.parts, json.list)
    object.input_bytes, object.records, object.bytes =
      outcome.input_bytes, outcome.records, outcome.bytes
  end
  local file = flags.output and io.stdout or io.stderr
  file:write(json.encode(object), "\n")
end

local function tell(outcome, flags, environment)
  if outcome.error then
    io.stderr:write(failure.text(outcome.error))
  elseif outcome.signal then
    io.stderr:write("mrlua: interrupted\n")
  elseif environment.draws and not flags.quiet and not flags.json then
    io.stderr:write(progress.summary(outcome), "\n")
  end
  if flags.json then
    tell_json(outcome, flags)
  end
  return exit_code(outcome)
end

local function set_up_failed(fault, flags)
  fault.is_setup = true
  return tell({ error = fault, seconds = 0.0 }, flags, {})
end

local function main(argv)
  local flags, message = run_options.parse(argv)
  if not flags then
    return usage.complain("run", message)
  elseif flags.help then
    io.stdout:write(flags.help, "\n")
    return 0
  end
  local built, fault
  built, message = bundle.build(flags.job)
  if not built then
    return set_up_failed({ kind = "setup", message = message }, flags)
  end
  local view
  view, fault = load_job(built, flags)
  if not view then
    return set_up_failed(fault, flags)
  end
  local environment = assert(engine.environment())
  local term = os.getenv("TERM") or "dumb"
  environment.draws = environment.stderr_is_terminal and term ~= "" and term ~= "dumb"
  local outcome = run(config_of(built, view, flags, environment), flags, environment)
  return tell(outcome, flags, environment)
end

return main

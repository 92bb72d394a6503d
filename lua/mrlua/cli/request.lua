--- From flags and a job file to what the engine is asked for; the same for `run` and `submit`.
--
--     local request, fault = request.make(flags, "run")
--
-- The bundle (job file and modules) is read here; what the job's table says is asked of a
-- sandboxed process, on this machine, whoever runs the job later.

local bundle = require "mrlua.bundle"
local engine = require "mrlua.engine"
local files = require "mrlua.files"
local formats = require "mrlua.formats"
local job_inputs = require "mrlua.cli.job_inputs"
local outputs = require "mrlua.outputs"
local reuse = require "mrlua.cli.reuse"
local size = require "mrlua.size"

local request = {}

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

local function config_of(built, view, flags, side_files, paths, groups)
  local limits = limits_of(flags, view.limits)
  return {
    bundle = built, view = view, params = view.params or {}, files = side_files,
    unsafe = view.unsafe and flags.allow_unsafe or false,
    job_name = view.name or built.path:match("([^/]*)%.lua$") or built.path,
    inputs = paths, input_groups = groups, input = view.input,
    -- what goes to standard output is read by people and pipes
    output_format = flags.output and view.output or formats.plain(view.output),
    output = flags.output, overwrite = flags.overwrite or false,
    shuffle = flags.shuffle or "local", reuse = flags.reuse or false,
    reducers = choose(flags.reducers, view.reducers, 0),
    split_bytes = choose(flags.split_bytes, nil, 0),
    sort_buffer_bytes = choose(flags.sort_buffer_bytes, nil, 0),
    attempts = choose(flags.attempts, view.attempts, 4), skip_bad = view.skip_bad or 0,
    memory_bytes = limits.memory_bytes, progress_ms = limits.progress_ms,
    record_ms = limits.record_ms,
  }
end

--- What a step of a job is asked for, when it is run as a job of its own.
-- @tparam table config  of the whole job
-- @tparam table view    of the step, with its `call` (mrlua.pipeline)
-- @treturn table        with the inputs of the job, without output of its own
function request.of_step(config, view, flags)
  local step = config_of(config.bundle, view, flags, config.files, config.inputs,
    config.input_groups)
  step.unsafe, step.job_name = config.unsafe, config.job_name
  if not view.reduce then
    step.reducers = 0
  end
  return step
end

--- Reads and checks the job of these flags.
-- @tparam table flags     its file is `job`; or it is here already, as a `bundle`
-- @tparam string command  whose they are, for messages; "run" may read standard input
-- @treturn table  what engine/cli/run_config.c reads, but for what only one machine has
-- @return         or nil and the fault: { kind, message, detail }
function request.make(flags, command)
  local built, message = flags.bundle
  if not built then
    built, message = bundle.build(flags.job)
  end
  if not built then
    return nil, { kind = "setup", message = message }
  end
  local view, fault = load_job(built, flags)
  if not view then
    return nil, fault
  end
  if flags.reducers and not view.reduce and not view.drive then
    return nil, { kind = "setup", message = ("%s has no reduce, so --reducers says nothing: its "
      .. "parts are those of its maps (--split-size)"):format(built.path) }
  end
  if view.outputs and not flags.output then
    local names = table.concat(outputs.names(view.outputs), ", ")
    return nil, { kind = "setup", message = ("%s has further outputs (%s), and standard output is "
      .. "one: give -o DIR"):format(built.path, names) }
  end
  local problem = flags.reuse and reuse.problem(view, built.path)
  if problem then
    return nil, { kind = "setup", message = problem }
  end
  local side_files
  side_files, message = files.resolve(view.files or {}, flags.files or {}, built.path)
  if not side_files then
    return nil, { kind = "setup", message = message }
  end
  local paths, groups = job_inputs.choose(view, flags, built.path, command)
  if not paths then
    return nil, { kind = "setup", message = groups }
  end
  return config_of(built, view, flags, side_files, paths, groups)
end

return request

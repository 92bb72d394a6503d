--- `mrlua replay JOB/TASK`: what failed, again, here; with --debug a prompt where it raised.
--
-- Exit codes: 0 it failed again, 1 it did not, or could not be tried, 2 usage, no such capsule.

local capsule_text = require "mrlua.cli.capsule_text"
local capsules = require "mrlua.capsule"
local cluster_options = require "mrlua.cli.cluster_options"
local convert = require "mrlua.cli.convert"
local engine = require "mrlua.engine"
local failure = require "mrlua.cli.failure"
local past = require "mrlua.cli.past"
local printable = require "mrlua.printable"
local prompt = require "mrlua.repl.prompt"
local replay = require "mrlua.replay"
local stack = require "mrlua.stack"
local trail_files = require "mrlua.cli.trail_files"
local usage = require "mrlua.cli.usage"

local BANNER = "names are those of the marked frame: up(), down(), where(), vars(); Ctrl-D ends\n"
local HELP = [[
Lua in the marked frame: its variables can be read and assigned. exit or Ctrl-D ends it.
where()          the frames           vars()  the variables of the marked one
up()  down()     marks the caller, the called one
]]
local KILLED_SECONDS = 10.0 -- of a record on which a process was killed: it may not end

local function new_parser()
  local parser = usage.parser("replay", "Does a failed attempt again, here, up to where it failed:"
    .. " loads the job from the capsule that it left, calls setup, reads the same input and maps"
    .. " its records up to the bad one; of a reduce, the key with the values it had taken. Tells"
    .. " the error, and the locals of each function. With --debug a prompt opens there.")
  parser:usage("Usage: mrlua replay JOB/TASK [--debug] [--json] [--limit-seconds S] [--tmp DIR]\n"
    .. "              [--master HOST:PORT] [--key-file FILE]\n"
    .. "       mrlua replay FILE [--debug] ...")
  parser:argument("JOB/TASK", "What the error message says: r17/m3 is map 3 of a run of this"
    .. " machine, 17/r0 reduce 0 of job 17 of the master, 17/2.m3 map 3 of its second step, last/m3"
    .. " map 3 of the newest of both. Or a file, a capsule."):target("capsule")
  parser:flag("--debug", "A prompt in the locals of the function that raised: read and assign"
    .. " them, call the job's functions; up(), down(), where(), vars(). Ctrl-D ends it.")
  parser:option("--limit-seconds", "The most that it may take of the processor (default: no limit,"
    .. " but 10 where the attempt was killed, for that may not end)."):argname("S")
    :convert(convert.seconds)
  parser:flag("--allow-unsafe", "Let a job that says `unsafe = true` have all of Lua's libraries.")
  parser:option("--tmp", "Where copies of objects in Cloud Storage go."):argname("DIR")
  cluster_options.add(parser)
  usage.section(parser, "Other")
  parser:flag("--json", "One line of JSON; no prompt.")
  parser:flag("-h --help", "This text.")
  parser:epilog("What differs from the attempt: it runs in this process, without sandbox and"
    .. " limits, so replay only what you trust. Nothing is sorted, combined or written, so a"
    .. " failure of the engine does not come again; pairs() may have another order. Where the input"
    .. " is not there, the record in the capsule has to do, and what earlier records left in"
    .. " variables is missing.")
  return usage.examples(parser, {
    { "mrlua replay r17/m3 --debug", "a prompt in the locals of what failed in map 3 of a run" },
    { "mrlua replay 17/r0", "the same of a job of the master, told without a prompt" },
  })
end

-- "last/m0" by the name of the newest job, others as they are; or nil and the fault.
local function resolve(flags)
  local job, task = flags.capsule:match "^(last)(/?.*)$"
  if not job or task ~= "" and task:sub(1, 1) ~= "/" then
    return flags.capsule
  end
  local name, fault = past.trail_name(flags, job)
  return name and name .. task, fault
end

-- The capsule that is meant; or nil and the fault.
local function find(flags)
  local name, unknown = resolve(flags)
  if not name then
    return nil, unknown
  end
  local about = trail_files.task(name)
  local args = { path = name }
  if about then
    local found, fault = trail_files.capsule(about, flags)
    if not found then
      return nil, fault
    end
    args = { bytes = found.bytes }
  end
  local capsule, fault = capsules.of(assert(engine.capsule_read(args)))
  if not capsule then
    if not about and not name:find "/" and trail_files.job(name) then
      fault.message = ("%s is a job: give a task of it, as in %s/m0"):format(name, name)
    end
    return nil, fault
  end
  return capsule
end

-- An iterator over the attempt's input; or nil and why it is not there.
local function records_of(capsule, tmp)
  local pieces, number = capsule.attempt.pieces, 1
  if not pieces then
    return nil, "it had none"
  elseif (capsule.attempt.first_piece or 0) > 0 then
    return nil, "it had more files than the capsule names"
  end
  local function open()
    return assert(engine.replay_open { capsule = number == 1 and capsule or nil, piece = number,
      tmp = tmp }).error
  end
  local fault = open()
  if fault then
    return nil, fault.message
  end
  return function()
    while true do
      local record = assert(engine.replay_next())
      if record.error then
        error(record.error.message, 0)
      elseif not record.ended then
        return record.key, record.value
      end
      number = number + 1
      if number > #pieces then
        return nil
      end
      fault = open()
      if fault then
        error(fault.message, 0)
      end
    end
  end
end

local function say(...)
  io.stdout:write(printable.lines((...):format(select(2, ...))), "\n")
end

-- What is done, before it is done.
local function announce(capsule, missing)
  local attempt = capsule.attempt
  local where = attempt.scene and attempt.scene.hand and attempt.scene.hand.where
  say("%s %d of job %s (%s), in %s", attempt.stage, attempt.task, capsule.job.id, capsule.job.name,
    where or attempt.phase or "its process")
  if attempt.stage == "map" and missing then
    say("its input is not there (%s): only the record in the capsule, without what earlier ones"
      .. " left", missing)
  end
end

local function open_prompt(outcome)
  local frames = stack.new()
  say("%s", outcome.message)
  if not frames then
    say "no function of the job was running"
    return
  end
  io.stdout:write(frames:text(), frames:variables_text())
  io.stdout:flush()
  local code, message = prompt.run {
    env = frames:globals(_G), prompt = "debug> ", banner = BANNER,
    help = HELP,
  }
  if not code then
    io.stderr:write("mrlua: ", message, "\n")
  end
end

local function json_text(outcome, capsule)
  local json = require "mrlua.json"
  for _, frame in ipairs(outcome.frames or {}) do
    setmetatable(frame.locals, json.list)
    setmetatable(frame.upvalues, json.list)
  end
  return json.encode {
    ok = outcome.has_raised, is_same = outcome.is_same, message = outcome.message,
    record = outcome.number, frames = setmetatable(outcome.frames or {}, json.list),
    expected = capsule.error.message,
  }
end

local function tell(outcome, capsule, flags)
  if flags.json then
    io.stdout:write(json_text(outcome, capsule), "\n")
  elseif not outcome.has_raised then
    say("it did not fail here; the attempt did: %s", capsule.error.message)
  elseif not flags.debug then
    say("%s", outcome.message)
    io.stdout:write(capsule_text.frames(outcome.frames))
  end
  if outcome.has_raised and not outcome.is_same and not flags.json then
    say("the attempt had failed otherwise: %s", capsule.error.message)
  end
end

local function run(capsule, flags)
  local possible, why = replay.is_possible(capsule)
  if not possible then
    io.stdout:write(flags.json and "" or capsule_text.of(capsule))
    return failure.tell({ kind = "input", message = "this cannot be done again: " .. why }, flags)
  end
  if capsule.attempt.unsafe and not flags.allow_unsafe then
    return failure.tell({ kind = "setup", is_setup = true, message = ("job %s says unsafe = true:"
      .. " it wants all of Lua's libraries; if you trust it, give --allow-unsafe")
      :format(capsule.job.id) }, flags)
  end
  local records, missing = records_of(capsule, flags.tmp)
  local is_killed = not (capsule.attempt.scene and capsule.attempt.scene.hand)
  if not flags.json then
    announce(capsule, missing)
  end
  local outcome = replay.run(capsule, {
    records = records, seconds = flags.limit_seconds or is_killed and KILLED_SECONDS or nil,
    print = flags.json and function() end or print,
    on_error = flags.debug and not flags.json and open_prompt or nil,
  })
  tell(outcome, capsule, flags)
  return outcome.has_raised and 0 or 1
end

local function act(flags)
  local capsule, fault = find(flags)
  if not capsule then
    return failure.tell(fault, flags)
  end
  return run(capsule, flags)
end

return usage.command("replay", new_parser, act, function(argv)
  return cluster_options.parse(new_parser(), argv)
end)

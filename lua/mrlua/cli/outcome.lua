--- How a job ended, told to people, programs and the shell; the same for `run` and `submit`.
--
-- An outcome is what `engine.run_end()` answers:
--
--     { seconds, error = {kind, message, detail, is_setup} }       it failed
--     { seconds, signal = 2 }                                      it was interrupted
--     { seconds, job, output, input_bytes, records, bytes, plan, parts, counters, skew,
--       effort, steps }
--
-- where `steps` is how many steps there were, of a job of several; the rest is of the last one.
-- With late_signal it was interrupted when the output was committed already.
--
-- Exit codes: 0 done, 1 the job failed, 2 usage or set-up, 130 interrupted (143: SIGTERM).

local failure = require "mrlua.cli.failure"
local printable = require "mrlua.printable"
local progress = require "mrlua.progress"
local skew = require "mrlua.skew"

local outcome = {}

function outcome.exit_code(ended)
  if ended.signal then
    return 128 + ended.signal
  elseif not ended.error then
    return 0
  end
  return ended.error.is_setup and 2 or 1
end

-- Lines as a list; nil: there are none.
local function bad_list(text, metatable)
  if text then
    local list = {}
    for line in text:gmatch("[^\n]+") do
      list[#list + 1] = line
    end
    return setmetatable(list, metatable)
  end
end

--- The table that `--json` prints.
function outcome.object(ended)
  local json = require "mrlua.json"
  local object = { ok = not ended.error and not ended.signal, seconds = ended.seconds,
    id = ended.id }
  if ended.error then
    object.error = failure.object(ended.error)
  elseif ended.signal then
    object.error = { kind = "interrupted", message = "interrupted" }
  else
    object.output, object.job, object.counters = ended.output, ended.job, ended.counters
    object.plan, object.parts = ended.plan, setmetatable(ended.parts, json.list)
    object.steps, object.reused = ended.steps, ended.reused
    object.input_bytes, object.records, object.bytes = ended.input_bytes, ended.records, ended.bytes
    object.skew = skew.object(ended.skew)
    object.summary = require("mrlua.summary").object(ended)
    object.bad_records = bad_list(ended.bad_records, json.list)
  end
  return object
end

-- What came out lacks these records: that is told to whoever reads it. With an output they stand in
-- a file; what a step was without stands nowhere else.
local function bad_text(ended)
  local count = ended.bad_count or ended.counters.bad_records or 0
  if count == 0 then
    return ""
  end
  local text = count == 1 and "1 bad record was set aside"
    or ("%d bad records were set aside"):format(count)
  if ended.output and not ended.steps then
    return ("mrlua: %s: %s/_bad.jsonl\n"):format(text, (ended.output:gsub("/*$", "")))
  end
  return ("mrlua: %s:\n%s"):format(text, printable.lines(ended.bad_records or ""))
end

-- Advice is for who does not watch, too: it is told wherever it is read.
local function tell_done(ended, environment)
  io.stderr:write(bad_text(ended))
  for _, line in ipairs(skew.advice_lines(ended.skew or {})) do
    io.stderr:write(line, "\n")
  end
  local reused = progress.reused_line(ended)
  if environment.draws then
    for _, line in ipairs(require("mrlua.summary").lines(ended, environment.columns)) do
      io.stderr:write(line, "\n")
    end
    io.stderr:write(progress.summary(ended), "\n")
  elseif reused then
    io.stderr:write(reused, "\n")
  end
end

--- Tells it on standard error and, for `--json`, as a line on standard output (on standard error
-- when that has the records).
-- @tparam table ended
-- @tparam table flags         json, quiet, output
-- @tparam table environment   draws: there is a terminal that sees the summary; its columns
-- @tparam ?string interrupted what to say of a signal
-- @treturn integer            the exit code
function outcome.tell(ended, flags, environment, interrupted)
  if ended.error then
    io.stderr:write(failure.text(ended.error))
  elseif ended.signal then
    io.stderr:write("mrlua: ", interrupted or "interrupted", "\n")
  elseif not flags.quiet and not flags.json then
    tell_done(ended, environment)
  end
  if flags.json then
    local file = flags.output and io.stdout or io.stderr
    file:write(require("mrlua.json").encode(outcome.object(ended)), "\n")
  end
  return outcome.exit_code(ended)
end

--- Tells that nothing was started.
function outcome.tell_set_up(fault, flags)
  fault.is_setup = true
  return outcome.tell({ error = fault, seconds = 0.0 }, flags, {})
end

return outcome

--- `mrlua check JOB.lua`: what can be found in a job without running it (mrlua.check).
--
-- It is loaded first in a sandboxed process, as every job is; then its functions are called in
-- this one, inside the inner wall of mrlua.sandbox alone. What Lua does there has a limit of
-- instructions; a library's function that does not come back is ended with this process, by a
-- watchdog that has the last word (engine/cli/watchdog.h).
--
-- Exit codes: 0 nothing found, 1 something was, 2 usage, or a file cannot be read.

local bundle = require "mrlua.bundle"
local check = require "mrlua.check"
local engine = require "mrlua.engine"
local failure = require "mrlua.cli.failure"
local files = require "mrlua.files"
local job_options = require "mrlua.cli.job_options"
local convert = require "mrlua.cli.convert"
local printable = require "mrlua.printable"
local samples = require "mrlua.check.samples"
local usage = require "mrlua.cli.usage"

local SECONDS <const> = 30
local MEMORY_BYTES <const> = 2 << 30

local function new_parser()
  local parser = job_options.parser("check", "Finds what can be found in a job without running it:"
    .. " unknown fields, globals that are not there, a map that answers differently each time, a"
    .. " combiner that changes the result.",
    "A sample: the first 200 records of a plain file, or of the first one of a folder or a pattern,"
    .. " are tried; without it, invented ones.")
  parser:usage("Usage: mrlua check JOB.lua [INPUT] [--param NAME=VALUE] [flags]")
  job_options.add_inputs(parser)
  usage.section(parser, "Messages")
  parser:flag("--json", "One line of JSON.")
  usage.section(parser, "Limits")
  parser:option("--limit-seconds", ("Longest time of it all (default: %d)."):format(SECONDS))
    :argname("S"):convert(convert.seconds)
  usage.section(parser, "Other")
  parser:flag("-h --help", "This text.")
  parser:epilog("Exit codes: 0 nothing found, 1 something was, 2 usage, or a file cannot be read.")
  return usage.examples(parser, {
    { "mrlua check jobs/wordcount.lua", "with invented lines" },
    { "mrlua check jobs/grep.lua --param pattern=main README.md", "with the lines of a file" },
    { "mrlua check jobs/join.lua --input users=/etc/passwd --json", "for a program" },
  })
end

-- ---- samples ----

local function is_plain(path)
  return path ~= "-" and not path:find "^%a+://" and not path:find "%.gz$"
    and not path:find "%.zst$"
end

-- Once: it may be a pipe. Nothing, a message, and whether it was opened, as a folder can be.
local function read_file(path)
  local file <close>, message = io.open(path, "rb")
  if not file then
    return nil, message, false
  end
  local text, why = file:read(samples.BYTES_MAX)
  if why then
    return nil, ("%s: %s"):format(path, why), true
  end
  return { path = path, text = text or "", is_whole = file:read(0) == nil }
end

-- The first plain file of a folder or a pattern.
local function find_plain(path)
  local answer = assert(engine.look_open { inputs = { path } })
  engine.look_close()
  if answer.error then
    return nil, answer.error.message
  end
  for _, name in ipairs(answer.names) do
    if is_plain(name) then
      return name
    end
  end
  return nil, path .. " has no plain file: a sample is one"
end

local function read_sample(path)
  if not is_plain(path) then
    return nil, path .. " is no plain file: a sample is one"
  end
  local sample, message, is_open = read_file(path)
  if sample or not is_open and not path:find "[*?%[]" then
    return sample, message
  end
  local name
  name, message = find_plain(path)
  if not name then
    return nil, message
  end
  return read_file(name)
end

-- Of each input the first file that is named.
local function read_samples(flags)
  local named = flags.inputs[1] and { { "", flags.inputs[1] } } or {}
  table.move(flags.named_inputs or {}, 1, #(flags.named_inputs or {}), #named + 1, named)
  local read = {}
  for _, pair in ipairs(named) do
    local message
    if not read[pair[1]] then
      read[pair[1]], message = read_sample(pair[2])
      if message then
        return nil, message
      end
    end
  end
  return read
end

-- ---- telling ----

local function finding_text(one)
  local lines = { ("%s:%d: %s"):format(one.file, one.line, one.what) }
  for _, line in ipairs(one.shown or {}) do
    lines[#lines + 1] = "      " .. line
  end
  lines[#lines + 1] = "  why: " .. one.why
  lines[#lines + 1] = "  do:  " .. one.fix
  return table.concat(lines, "\n") .. "\n"
end

local function counted_text(counted)
  local text = ("%d records"):format(counted.records)
  text = ("%s, %d emitted"):format(text, counted.emits)
  if counted.trials == 0 then
    return text
  end
  return ("%s, combine tried %s"):format(text, counted.trials == 1 and "once"
    or ("%d times"):format(counted.trials))
end

local function report_text(path, report)
  local texts = {}
  for i, one in ipairs(report.findings) do
    texts[i] = finding_text(one)
  end
  for _, note in ipairs(report.notes) do
    texts[#texts + 1] = ("note: %s\n"):format(note)
  end
  local count = #report.findings
  texts[#texts + 1] = ("%s: %s%s\n"):format(path,
    count == 0 and (report.notes[1] and "nothing found for certain" or "nothing found")
    or count == 1 and "1 mistake" or ("%d mistakes"):format(count),
    report.counted and (" (%s)"):format(counted_text(report.counted)) or "")
  return printable.lines(table.concat(texts)) -- errors and records may be anything
end

local function report_json(path, report)
  local json = require "mrlua.json"
  for _, one in ipairs(report.findings) do
    one.shown = one.shown and setmetatable(one.shown, json.list)
  end
  return json.encode {
    ok = #report.findings == 0, job = path, findings = setmetatable(report.findings, json.list),
    notes = setmetatable(report.notes, json.list), counted = report.counted,
  } .. "\n"
end

local function text_of(flags, report)
  return (flags.json and report_json or report_text)(flags.job, report)
end

local function tell(flags, report)
  io.stdout:write(text_of(flags, report))
  return #report.findings == 0 and 0 or 1
end

local function complain(message, flags)
  return failure.tell({ kind = "setup", message = message, is_setup = true }, flags)
end

-- ---- the command ----

-- What the watchdog says when it ends this process.
local function set_watchdog(flags, path)
  local seconds = flags.limit_seconds or SECONDS
  assert(engine.watchdog {
    milliseconds = math.ceil(seconds * 1000), memory_bytes = MEMORY_BYTES,
    text = text_of(flags, { notes = {}, findings = { {
      kind = "endless", file = path, line = 1,
      what = ("one of its functions did not come back within %g s"):format(seconds),
      why = "the attempt would be killed, several times, and then the job ends",
      fix = "look for a pattern that tries too much (like '.-.-.-x'), or a huge string.rep()",
    } } }),
  })
end

local function act(flags)
  local built, message = bundle.build(flags.job)
  if not built then
    return complain(message, flags)
  end
  local read
  read, message = read_samples(flags)
  if not read then
    return complain(message, flags)
  end
  local answer = assert(engine.load_job { bundle = built, params = flags.params, unsafe = false })
  if answer.error and answer.error.message:find "%-%-param" then
    return complain(answer.error.message, flags) -- the job is right, the command line is not
  elseif answer.error then
    return tell(flags, check.unloaded(built, answer.error.message))
  end
  local paths
  paths, message = files.resolve(answer.view.files or {}, flags.files, built.path)
  if not paths then
    return complain(message, flags)
  end
  set_watchdog(flags, built.path)
  return tell(flags, check.job { bundle = built, view = answer.view, params = flags.params,
    paths = paths, samples = read })
end

return usage.command("check", new_parser, act, function(argv)
  return job_options.parse(new_parser(), argv)
end)

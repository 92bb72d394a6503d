--- `mrlua logs JOB`: what the functions of a job have printed, attempt by attempt
-- (engine/master/job_trail.h).

local cluster_options = require "mrlua.cli.cluster_options"
local failure = require "mrlua.cli.failure"
local past = require "mrlua.cli.past"
local printable = require "mrlua.printable"
local trail_files = require "mrlua.cli.trail_files"
local usage = require "mrlua.cli.usage"

local STAGES = { p = "plan", s = "sample", m = "map", r = "reduce", d = "driver" }
local ESCAPES = { n = "\n", r = "\r", ["\\"] = "\\" }

local function convert_task(text)
  if not trail_files.is_task(text) then
    return nil, ("'%s' is no task: m3 is map 3, r0 reduce 0, 2.m3 map 3 of step 2"):format(text)
  end
  return text
end

local function new_parser()
  local parser = usage.parser("logs", "Prints what the functions of a job have printed, attempt by"
    .. " attempt, in the order in which these began to print.")
  parser:usage("Usage: mrlua logs JOB [--task TASK] [--json] [--master HOST:PORT]"
    .. " [--key-file FILE]")
  parser:argument("JOB", past.WHAT):target("job").completes = "past"
  parser:option("--task", "Only of this one: m3 is map 3, r0 reduce 0, 2.m3 map 3 of step 2.")
    :argname("TASK")
    :convert(convert_task)
  cluster_options.add(parser)
  usage.section(parser, "Other")
  parser:flag("--json", "A line of JSON for each attempt.")
  parser:flag("-h --help", "This text.")
  parser:epilog("An attempt prints 64 KB at most, a job 16 MB; a line says so where the rest is"
    .. " cut. The newest 100 jobs that left something are kept. Lines that were on their way when"
    .. " the connection of a worker broke are not there.")
  return usage.examples(parser, {
    { "mrlua logs r17 --task m3", "what map 3 of a run of this machine has printed" },
    { "mrlua logs last", "all of the newest job, of the master or of this machine" },
    { "mrlua logs 17 --json", "all of a job of the master, for a program" },
  })
end

local function unescape(text)
  return (text:gsub("\\(.)", ESCAPES))
end

--- The log of a job, as its attempts: { task, attempt, lines }, in the order of their first lines.
-- @tparam string text
-- @tparam ?string task  only of this one
local function attempts_of(text, task)
  local list, by_name = {}, {}
  for name, line in text:gmatch "([^\t\n]*)\t([^\n]*)\n" do
    local of_task, attempt = name:match "^([%w.]+)%-(%d+)$"
    local is_whole = of_task and trail_files.is_task(of_task)
      and trail_files.attempt_number(attempt)
    if is_whole and (not task or task == of_task) then
      if not by_name[name] then
        by_name[name] = { task = of_task, attempt = math.tointeger(tonumber(attempt)), lines = {} }
        list[#list + 1] = by_name[name]
      end
      table.insert(by_name[name].lines, unescape(line))
    end
  end
  return list
end

-- `number_of_task`: how many of the task's attempts have printed so far. Its own number counts all
-- attempts that its master ever began, which says nothing here.
local function title_of(attempt, number_of_task)
  local step, letter, number = attempt.task:match "^(%d*)%.?(%a)(%d+)$"
  return ("== %s%s %s, attempt %d\n"):format(step ~= "" and "step " .. step .. ", " or "",
    STAGES[letter] or "task", number, number_of_task)
end

local function tell(list, flags)
  local json = flags.json and require "mrlua.json"
  local counts = {}
  for _, attempt in ipairs(list) do
    counts[attempt.task] = (counts[attempt.task] or 0) + 1
    if json then
      attempt.lines = setmetatable(attempt.lines, json.list)
      io.stdout:write(json.encode(attempt), "\n")
    else
      io.stdout:write(title_of(attempt, counts[attempt.task]))
      for _, line in ipairs(attempt.lines) do
        io.stdout:write(printable.lines(line), "\n")
      end
    end
  end
end

local function act(flags)
  local text
  local name, fault = past.trail_name(flags, flags.job)
  if name then
    text, fault = trail_files.read(trail_files.job(name), "log", flags)
  end
  if text == nil then
    return failure.tell(fault, flags)
  end
  local list = attempts_of(text or "", flags.task)
  if #list == 0 and not flags.json then
    io.stderr:write(("mrlua: nothing was printed%s\n"):format(flags.task and " there" or ""))
  end
  tell(list, flags)
  return 0
end

local command = usage.command("logs", new_parser, act, function(argv)
  return cluster_options.parse(new_parser(), argv)
end)
command.attempts_of = attempts_of
return command

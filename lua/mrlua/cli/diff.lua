--- `mrlua diff JOB1 JOB2`: what differs between two jobs, whoever remembers them.
--
-- Exit codes, as those of diff(1): 0 the same, 1 they differ, 2 there is no such job, no answer,
-- or the command line is wrong. Times alone are no difference.

local cluster_options = require "mrlua.cli.cluster_options"
local failure = require "mrlua.cli.failure"
local history_diff = require "mrlua.history_diff"
local history_text = require "mrlua.history_text"
local past = require "mrlua.cli.past"
local usage = require "mrlua.cli.usage"

local function new_parser()
  local parser = cluster_options.parser("diff", "Compares two jobs: params, source, inputs,"
    .. " options, results, counters, and the time of each phase.")
  parser:usage("Usage: mrlua diff JOB1 JOB2 [--json] [--master HOST:PORT] [--key-file FILE]")
  parser:argument("JOB1", "The old one: " .. past.WHAT):target("old")
  parser:argument("JOB2", "The new one."):target("new")
  parser:epilog("Only what differs is told, and the times of both. Exit codes: 0 the same but for"
    .. " times, 1 they\ndiffer, 2 usage, no such job, no answer.")
  return usage.examples(parser, {
    { "mrlua diff 17 18", "two jobs of the master" },
    { "mrlua diff r4 last", "a run of this machine and the newest job" },
    { "mrlua diff out-monday out-tuesday", "the jobs that wrote two outputs" },
  })
end

local function act(flags)
  local old, new, fault
  old, fault = past.find(flags, flags.old)
  if old then
    new, fault = past.find(flags, flags.new)
  end
  if not new then
    failure.tell(fault, flags)
    return usage.EXIT_CODE
  end
  local diff = history_diff.compare(old, new)
  if flags.json then
    io.stdout:write(require("mrlua.json").encode(history_diff.object(diff, old, new)), "\n")
  else
    for _, line in ipairs(history_text.diff(diff, old, new)) do
      io.stdout:write(line, "\n")
    end
  end
  return history_diff.is_same(diff) and 0 or 1
end

return usage.command("diff", new_parser, act, function(argv)
  return cluster_options.parse(new_parser(), argv)
end)

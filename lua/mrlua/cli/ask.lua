--- One question to the master, for the commands that have nothing else to do.
--
--     return ask.command("jobs", parser, engine.job_list, tell)
--
-- `tell(answer, flags)` writes it for people; `--json` prints `answer` as it is. Exit codes: 0
-- answered, 1 there is no answer, 2 usage, no master, a wrong key, no such job.

local cluster_options = require "mrlua.cli.cluster_options"
local failure = require "mrlua.cli.failure"
local skew = require "mrlua.skew"
local usage = require "mrlua.cli.usage"

local ask = {}

-- Lists are the one thing that a table alone does not tell when it is empty.
local function json_text(answer)
  local json = require "mrlua.json"
  for _, name in ipairs { "jobs", "workers", "stages" } do
    if answer[name] then
      setmetatable(answer[name], json.list)
    end
  end
  for _, told in ipairs { answer, answer.outcome } do
    told.skew = skew.object(told.skew)
  end
  return json.encode(answer)
end

--- What such a command does.
-- @tparam function question   of mrlua.engine: flags in, the answer or { error } out
-- @tparam function tell
-- @treturn function           of the flags; answers the exit code
function ask.act(question, tell)
  return function(flags)
    local args = cluster_options.address(flags)
    args.job = flags.job
    local answer = assert(question(args))
    if answer.error then
      local fault = answer.error
      if flags.job then
        fault = require("mrlua.cli.past").hint(fault, flags.job)
      end
      return failure.tell(fault, flags)
    elseif flags.json then
      io.stdout:write(json_text(answer), "\n")
    else
      tell(answer, flags)
    end
    return 0
  end
end

--- What the module of such a command returns.
-- @tparam string name
-- @tparam function new_parser
function ask.command(name, new_parser, question, tell)
  return usage.command(name, new_parser, ask.act(question, tell), function(argv)
    return cluster_options.parse(new_parser(), argv)
  end)
end

return ask

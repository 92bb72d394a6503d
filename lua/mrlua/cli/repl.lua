--- `mrlua repl`: a Lua prompt (mrlua.repl.prompt) with `mr` (mrlua.repl.mr), on a master or, where
-- none answers, on this machine.

local cluster = require "mrlua.repl.cluster"
local cluster_options = require "mrlua.cli.cluster_options"
local here = require "mrlua.repl.here"
local mr = require "mrlua.repl.mr"
local prompt = require "mrlua.repl.prompt"
local usage = require "mrlua.cli.usage"

local BANNER = "mrlua: %s.\n%s and mr: mr.jobs(), mr.run{...}; Tab completes, Ctrl-D ends it.\n"
local HELP = [[
Lua, line by line; an expression is shown, and _ is the last one. exit or Ctrl-D ends it.
mr.sample(PATH, n)   the first records of an input
mr.run(JOB, {...})   runs a job, a table or the path of a file, and waits: inputs = { PATH, ... }
mr.submit            the same, and does not wait
mr.lines(PATH)       lines as a chain of maps and reduces
mr.jobs()  mr.job(ID)  mr.status(ID)  mr.workers()
]]
local NEWS_EVERY = 5 -- polls, of which there are ten a second

local function new_parser()
  local parser = usage.parser("repl", "A Lua prompt: jobs with functions that are typed there, and"
    .. " their results. mr.jobs(), mr.workers(), mr.sample(INPUT), mr.run{...}, mr.submit{...}."
    .. " Tab completes names, and paths in strings; Ctrl-C clears the line or interrupts; Ctrl-D"
    .. " ends it.")
  parser:usage("Usage: mrlua repl [--local] [--master HOST:PORT] [--key-file FILE]")
  parser:flag("--local", "Run jobs on this machine, whether a master answers or not.")
    :target("is_local")
  cluster_options.add(parser)
  parser:flag("-h --help", "This text.")
  parser:epilog("Where no master answers, jobs run on this machine, too; with --master that is an"
    .. " error. On a pipe lines are read as they come; the exit code is 1 if any was wrong. What is"
    .. " local ends with its line.")
  return usage.examples(parser, {
    { "mrlua repl", "on the master of this machine or at $MRLUA_MASTER, else without one" },
    { [[echo 'mr.sample("logs/*.gz", 3)' | mrlua repl --local]], "the beginning of an input" },
  })
end

local function parse(argv)
  local flags, message = usage.parse(new_parser(), argv)
  if not flags or flags.help then
    return flags, message
  end
  flags.is_explicit = flags.master ~= nil
  return cluster_options.complete(flags, os.getenv("MRLUA_MASTER"))
end

-- Where jobs run, and what the banner says of it; or nil and one line.
local function choose(flags)
  if flags.is_local then
    return here.new(), "jobs run on this machine"
  end
  local target, message = cluster.open(flags)
  if target then
    return target, ("jobs run on the master at %s"):format(flags.master)
  elseif flags.is_explicit then
    return nil, message
  end
  return here.new(), ("no master answers at %s: jobs run on this machine"):format(flags.master)
end

-- Every half second it is asked; a master that does not answer is told once.
local function news_of(target)
  local count, is_away = 0, false
  return target.news and function()
    count = count + 1
    if count % NEWS_EVERY ~= 0 then
      return nil
    end
    local ok, text = pcall(target.news, target)
    local was_away = is_away
    is_away = not ok
    if not ok then
      return not was_away and text .. "\n" or nil
    end
    return text
  end
end

local function names_of(target)
  return function()
    local names, ok, jobs = {}, pcall(target.jobs, target)
    for _, job in ipairs(ok and jobs or {}) do
      names[job.name] = true
    end
    local list = {}
    for name in pairs(names) do
      list[#list + 1] = name
    end
    return list
  end
end

local function act(flags)
  local target, told = choose(flags)
  if not target then
    io.stderr:write("mrlua: ", told, "\n")
    return usage.EXIT_CODE
  end
  local env = setmetatable({}, { __index = _G })
  env.mr = mr.new(target, env)
  local code, fault = prompt.run {
    env = env, help = HELP, banner = BANNER:format(told, _VERSION),
    complete = prompt.completer(env, names_of(target)), poll = news_of(target),
  }
  if not code then
    io.stderr:write("mrlua: ", fault, "\n")
    return 1
  end
  return code
end

return usage.command("repl", new_parser, act, parse)

--- `mrlua master`: the one process that schedules. It serves until SIGTERM, or with --once until
-- its first job has ended.
--
-- Exit codes: 0 ended as asked, 1 it failed (with --once: the job did), 2 usage or set-up.

local cluster_options = require "mrlua.cli.cluster_options"
local convert = require "mrlua.cli.convert"
local engine = require "mrlua.engine"
local usage = require "mrlua.cli.usage"

local DEFAULT_HTTP = "127.0.0.1:7080"

local function http_address(text)
  if text == "off" then
    return text
  end
  return convert.address(text)
end

local function new_parser()
  local parser = usage.parser("master", "Serves as the master of a cluster.")
  parser:usage("Usage: mrlua master [--listen HOST:PORT] [--state DIR] [flags]")
  parser:option("--listen", "Where workers and clients reach it; port 0 takes any (default:"
    .. " 127.0.0.1:7070)."):argname("HOST:PORT"):convert(convert.address)
  parser:option("--state", "Folder of its journal; one master at a time (default:"
    .. " $XDG_STATE_HOME/mrlua/master)."):argname("DIR"):convert(convert.path)
  parser:option("--http", "Where its page and /metrics are, on this machine only; off: nowhere"
    .. " (default: 127.0.0.1:7080, if that is free)."):argname("HOST:PORT"):convert(http_address)
  cluster_options.add_log(parser)
  parser:flag("--once", "End with the first job.")
  parser:flag("--fifo", "Slots go to jobs in the order they came, not in fair shares.")
  parser:option("--root", "Jobs read and write below this folder only."):argname("DIR")
    :convert(convert.path)
  usage.section(parser, "Who may talk to it")
  cluster_options.add_key_file(parser)
  cluster_options.add_tls(parser)
  usage.section(parser, "Other")
  parser:flag("-h --help", "This text.")
  return usage.examples(parser, {
    { "mrlua master", "on 127.0.0.1:7070, for this machine only" },
    { "mrlua master --listen 0.0.0.0:7070 --key-file cluster.key", "for a network, with TLS" },
    { "mrlua master --log json --state /var/lib/mrlua", "as a service" },
  })
end

local function act(flags)
  local state = flags.state or cluster_options.state_folder("master")
  if not state then
    return usage.complain("master", "neither --state nor HOME says where the journal is to be")
  end
  local log, complaint = cluster_options.log_format(flags, os.getenv("MRLUA_LOG"))
  if not log then
    return usage.complain("master", complaint)
  end
  local answer, why, kind = engine.master_serve {
    listen = flags.listen or cluster_options.DEFAULT_ADDRESS, state = state,
    key_file = flags.key_file, once = flags.once or false, root = flags.root,
    fifo = flags.fifo or false, log = log, tls = flags.tls or false,
    insecure_plain = flags.insecure_plain or false,
    http = flags.http ~= "off" and (flags.http or DEFAULT_HTTP) or nil,
    http_may_fail = not flags.http,
  }
  if not answer then
    io.stderr:write("mrlua: ", why, "\n")
    return kind == "setup" and 2 or 1
  end
  return answer.succeeded and 0 or 1
end

return usage.command("master", new_parser, act)

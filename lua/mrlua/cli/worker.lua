--- `mrlua worker`: runs attempts for a master. It serves until SIGTERM, then drains.
--
-- Exit codes: 0 ended as asked, 1 it failed, 2 usage or set-up.

local cluster_options = require "mrlua.cli.cluster_options"
local convert = require "mrlua.cli.convert"
local engine = require "mrlua.engine"
local preemption = require "mrlua.cli.preemption"
local usage = require "mrlua.cli.usage"

local SLOTS_MAX = 1024 -- two processes each
local DRAIN_SECONDS = 30

local function add_flags(parser)
  usage.section(parser, "This worker")
  parser:option("--slots", "Attempts at a time (default: the processors)."):argname("N")
    :convert(convert.integer_within(1, SLOTS_MAX))
  parser:option("--dir", "Folder for what maps leave and for scratch files; one worker at a time"
    .. " (default: $XDG_STATE_HOME/mrlua/worker)."):argname("DIR"):convert(convert.path)
  parser:option("--disk-limit", "Most that it may use of the disk (default: no limit).")
    :argname("SIZE"):target("disk_limit_bytes"):convert(convert.positive_size)
  parser:option("--drain", "After SIGTERM, how long attempts and fetches of others may go on"
    .. " (default: 30)."):argname("S"):convert(convert.seconds)
  parser:option("--preemption", "Who says that the machine is about to be taken away, which drains"
    .. " the worker within 25 s: gce, its metadata server; off, nobody; auto, gce on Compute"
    .. " Engine (default: auto)."):argname("WHO"):choices(preemption.MODES)
  cluster_options.add_log(parser)
  parser:flag("--allow-unsafe", "Run jobs that were submitted with --allow-unsafe, outside the"
    .. " sandbox, as this user.")
  parser:option("--listen", "Where other workers fetch from it (default: 127.0.0.1:0, any port of"
    .. " this machine)."):argname("HOST:PORT"):convert(convert.address)
  parser:option("--root", "Open plain files below this folder only."):argname("DIR")
    :convert(convert.path)
end

local function new_parser()
  local parser = usage.parser("worker", "Serves as a worker of a cluster.")
  parser:usage("Usage: mrlua worker [--master HOST:PORT] [--slots N] [--dir DIR] [flags]")
  cluster_options.add(parser)
  add_flags(parser)
  usage.section(parser, "Other")
  parser:flag("-h --help", "This text.")
  return usage.examples(parser, {
    { "mrlua worker", "for the master on this machine" },
    { "mrlua worker --master 10.0.0.2:7070 --key-file cluster.key --slots 4 --dir /mnt/ssd/mrlua",
      "for one elsewhere, with its files on a fast disk" },
  })
end

local function act(flags)
  local dir = flags.dir or cluster_options.state_folder("worker")
  if not dir then
    return usage.complain("worker", "neither --dir nor HOME says where its files are to be")
  end
  local log, complaint = cluster_options.log_format(flags, os.getenv("MRLUA_LOG"))
  if not log then
    return usage.complain("worker", complaint)
  end
  local metadata, what = preemption.address(flags.preemption, os.getenv("GCE_METADATA_HOST"),
    preemption.product())
  if what then
    return usage.complain("worker", what)
  end
  local answer, why, kind = engine.worker_serve {
    master = flags.master, key_file = flags.key_file, dir = dir, root = flags.root,
    listen = flags.listen, tls = flags.tls or false,
    insecure_plain = flags.insecure_plain or false,
    slots = flags.slots or assert(engine.environment()).cpu_count,
    disk_limit_bytes = flags.disk_limit_bytes,
    drain_ms = math.ceil((flags.drain or DRAIN_SECONDS) * 1000),
    allow_unsafe = flags.allow_unsafe or false, log = log, metadata = metadata,
  }
  if not answer then
    io.stderr:write("mrlua: ", why, "\n")
    return kind == "setup" and 2 or 1
  end
  return 0
end

return usage.command("worker", new_parser, act, function(argv)
  return cluster_options.parse(new_parser(), argv)
end)

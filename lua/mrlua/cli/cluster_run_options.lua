--- The command line of `mrlua cluster run`: that of a job, that of a fleet.

local convert = require "mrlua.cli.convert"
local job_options = require "mrlua.cli.job_options"
local usage = require "mrlua.cli.usage"

local cluster_run_options = {}

local WORKERS_MAX = 1000
local LOCAL_SSDS_MAX = 24
local IDLE_SECONDS_MAX = 7 * 24 * 3600

local function dollars(text)
  local number = text:match("^%d+%.?%d*$") and tonumber(text)
  if not number or number <= 0 then
    return nil, ("'%s' is not a number of dollars above 0"):format(text)
  end
  return number + 0.0
end

local function gs_address(text)
  if not text:find("^gs://[%l%d][%l%d._-]+/.+") then
    return nil, ("'%s' is not gs://BUCKET/FOLDER: the machines share nothing else"):format(text)
  end
  return (text:gsub("/+$", ""))
end

local function add_fleet(parser)
  usage.section(parser, "The fleet")
  parser:option("--workers", "Machines beside the master (default: 4)."):argname("N")
    :convert(convert.integer_within(1, WORKERS_MAX))
  parser:option("--machine", "Their type (default: n2-standard-8)."):argname("TYPE")
  parser:option("--local-ssds", "Local SSDs of each (default: 1)."):argname("N")
    :convert(convert.integer_within(0, LOCAL_SSDS_MAX))
  parser:flag("--on-demand", "No spot machines: dearer, and nobody takes them away.")
  parser:option("--master-machine", "(default: e2-standard-2)."):argname("TYPE")
  parser:option("--zones", "Zones of one region, tried in this order."):argname("A,B,...")
  parser:option("--name", "Of the cluster (default: mrlua)."):argname("NAME")
  parser:option("--project", "(default: that of gcloud)."):argname("ID")
end

local function add_end(parser)
  usage.section(parser, "Its end")
  parser:flag("--keep-fleet", "Leave the fleet: it ends by itself after --max-idle.")
  parser:option("--max-idle", "Seconds without a job after which the fleet ends by itself,"
    .. " whatever happened here (default: 1800)."):argname("S")
    :convert(convert.integer_within(60, IDLE_SECONDS_MAX))
  parser:option("--max-usd", "Cancel the job before the fleet has cost that much; no machine lives"
    .. " longer than that pays."):argname("USD"):target("usd_max"):convert(dollars)
  parser:flag("--dry-run", "Print what would be done, and the prediction; needs neither gcloud nor"
    .. " a project.")
end

--- The parser alone, for what describes the command.
function cluster_run_options.parser()
  local parser = job_options.parser("cluster run",
    "Runs a job on Google Compute Engine: uploads the input, brings a fleet up, waits for the job,"
    .. " and takes the fleet away.", "Files and folders here, or gs://...; not both.")
  parser:usage("Usage: mrlua cluster run JOB.lua [INPUT...] -o gs://BUCKET/FOLDER [flags]")
  usage.section(parser, "Output")
  parser:option("-o --output", "A new folder in a bucket: gs://BUCKET/FOLDER.")
    :argname("DIR"):convert(gs_address):count(1)
  parser:flag("--overwrite", "Replace what an earlier job left there; no other files.")
  parser:option("--download", "Bring the output into this new folder, too."):argname("DIR")
    :convert(convert.path)
  add_fleet(parser)
  add_end(parser)
  job_options.add_inputs(parser)
  job_options.add_plan(parser)
  job_options.add_messages(parser, " on standard output.")
  job_options.add_rare(parser)
  return usage.examples(parser, {
    { "mrlua cluster run jobs/wordcount.lua README.md -o gs://bucket/words --download words",
      "up, run, down: 4 spot machines, the output here too" },
    { "mrlua cluster run jobs/wordcount.lua gs://bucket/text -o gs://bucket/words --dry-run",
      "what would be done, and what it would cost" },
  })
end

--- Whether inputs are in a bucket: all or none of them.
-- @tparam {string,...} paths
-- @treturn boolean  or nil and one line
function cluster_run_options.are_remote(paths)
  local remote_count = 0
  for _, path in ipairs(paths) do
    remote_count = remote_count + (path:find("^gs://") and 1 or 0)
  end
  if remote_count > 0 and remote_count < #paths then
    return nil, "inputs are either here or in a bucket, not both: 'gcloud storage cp' brings some"
      .. " there"
  end
  return remote_count > 0
end

--- Parses the arguments of `mrlua cluster run`.
-- @treturn table  those of job_options.parse() and: output, bucket, fleet (cost.lua),
--                 download, keep_fleet, max_idle, usd_max, dry_run, name, project, zones
-- @return         or nil and one line; or { help = text }
function cluster_run_options.parse(argv)
  local flags, message = job_options.parse(cluster_run_options.parser(), argv)
  if not flags or flags.help then
    return flags, message
  end
  flags.bucket = flags.output:match("^gs://([^/]+)/")
  flags.max_idle = flags.max_idle or 1800
  flags.fleet = {
    workers = flags.workers or 4, machine = flags.machine or "n2-standard-8",
    local_ssds = flags.local_ssds or 1, is_spot = not flags.on_demand,
    master_machine = flags.master_machine or "e2-standard-2",
  }
  return flags
end

return cluster_run_options

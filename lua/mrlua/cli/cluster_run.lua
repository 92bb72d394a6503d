--- `mrlua cluster run JOB.lua INPUT... -o gs://...`: the whole way of a job, in one command.
--
-- Order: the job file is checked; what it will cost is predicted and told; input that is here is
-- uploaded, while nothing costs by the hour yet; the fleet comes up (gce/up.sh), unless one is
-- there; a tunnel to the master (gce/tunnel.sh, which says why a tunnel); `mrlua submit` as
-- anywhere, with an eye on --max-usd; the output is brought here with --download; the fleet goes
-- away (gce/down.sh --machines-only), unless it was there before or
-- --keep-fleet; what it really cost.
--
-- Whatever ends this process, at whatever step, the fleet ends by itself: the master deletes it
-- when no job has run for --max-idle, and every machine has an end that Compute Engine keeps
-- (--max-usd makes that end earlier). So this process may be killed, and cleaning up here is only
-- faster.
--
-- Data goes through `gcloud storage cp`, not through `mrlua fs cp`: gcloud is logged in already, or
-- there would be no fleet, and mrlua on this machine would need a login of its own.
--
-- Exit codes: those of submit; 2 also when the fleet does not come up.

local cluster_run_options = require "mrlua.cli.cluster_run_options"
local cost = require "mrlua.cost"
local engine = require "mrlua.engine"
local outcome = require "mrlua.cli.outcome"
local request = require "mrlua.cli.request"
local size = require "mrlua.size"
local usage = require "mrlua.cli.usage"
local watch = require "mrlua.cli.watch"

local run = {}
run.__index = run

local HOURS_MAX <const> = 24 -- of a machine's life; `up` has the same

-- Messages of this command's own; those of the scripts go where theirs go.
function run:say(text, ...)
  if not self.flags.quiet then
    io.stderr:write("mrlua: ", text:format(...), "\n")
  end
end

-- Runs a program to its end; answers its code, and its output with `captures`.
local function program(argv, captures)
  io.stdout:flush()
  local answer, message = engine.program_run { argv = argv, capture = captures or false }
  if not answer then
    return nil, message
  end
  return answer.code, answer.output
end

-- The words that tell each script which cluster it is about.
function run:cluster_words()
  local words, flags = {}, self.flags
  for _, name in ipairs { "name", "project", "zones" } do
    if flags[name] then
      words[#words + 1] = "--" .. name
      words[#words + 1] = flags[name]
    end
  end
  if flags.dry_run then
    words[#words + 1] = "--dry-run"
  end
  return words
end

function run:script(name, words, captures)
  local argv = { ("%s/%s.sh"):format(self.folder, name) }
  table.move(words, 1, #words, #argv + 1, argv)
  local common = self:cluster_words()
  table.move(common, 1, #common, #argv + 1, argv)
  return program(argv, captures)
end

-- Runs gcloud, or prints the call.
function run:gcloud(words)
  if self.flags.dry_run then
    io.stdout:write("gcloud ", table.concat(words, " "), "\n")
    return 0
  end
  local argv = { "gcloud" }
  if self.flags.project then
    argv[2] = "--project=" .. self.flags.project
  end
  table.move(words, 1, #words, #argv + 1, argv)
  return program(argv)
end

-- The last line of a command that adds sizes up begins with the sum.
local function sum_of(argv)
  local code, output = program(argv, true)
  local bytes = code == 0 and output:match("(%d+)%s+[^\n]*\n?$")
  if not bytes then
    return nil, ("how large is the input? '%s' gives no answer"):format(table.concat(argv, " "))
  end
  return math.tointeger(tonumber(bytes))
end

function run:input_bytes()
  local inputs = self.config.inputs
  if not self.is_remote then
    return sum_of { "du", "-cbL", "--", table.unpack(inputs) }
  elseif self.flags.dry_run then
    return 0
  end
  local bytes = 0
  for _, input in ipairs(inputs) do
    local each, message = sum_of { "gcloud", "storage", "du", "--summarize", input }
    if not each then
      return nil, message
    end
    bytes = bytes + each
  end
  return bytes
end

-- What it will cost, before anything does.
function run:predict()
  local bytes, message = self:input_bytes()
  if not bytes then
    return nil, message
  end
  local job = { input_bytes = bytes, reducers = self.config.reducers > 0 and self.config.reducers
    or nil, split_bytes = self.flags.split_bytes }
  local predicted
  predicted, message = cost.predict(job, self.flags.fleet, self.prices)
  if not predicted then
    return nil, message
  end
  self.predicted = predicted
  for _, line in ipairs(cost.lines(predicted, job, self.flags.fleet)) do
    self:say("%s", line)
  end
  if self.flags.usd_max and predicted.dollars > self.flags.usd_max then
    return nil, ("the prediction is above --max-usd %.2f: nothing was started")
      :format(self.flags.usd_max)
  end
  return true
end

-- What goes into which folder: all into one, or each input of a job that names them into its own.
function run:folders()
  local config, folders, first = self.config, {}, 1
  for i, group in ipairs(config.input_groups) do
    folders[i] = { self.uploaded .. "/" .. group.name,
      table.move(config.inputs, first, first + group.count - 1, 1, {}) }
    first = first + group.count
  end
  return #folders > 0 and folders or { { self.uploaded, config.inputs } }
end

-- From now on the job reads these folders.
function run:use(folders)
  self.config.inputs = {}
  for i, folder in ipairs(folders) do
    self.config.inputs[i] = folder[1]
    if self.config.input_groups[i] then
      self.config.input_groups[i].count = 1
    end
  end
end

-- Input that is here goes below mrlua-tmp/, which a rule of the bucket empties after a week.
function run:upload()
  if self.is_remote then
    return true
  end
  local stamp = os.date("!%Y%m%d-%H%M%S")
  self.uploaded = ("gs://%s/mrlua-tmp/input-%s-%d"):format(self.flags.bucket, stamp,
    math.random(0, 999999))
  self:say("upload to %s", self.uploaded)
  local code, message = self:script("up", { "--bucket", self.flags.bucket, "--bucket-only" })
  local folders = self:folders()
  for _, folder in ipairs(folders) do
    local words = { "storage", "cp", "--recursive" }
    table.move(folder[2], 1, #folder[2], #words + 1, words)
    words[#words + 1] = folder[1] .. "/"
    if code == 0 then
      code, message = self:gcloud(words)
    end
  end
  if code ~= 0 then
    return nil, message or "the input was not uploaded; nothing else was started"
  end
  self:use(folders)
  return true
end

-- How long a machine may live at most.
function run:hours()
  local affordable = self.flags.usd_max and math.ceil(self.flags.usd_max / self.predicted.per_hour)
  return math.max(1, math.min(HOURS_MAX, affordable or HOURS_MAX))
end

-- Whether the named thing runs; $NAME-master and the like.
function run:is_there(kind, suffix)
  local argv = { "gcloud", "compute" }
  table.move(kind, 1, #kind, #argv + 1, argv)
  local name = (self.flags.name or os.getenv("MRLUA_CLUSTER") or "mrlua") .. suffix
  table.move({ "list", "--filter=name=" .. name, "--format=value(name,status)" }, 1, 3, #argv + 1,
    argv)
  if self.flags.project then
    argv[#argv + 1] = "--project=" .. self.flags.project
  end
  local code, output = program(argv, true)
  return code == 0 and output:find(name, 1, true) ~= nil and not output:find("TERMINATED", 1, true)
end

-- A fleet that is there already is somebody's: it is used as it is, and stays.
function run:is_fleet_there()
  return not self.flags.dry_run and self:is_there({ "instances" }, "-master")
    and self:is_there({ "instance-groups", "managed" }, "-workers")
end

function run:up()
  local flags, fleet = self.flags, self.flags.fleet
  if self:is_fleet_there() then
    self:say("a fleet is there: it is used as it is, and stays")
    self.flags.keep_fleet, self.up_since = true, os.time()
    return true
  end
  local words = { "--bucket", flags.bucket, "--workers", tostring(fleet.workers),
    "--machine", fleet.machine, "--local-ssds", tostring(fleet.local_ssds), "--master-machine",
    fleet.master_machine, "--max-idle", tostring(flags.max_idle), "--max-hours",
    tostring(self:hours()) }
  if not fleet.is_spot then
    words[#words + 1] = "--on-demand"
  end
  self.up_since = os.time()
  local code, message = self:script("up", words)
  if code ~= 0 then
    return nil, message or "the fleet did not come up; 'mrlua cluster down' deletes what is there"
  end
  return true
end

function run:open_tunnel()
  local _, folder = program({ "mktemp", "-d", "-t", "mrlua-tunnel-XXXXXX" }, true)
  self.tunnel = folder and folder:match("^(%S+)\n$")
  if not self.tunnel then
    return nil, "no temporary folder for the tunnel"
  end
  local code, address = self:script("tunnel", { "open", self.tunnel }, true)
  self.config.master = code == 0 and address:match("(%S+)\n$")
  self.config.key_file = self.tunnel .. "/key"
  if not self.config.master then
    return nil, "there is no way to the master"
  end
  return true
end

function run:close_tunnel()
  if self.tunnel then
    self:script("tunnel", { "close", self.tunnel })
    program { "rm", "-rf", "--", self.tunnel }
    self.tunnel = nil
  end
end

function run:spent()
  return self.up_since and assert(cost.spent(self.flags.fleet, self.prices,
    os.time() - self.up_since)) or 0
end

function run:is_over()
  return self.flags.usd_max ~= nil and not self.is_cancelled and cost.is_over(self.flags.fleet,
    self.prices, os.time() - self.up_since, self.flags.usd_max)
end

-- engine.submit_step with an eye on the ceiling.
function run:watched_step(id)
  return function(args)
    if self:is_over() then
      self.is_cancelled = true
      self:say("cancel the job: the fleet has cost $%.2f of --max-usd %.2f", self:spent(),
        self.flags.usd_max)
      engine.job_cancel { master = self.config.master, key_file = self.config.key_file, job = id }
    end
    return engine.submit_step(args)
  end
end

function run:submit()
  local begun = assert(engine.submit_begin(self.config))
  if begun.error then
    return { error = begun.error, seconds = 0.0 }
  end
  watch.until_finished(self:watched_step(begun.id), self.flags, self.environment)
  local ended = assert(engine.submit_end())
  ended.id = begun.id > 0 and begun.id or nil
  return ended
end

function run:download()
  if not self.flags.download then
    return true
  end
  self:say("bring the output to %s", self.flags.download)
  program { "mkdir", "-p", "--", self.flags.download }
  local code = self:gcloud { "storage", "cp", "--recursive", self.flags.output .. "/*",
    self.flags.download }
  if code ~= 0 then
    return nil, ("the output was not brought here; it is in %s"):format(self.flags.output)
  end
  return true
end

function run:down()
  if self.uploaded then
    self:gcloud { "storage", "rm", "--recursive", self.uploaded }
  end
  if self.flags.keep_fleet then
    self:say("the fleet stays; it ends by itself after %d s without a job", self.flags.max_idle)
    return true
  end
  local code = self:script("down", { "--machines-only" })
  if code ~= 0 then
    return nil, "the fleet was not deleted by us; it ends by itself, or by 'mrlua cluster down'"
  end
  return true
end

function run:tell_cost()
  local seconds = os.time() - self.up_since
  self:say("%s", cost.final_line(self.flags.fleet, seconds, self:spent()))
end

local function setup_fault(message)
  return { kind = "setup", message = message }
end

-- The steps that come before the job; each answers true, or nil and why not.
function run:prepare()
  for _, step in ipairs { "predict", "upload", "up", "open_tunnel" } do
    local is_done, message = self[step](self)
    if not is_done then
      return nil, message
    end
  end
  return true
end

-- From the job's end to the fleet's. Who was interrupted has not asked for that: the job goes on.
function run:finish(ended)
  local is_done, message = true, nil
  if not ended.error and not ended.signal then
    is_done, message = self:download()
  end
  self:close_tunnel()
  if not ended.signal and self.up_since then
    local is_down, why = self:down()
    self:tell_cost()
    is_done, message = is_done and is_down, message or why
  end
  if not is_done then
    io.stderr:write("mrlua: ", message, "\n")
  end
  return is_done
end

-- The inputs as the words of a command.
function run:input_words()
  local words, groups, at = {}, self.config.input_groups, 0
  for _, group in ipairs(groups) do
    for _ = 1, group.count do
      at = at + 1
      words[at] = ("--input %s=%s"):format(group.name, self.config.inputs[at])
    end
  end
  return table.concat(#groups > 0 and words or self.config.inputs, " ")
end

function run:dry()
  local is_done, message = self:predict()
  is_done = is_done and self:upload() and self:up()
  if is_done then
    self:script("tunnel", { "open", "DIR" })
    io.stdout:write(("mrlua submit %s %s -o %s --master 127.0.0.1:PORT --key-file DIR/key\n")
      :format(self.flags.job, self:input_words(), self.flags.output))
    self:download()
    self:down()
    return 0
  end
  io.stderr:write("mrlua: ", message or "the fleet cannot be planned", "\n")
  return usage.EXIT_CODE
end

local INTERRUPTED <const> = "not waiting any more; the job goes on, and the fleet ends %d s after"
  .. " it. 'mrlua cluster down' ends both now, 'mrlua cluster tunnel' leads to the master"

function run:whole()
  local is_ready, message = self:prepare()
  local ended = is_ready and self:submit() or { error = setup_fault(message), seconds = 0.0 }
  if not is_ready then
    ended.error.is_setup = true
  end
  if ended.output then
    self:say("%s", ("output: %s, %s"):format(ended.output, size.bytes(ended.bytes or 0)))
  end
  local is_finished = self:finish(ended)
  local code = outcome.tell(ended, self.flags, self.environment,
    INTERRUPTED:format(self.flags.max_idle))
  return code == 0 and not is_finished and 1 or code
end

local function open(flags, config, folder, is_remote)
  local file = assert(io.open(folder .. "/prices.tsv"))
  local prices = assert(cost.prices(file:read("a")))
  file:close()
  local environment = watch.environment()
  config.folder, config.slots, config.priority = environment.folder, 1, 0
  return setmetatable({
    flags = flags, config = config, folder = folder, is_remote = is_remote,
    prices = prices, environment = environment,
  }, run)
end

local function act(flags)
  local folder, message = require "mrlua.cli.cluster".folder(engine.environment().executable)
  if not folder then
    return usage.complain("cluster run", message)
  end
  local config, fault = request.make(flags, "cluster run")
  if not config then
    return outcome.tell_set_up(fault, flags)
  end
  local is_remote
  is_remote, message = cluster_run_options.are_remote(config.inputs)
  if is_remote == nil then
    return usage.complain("cluster run", message)
  end
  local it = open(flags, config, folder, is_remote)
  return flags.dry_run and it:dry() or it:whole()
end

return usage.command("cluster run", cluster_run_options.parser, act, cluster_run_options.parse)

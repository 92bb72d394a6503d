--- A cluster of real processes on this machine: a master, workers, and what is asked of them.
--
--     local it_all = cluster.open()                 its folder, its key
--     it_all:start_master()                         on any port of 127.0.0.1; later on the same
--     it_all:start_worker { slots = 1 }             answers when the master has it
--     local job = it_all:submit(path, inputs, { "--reducers", 3 })
--     it_all:wait_for_job(job, "maps done", 60, function(status) ... end)
--     it_all:expect_parts(job, expected)            it succeeds, with these parts
--     it_all:expect_clean()                         all end as asked, nothing is left
--     it_all:close()                                after_each: whatever has happened
--
-- Every wait is for a condition and has a deadline; what the daemons said is in its error message.

local cjson = require "cjson"
local daemon = require "spec.support.daemon"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local cluster = {}
cluster.__index = cluster

local START_SECONDS <const> = 60
local JOB_SECONDS <const> = 240

-- The last lines of what every daemon said.
local function logs(self)
  local said = {}
  for _, process in ipairs(self.started) do
    local text = process:text "err"
    said[#said + 1] = ("-- %s (%s)\n%s"):format(process.name, process:code() or "runs",
      text:sub(-3000))
  end
  return table.concat(said, "\n")
end

--- Waits for `condition`; raises, with the logs, when it does not come true in time.
function cluster:wait(what, seconds, condition)
  return temp.wait_until(seconds, condition)
    or error(("after %d s, still not: %s\n%s"):format(seconds, what, logs(self)), 2)
end

--- A folder for a cluster; nothing runs yet.
-- @tparam[opt] {string,...} flags  of every process: master, workers, clients
function cluster.open(flags)
  local folder <const> = temp.folder()
  temp.write(folder .. "/key", ("mrlua-secret 1 %s\n"):format(
    temp.capture("od -An -v -tx1 -N32 /dev/urandom"):gsub("%s", "")))
  assert(os.execute("chmod 600 " .. folder .. "/key"))
  return setmetatable({ folder = folder, started = {}, workers = {}, job_count = 0,
    flags = flags or {} }, cluster)
end

-- Appends the arguments of lists to `argv`.
local function append(argv, ...)
  for _, list in ipairs { ... } do
    table.move(list, 1, #list, #argv + 1, argv)
  end
  return argv
end

-- A new process of this cluster; wrap: a format for its command line.
local function start(self, name, argv, options)
  local command = (options.wrap or "%s"):gsub("%%s", (engine.command(argv):gsub("%%", "%%%%")))
  local process = daemon.start(command, ("%s/%s"):format(self.folder, name), options.folder,
    "XDG_STATE_HOME=" .. temp.quote(self.folder .. "/xdg"))
  self.started[#self.started + 1] = process
  return process
end

--- Starts the master, the first time on any port, later on the same and the same state folder.
-- @tparam[opt] table options  flags; folder: where it runs; http: "off" unless given
function cluster:start_master(options)
  options = options or {}
  self.master_count = (self.master_count or 0) + 1
  local argv = append({ "master", "--listen", self.address or "127.0.0.1:0", "--state",
    self.folder .. "/state", "--key-file", self.folder .. "/key",
    "--http", options.http or "off" }, self.flags, options.flags or {})
  self.master = start(self, "master-" .. self.master_count, argv, options)
  self.address = self:wait("the master listens", START_SECONDS, function()
    assert(not self.master:code(), self.master:text "err")
    return self.master:text("out"):match("^mrlua master listens on (%S+)\n")
  end)
  return self.master
end

--- Ends the master by kill -9, and starts it again.
function cluster:restart_master()
  self.master:kill()
  self:start_master()
end

--- Starts a worker, and waits until the master says that it is there.
-- @tparam[opt] table options  slots (1); flags; master: where it finds it, a proxy's address;
--                             dir: that of an earlier life; folder: where it runs; wrap; unawaited
-- @treturn table  its process, with id (the master's) and dir
function cluster:start_worker(options)
  options = options or {}
  local known = {}
  for _, worker in ipairs(options.unawaited and {} or self:list_workers()) do
    known[worker.id] = true
  end
  local number = #self.workers + 1
  local dir = options.dir or ("%s/dir-%d"):format(self.folder, number)
  assert(os.execute("mkdir -p " .. temp.quote(dir)))
  local argv = append({ "worker", "--master", options.master or self.address, "--slots",
    options.slots or 1, "--dir", dir, "--key-file", self.folder .. "/key" }, self.flags,
    options.flags or {})
  self.worker_count = (self.worker_count or 0) + 1 -- names are not used again: of files, too
  local worker = start(self, "worker-" .. self.worker_count, argv, options)
  worker.dir = dir
  self.workers[number] = worker
  worker.id = not options.unawaited and self:wait(worker.name .. " joins", START_SECONDS, function()
    assert(not worker:code(), worker:text "err")
    for _, joined in ipairs(self:list_workers()) do
      if joined.state == "ready" and not known[joined.id] then
        return joined.id
      end
    end
  end)
  return worker
end

--- A master and `count` workers.
function cluster:start(count, options)
  self:start_master()
  for _ = 1, count do
    self:start_worker(options)
  end
end

-- Runs a client command.
local function ask(self, argv)
  append(argv, { "--master", self.address, "--key-file", self.folder .. "/key" }, self.flags)
  return engine.run(argv, { seconds = 30 })
end

-- cjson reads every number as a float.
local function with_integers(value)
  for key, inner in pairs(value) do
    if type(inner) == "table" then
      with_integers(inner)
    elseif type(inner) == "number" then
      value[key] = math.tointeger(inner) or inner
    end
  end
  return value
end

-- The decoded answer of a client command with --json; nil when the master cannot be asked.
local function asked(self, argv)
  argv[#argv + 1] = "--json"
  local result = ask(self, argv)
  return result.code == 0 and with_integers(cjson.decode(result.stdout)) or nil
end

--- The workers as the master knows them: { id, state, slots, slots_busy, outputs, ... }.
function cluster:list_workers()
  local answer = asked(self, { "workers" })
  return answer and answer.workers or {}
end

--- One worker as the master knows it, or nil.
function cluster:worker_state(id)
  for _, worker in ipairs(self:list_workers()) do
    if worker.id == id then
      return worker
    end
  end
end

--- The process of the worker that the master knows by this number, or nil.
function cluster:worker_with(id)
  for _, worker in ipairs(self.workers) do
    if worker.id == id then
      return worker
    end
  end
end

--- Waits until so many workers, and no more, are ready.
function cluster:wait_for_ready(count, seconds)
  self:wait(("%d workers are ready"):format(count), seconds or 30, function()
    local ready = 0
    for _, worker in ipairs(self:list_workers()) do
      ready = ready + (worker.state == "ready" and 1 or 0)
    end
    return ready == count
  end)
end

--- The jobs as the master knows them.
function cluster:list_jobs()
  local answer = asked(self, { "jobs" })
  return answer and answer.jobs or {}
end

--- A job as the master knows it, { job, stages, outcome }, the stages by name too; or nil.
function cluster:status(id)
  local answer = asked(self, { "status", id })
  for _, stage in ipairs(answer and answer.stages or {}) do
    answer.stages[stage.name] = stage
  end
  return answer
end

--- Runs any client command to its end: { code, stdout, stderr }.
function cluster:run(argv)
  return ask(self, argv)
end

local function job_argv(first, path, inputs, flags, tells)
  return append({ first, path, not tells and "--quiet" or nil }, flags or {}, inputs)
end

--- Submits a job into a new folder, and goes on.
-- @tparam string path
-- @tparam {string,...} inputs
-- @tparam[opt] table flags
-- @tparam[opt] table options  folder: where submit runs; master: a proxy's address; tells: it is
--                             not told to be quiet
-- @treturn table  the process of `mrlua submit`, with out and, once it is known, id
function cluster:submit(path, inputs, flags, options)
  options = options or {}
  self.job_count = self.job_count + 1
  local out = ("%s/out-%d"):format(self.folder, self.job_count)
  local argv = job_argv("submit", path, inputs, flags, options.tells)
  append(argv, { "-o", out, "--master", options.master or self.address, "--key-file",
    self.folder .. "/key" }, self.flags)
  local job = start(self, "submit-" .. self.job_count, argv, options)
  job.out = out
  return job
end

--- The number of a submitted job, as soon as the master lists it.
function cluster:job_id(job)
  job.id = job.id or self:wait("the master knows the job", START_SECONDS, function()
    assert(not job:code() or job:code() == 0, job:text "err")
    for _, known in ipairs(self:list_jobs()) do
      if known.output == job.out then
        return known.id
      end
    end
  end)
  return job.id
end

--- Waits until `condition` holds for what the master says of a job.
function cluster:wait_for_job(job, what, seconds, condition)
  local id = self:job_id(job)
  return self:wait(what, seconds, function()
    local status = self:status(id)
    return status and condition(status)
  end)
end

--- Waits until so many parts of a job have their names, or it has ended. It asks often: a commit is
-- short.
function cluster.await_names(job, count)
  os.execute(([[timeout %d sh -c '
    until set -- %s/*-?????; [ $# -ge %d ] && [ -e "$1" ] || [ -e %s/_SUCCESS ]; do :; done'
  ]]):format(START_SECONDS, job.out, count, job.out))
end

--- Expects that a submitted job succeeds, with these parts.
-- @tparam table job
-- @tparam string expected  of engine.parts()
function cluster:expect_parts(job, expected, seconds)
  seconds = seconds or JOB_SECONDS
  local code = self:wait("the job ends", seconds, function()
    return job:code()
  end)
  if code ~= 0 then
    error(("exit code %d of submit\n%s\n%s"):format(code, job:text "err", logs(self)), 2)
  end
  if engine.parts(job.out) ~= expected then
    error("the parts are not those of mrlua run\n" .. logs(self), 2)
  end
  if not temp.exists(job.out .. "/_SUCCESS") then
    error("there is no _SUCCESS", 2)
  end
  for _, name in ipairs(temp.list(job.out)) do
    if not name:find("^%a[%w_]*%-%d+%.?%l*$") and name ~= "_SUCCESS" and name ~= "_bad.jsonl" then
      error("left in the output: " .. name, 2)
    end
  end
end

--- The parts that `mrlua run` writes.
function cluster:expected_parts(path, inputs, flags, options)
  local out = self.folder .. "/expected"
  local argv = job_argv("run", path, inputs, flags)
  append(argv, { "-o", out, "--tmp", self.folder })
  engine.output(argv, options)
  local parts = engine.parts(out)
  temp.remove(out)
  return parts
end

--- What is in the folders of the workers and belongs to a job: paths.
function cluster:leftovers()
  local found = {}
  for _, worker in ipairs(self.workers) do
    local command = ("find %s -mindepth 1 ! -type d ! -path '*/blobs/*' ! -name lock 2>/dev/null")
      :format(temp.quote(worker.dir))
    for path in temp.capture(command):gmatch("[^\n]+") do
      found[path] = true
    end
  end
  local paths = {}
  for path in pairs(found) do
    paths[#paths + 1] = path
  end
  table.sort(paths)
  return paths
end

--- Waits until no worker keeps a file of a job that has ended.
function cluster:expect_no_leftovers()
  self:wait("the workers have removed the files of the job", 20, function()
    return #self:leftovers() == 0
  end)
end

--- Ends all that runs as a user would, and expects that it ends well and leaves nothing.
function cluster:expect_clean()
  self:expect_no_leftovers()
  for _, process in ipairs(self.started) do
    if not process:code() then
      process:signal "TERM"
      local code = process:wait(START_SECONDS)
      if code ~= 0 then
        error(("%s ended with %d\n%s"):format(process.name, code, process:text "err"), 2)
      end
    end
    process:expect_gone()
  end
end

--- Ends everything and removes its folder.
function cluster:close()
  for _, process in ipairs(self.started) do
    process:stop()
  end
  temp.remove(self.folder)
end

return cluster

--- A cluster whose processes all know a Cloud Storage of this machine, and jobs with their output
-- there.
--
--     local it_all = gcs_cluster.open()             its storage (spec/support/gcs.lua), its cluster
--     it_all:start(2)                               a master and two workers
--     local id = it_all:submit({ path, input, "--shuffle", "gcs" })      into gs://bkt/out
--     it_all:wait_until_held()                      until a request is in the hands of a rule
--     it_all:wait_for_end(id)                       it succeeds
--     it_all:parts(6)                               as engine.parts() has them, and nothing else
--     it_all:close()

local cluster = require "spec.support.cluster"
local gcs = require "spec.support.gcs"

local gcs_cluster = {}
gcs_cluster.__index = gcs_cluster

local JOB_SECONDS <const> = 120
local ENDS <const> = { done = true, failed = true, cancelled = true }

--- Nothing runs yet but the storage.
-- @tparam[opt] table options      of gcs.start()
-- @tparam[opt] string environment  in which processes run, with %s for the storage's host
function gcs_cluster.open(options, environment)
  local self = setmetatable({ cluster = cluster.open() }, gcs_cluster)
  self.folder = self.cluster.folder
  self.storage = gcs.start(self.folder .. "/gcs", options)
  self.environment = environment and environment:gsub("%%s", self.storage.host)
    or self.storage.environment
  return self
end

-- What a process is started with.
local function with_storage(self, flags, environment)
  return { wrap = ("env %s %s %%s"):format(self.environment, environment or ""), flags = flags }
end

function gcs_cluster:start_master()
  return self.cluster:start_master(with_storage(self))
end

--- A worker, with more in its environment if given: "A=1".
function gcs_cluster:start_worker(flags, environment)
  return self.cluster:start_worker(with_storage(self, flags, environment))
end

--- A master and `count` workers.
function gcs_cluster:start(count, flags)
  self:start_master()
  for _ = 1, count do
    self:start_worker(flags)
  end
end

--- Submits without waiting; answers the job's number.
-- @tparam {string,...} argv
-- @tparam[opt] string output  gs://bkt/out unless given
function gcs_cluster:submit(argv, output)
  local command = { "submit", "--detach", "-o", output or "gs://bkt/out" }
  table.move(argv, 1, #argv, #command + 1, command)
  local result = self.cluster:run(command)
  assert(result.code == 0, result.stderr)
  return assert(math.tointeger(tonumber(result.stdout:match "%d+")), result.stdout)
end

--- Waits until the job has ended, in whatever way; answers its status.
function gcs_cluster:wait_for_any_end(id)
  return self.cluster:wait("the job ends", JOB_SECONDS, function()
    local known = self.cluster:status(id)
    return known and ENDS[known.job.state] and known
  end)
end

--- Waits until it has succeeded.
function gcs_cluster:wait_for_end(id)
  local status = self:wait_for_any_end(id)
  if status.job.state ~= "done" then
    error(("the job has %s\n%s\n%s"):format(status.job.state,
      self.cluster:run({ "status", id }).stdout, self.cluster.master:text "err"), 2)
  end
  return status
end

--- Waits until the storage holds the request that its first rule is about.
function gcs_cluster:wait_until_held()
  self.cluster:wait("a request is held", JOB_SECONDS, function()
    return self.storage:rules()[1].taken > 0
  end)
end

--- The parts of an output, as engine.parts() has those of a folder. Beside them there are _SUCCESS,
-- what is named in `others` and nothing else in the bucket, and no upload that was not ended.
-- @tparam number count
-- @tparam[opt] string output  "out" unless given
-- @tparam[opt] {string,...} others  names, in order, behind those of the output
function gcs_cluster:parts(count, output, others)
  output = output or "out"
  local expected, parts = { output .. "/_SUCCESS" }, {}
  for i = 1, count do
    expected[i + 1] = ("%s/part-%05d"):format(output, i - 1)
  end
  table.move(others or {}, 1, #(others or {}), #expected + 1, expected)
  local found = table.concat(self.storage:list(), " ")
  if found ~= table.concat(expected, " ") then
    error("in the bucket: " .. found, 2)
  end
  local open = #self.storage:open_sessions()
  if open > 0 then
    error(open .. " uploads were left open", 2)
  end
  for i = 1, count do
    parts[i] = ("== part-%05d\n%s"):format(i - 1, self.storage:get(expected[i + 1]))
  end
  return table.concat(parts)
end

--- The parts of the output, however many there are and whatever they are named after: the same,
-- and there is nothing but _SUCCESS beside them in the bucket.
function gcs_cluster:stored_parts()
  local parts = {}
  for _, name in ipairs(self.storage:list()) do
    local part = name:match "^out/(%a[%w_]*%-%d+%.?%l*)$"
    if part then
      parts[#parts + 1] = ("== %s\n%s"):format(part, self.storage:get(name))
    elseif name ~= "out/_SUCCESS" then
      error("in the bucket: " .. name, 2)
    end
  end
  return table.concat(parts)
end

--- Ends everything. The storage first: its folder is the cluster's.
function gcs_cluster:close()
  self.storage:stop()
  self.cluster:close()
end

return gcs_cluster

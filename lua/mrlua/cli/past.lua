--- Where jobs of the past are looked up: the master's history, the records of local runs, the
-- manifest of an output. And where a local run leaves its record.
--
-- A JOB of the command line is one of
--     17        a job of the master, by its number
--     r17       a run of this machine (`mrlua jobs --all` lists both)
--     last      the newest of both; without a master that can be reached, the newest run
--     out       an output: the run or the job that wrote it, where that is remembered; else, of a
--               folder, what its _SUCCESS tells
--
-- The records of runs are kept by engine/store/trail.h, the newest 100.

local cluster_options = require "mrlua.cli.cluster_options"
local engine = require "mrlua.engine"
local history = require "mrlua.history"
local json = require "mrlua.json"
local submit_options = require "mrlua.cli.submit_options"

local past = {}

local function setup_fault(message, ...)
  return { kind = "setup", message = message:format(...), is_setup = true }
end

local function read_file(path)
  local file <close>, message = io.open(path, "rb")
  if not file then
    return nil, message
  end
  return file:read "a"
end

-- ---- of this machine ----

--- Leaves the record of a run. That it cannot be kept is no failure of the run.
-- @tparam table config   of mrlua.cli.request
-- @tparam table ended    its outcome
-- @tparam integer begun  seconds since 1970
-- @tparam string folder  where it ran
function past.keep(config, ended, begun, folder)
  local text = json.encode(history.record(config, ended, begun, folder))
  engine.trail_write { name = history.RECORD_FILE, text = text }
end

-- { folder, runs = { "r17", ... } }, newest first; with an error there are none.
local function list_runs()
  local answer = assert(engine.trail_list {})
  answer.runs = answer.runs or {}
  return answer
end

local function read_run(folder, id)
  local text, message = read_file(("%s/%s/%s"):format(folder, id, history.RECORD_FILE))
  if not text then
    return nil, message
  end
  return history.of_record(id, json.decode(text))
end

--- The runs of this machine that left a record, newest first.
-- @treturn {table,...}  of mrlua.history
function past.runs()
  local list, jobs = list_runs(), {}
  for _, id in ipairs(list.runs) do
    jobs[#jobs + 1] = read_run(list.folder, id)
  end
  return jobs
end

local function find_run(id)
  local list = list_runs()
  if list.error then
    return nil, list.error
  end
  for _, known in ipairs(list.runs) do
    if known == id then
      local job, message = read_run(list.folder, id)
      return job, job == nil and setup_fault("run %s has no record that can be read: %s", id,
        message) or nil
    end
  end
  return nil, setup_fault("there is no run %s (the last 100 are kept; 'mrlua jobs --all' lists"
    .. " them)", id)
end

--- A fault of a master that was asked for a job, with the run that may be meant.
-- @tparam table fault
-- @tparam integer number  of the job
-- @treturn table          the fault
function past.hint(fault, number)
  local is_unknown = fault.message:find "^there is no job"
  if not is_unknown and not fault.message:find "^no master answers" then
    return fault -- the master has the job, and says what is the matter with it
  end
  local runs, meant = list_runs().runs, "r" .. number
  for _, run in ipairs(runs) do
    if run == meant then
      fault.message = ("%s; did you mean %s, a run of this machine?"):format(fault.message, meant)
      return fault
    end
  end
  if runs[1] and not is_unknown then
    fault.message = ("%s; runs of this machine are called %s: 'mrlua jobs --all' lists them")
      :format(fault.message, runs[1])
  end
  return fault
end

-- ---- of a master ----

--- The jobs that the master knows, newest first.
-- @treturn {table,...}  of engine.job_list(); or nil and the fault
function past.master_jobs(flags)
  local answer = assert(engine.job_list(cluster_options.address(flags)))
  return answer.jobs, answer.error
end

local function find_master_job(flags, number)
  local args = cluster_options.address(flags)
  args.job = number
  local answer = assert(engine.job_facts(args))
  if answer.error then
    return nil, past.hint(answer.error, number)
  end
  return history.of_master(answer)
end

-- ---- of an output ----

-- The newest run and the newest job that wrote there: all but an address in Cloud Storage is taken
-- from the root on.
local function writers_of(flags, folder)
  local absolute = submit_options.absolute((folder:gsub("/+$", "")),
    assert(engine.environment()).folder)
  local writers = {}
  for _, run in ipairs(past.runs()) do
    local output = run.output and submit_options.absolute(run.output, run.folder or "/")
    if run.state == "done" and output and output:gsub("/+$", "") == absolute then
      writers[#writers + 1] = run
      break
    end
  end
  for _, job in ipairs(past.master_jobs(flags) or {}) do
    if job.state == "done" and job.output:gsub("/+$", "") == absolute then
      writers[#writers + 1] = find_master_job(flags, job.id)
      break
    end
  end
  return writers
end

-- Its manifest is not read here, so the newest that says it wrote there is taken at its word.
local function find_object_output(flags, uri)
  local writers = writers_of(flags, uri)
  table.sort(writers, function(a, b)
    return a.begun > b.begun
  end)
  if writers[1] then
    return writers[1]
  end
  return nil, setup_fault("%s: neither a run of this machine nor a job of a master that answers is"
    .. " known to have written there; 'mrlua fs cat %s/_SUCCESS' prints its manifest", uri,
    (uri:gsub("/*$", "")))
end

local function find_output(flags, folder)
  if folder:find "^gs://" then
    return find_object_output(flags, folder)
  end
  local path = folder:gsub("/+$", "") .. "/_SUCCESS"
  local text = read_file(path)
  if not text then
    return nil, setup_fault("'%s' is neither the number of a job, nor a run (r17), nor 'last', nor"
      .. " an output folder with a _SUCCESS", folder)
  end
  local job, message = history.of_manifest(folder, json.decode(text))
  if not job then
    return nil, setup_fault("%s", message)
  end
  for _, writer in ipairs(writers_of(flags, folder)) do
    if writer.publish_id == job.publish_id then
      return writer
    end
  end
  return job
end

-- ---- any of them ----

local function find_last(flags)
  local run, jobs, fault = past.runs()[1], past.master_jobs(flags)
  local job = jobs and jobs[1]
  if job and (not run or job.submitted >= run.begun) then
    return find_master_job(flags, job.id)
  elseif run then
    return run
  end
  return nil, setup_fault("there is no job yet: no run of this machine has left a record, and %s",
    fault and "the master does not answer: " .. fault.message or "the master knows none")
end

--- Finds a job by what the command line says.
-- @tparam table flags  of mrlua.cli.cluster_options
-- @tparam string name
-- @treturn table       of mrlua.history
-- @return              or nil and the fault: { kind, message, detail, is_setup }
function past.find(flags, name)
  if name == "last" then
    return find_last(flags)
  elseif name:find "^%d+$" and math.tointeger(tonumber(name)) then
    return find_master_job(flags, math.tointeger(tonumber(name)))
  elseif name:find "^r%d+$" then
    return find_run(name)
  end
  return find_output(flags, name)
end

--- What a job is called whose trail is wanted (mrlua.cli.trail_files).
-- @tparam table flags
-- @tparam string name  as find() takes it
-- @treturn string      "17" or "r17", which may not be there; or nil and the fault
function past.trail_name(flags, name)
  if name:find "^r?%d+$" then
    return name
  end
  local job, fault = past.find(flags, name)
  if job and job.kind == "output" then
    return nil, setup_fault("what wrote %s is not remembered here: 'mrlua jobs --all' lists what"
      .. " is", name)
  end
  return job and tostring(job.id), fault
end

--- What to say of JOB in a help text.
past.WHAT = "17: of the master; r17: a run of this machine; last; or an output"
  .. " ('mrlua jobs --all' lists the first two)."

return past

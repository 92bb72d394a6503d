--- What jobs have left behind for `mrlua replay` and `mrlua logs`, by what users call it: "r17" is
-- a run of this machine (engine/store/trail.h), "17" a job of the master, "r17/m3" what map 3 of it
-- left, "r17/m3-33" what attempt 33 of that did, "r17/2.m3" what map 3 of its second step left. Of
-- an attempt's number people see the last 32 bits: how many there had been in its master's life.

local cluster_options = require "mrlua.cli.cluster_options"
local engine = require "mrlua.engine"
local past = require "mrlua.cli.past"

local trail_files = {}

--- A job's name. @treturn ?table { id = "r17", run = "r17" } or { id = "17", job = 17 }
function trail_files.job(text)
  local number = text:match "^r(%d+)$"
  if number then
    return { id = text, run = text }
  end
  number = math.tointeger(tonumber(text:match "^%d+$"))
  return number and { id = text, job = number } or nil
end

--- Is that a task: "m3", "2.m3"?
function trail_files.is_task(text)
  return text:find "^[psmrd]%d+$" ~= nil or text:find "^%d+%.[psmrd]%d+$" ~= nil
end

--- A task's name. @treturn ?table  as job(), with task = "m3" and, if given, attempt = "33"
function trail_files.task(text)
  local id, task, attempt = text:match "^([^/]+)/([%d.]*[psmrd]%d+)%-?(%d*)$"
  if task and not trail_files.is_task(task) then
    return nil
  end
  local about = id and trail_files.job(id)
  if about then
    about.task, about.attempt = task, attempt ~= "" and attempt or nil
  end
  return about
end

local function setup(message, ...)
  return { kind = "setup", message = message:format(...), is_setup = true }
end

-- The folder of a run; or nil and the fault.
local function folder_of(run)
  local answer = assert(engine.trail_list())
  if answer.error then
    return nil, answer.error
  end
  for _, name in ipairs(answer.runs) do
    if name == run then
      return answer.folder .. "/" .. run
    end
  end
  return nil, setup("there is nothing of run %s in %s: the newest 100 runs that left something are"
    .. " kept", run, answer.folder)
end

--- The number of an attempt as people see it; nil: that is none.
function trail_files.attempt_number(id)
  local number = math.tointeger(tonumber(id))
  return number and number & 0xffffffff
end

local function is_attempt(about, id)
  return not about.attempt or about.attempt == id
    or math.tointeger(tonumber(about.attempt)) == trail_files.attempt_number(id)
end

--- Asks the master, with the flags of the command line.
local function ask(about, name, flags)
  local args = cluster_options.address(flags)
  args.job, args.name = about.job, name
  local answer, message, kind = engine.job_trail(args)
  if not answer then
    return nil, { kind = kind, message = message }
  end
  if answer.error then
    return nil, past.hint(answer.error, about.job)
  end
  return answer
end

--- Names of files, in the order in which they were last written.
-- @treturn table  or nil and the fault
function trail_files.names(about, flags)
  if about.job then
    local answer, fault = ask(about, "", flags)
    return answer and answer.names, fault
  end
  local folder, fault = folder_of(about.run)
  if not folder then
    return nil, fault
  end
  return assert(engine.trail_names { path = folder }).names
end

--- The bytes of a file; false: it is not there; or nil and the fault.
function trail_files.read(about, name, flags)
  if about.job then
    local answer, fault = ask(about, name, flags)
    return answer and (answer.bytes or false), fault
  end
  local folder, fault = folder_of(about.run)
  if not folder then
    return nil, fault
  end
  local file <close> = io.open(folder .. "/" .. name, "rb")
  return file and file:read "a" or false
end

-- Why there is no such capsule. `others`: of which tasks there are some.
local function no_capsule(about, others)
  local job = about.job and "job " .. about.id or about.id
  if #others == 0 then
    return setup("there is nothing to replay of %s, no task left a capsule: 'mrlua show %s' tells"
      .. " how it ended", job, about.id)
  elseif about.attempt then
    return setup("%s left no capsule of %s-%s: there are %s", job, about.task, about.attempt,
      table.concat(others, ", "))
  end
  return setup("of %s only %s failed: mrlua replay %s/%s", job, table.concat(others, ", "),
    about.id, others[1])
end

--- The newest capsule of a task, or that of its attempt.
-- @treturn table  its name and bytes; or nil and the fault
function trail_files.capsule(about, flags)
  local names, fault = trail_files.names(about, flags)
  if not names then
    return nil, fault
  end
  local found, others, seen = nil, {}, {}
  for _, name in ipairs(names) do
    local task, attempt = name:match "^([%w.]+)%-(%d+)%.capsule$"
    task = trail_files.attempt_number(attempt) and task -- else it is no file of ours
    if task == about.task and is_attempt(about, attempt) then
      found = name
    elseif task then
      local name_of = task .. (about.attempt and "-" .. trail_files.attempt_number(attempt) or "")
      others[#others + 1] = not seen[name_of] and name_of or nil
      seen[name_of] = true
    end
  end
  if not found then
    return nil, no_capsule(about, others)
  end
  local bytes
  bytes, fault = trail_files.read(about, found, flags)
  if not bytes then
    return nil, fault or setup("%s of job %s has gone meanwhile", found, about.id)
  end
  return { name = found, bytes = bytes }
end

return trail_files

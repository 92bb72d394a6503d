--- Side files: files that every attempt of a job may read beside its input. What the job field
-- `files` may be, and what a run opens for it.
--
--     files = { stop = "stopwords.txt", "data/geo.csv" }     mr.open "stop", mr.open "geo.csv"
--
-- An entry without a name has that of the last part of its path. A path is one from the folder of
-- the job file, one from the root, or gs://BUCKET/OBJECT.

local nearest = require "mrlua.nearest"

local files = {}

--- Of one job: each is a descriptor of every attempt (engine/attempt/nursery.h).
files.COUNT_MAX = 16

local NAME_BYTES_MAX = 100
local PATH_BYTES_MAX = 4095 -- PATH_MAX

local function is_uri(path)
  return string.find(path, "^%a[%w+.-]*://") ~= nil
end

-- What is wrong with a path; nil: nothing.
local function path_problem(path)
  if type(path) ~= "string" then
    return "must be a path, not a " .. type(path)
  elseif path == "" or #path > PATH_BYTES_MAX or string.find(path, "\0", 1, true) then
    return ("must be a path of 1 to %d bytes"):format(PATH_BYTES_MAX)
  elseif is_uri(path) and not string.find(path, "^gs://[^/]+/.*[^/]$") then
    return ("is '%s': a file, or gs://BUCKET/OBJECT"):format(path)
  end
end

local function name_problem(name)
  if #name == 0 or #name > NAME_BYTES_MAX or string.find(name, "[/%c]") or name == ".."
    or name == "." then
    return ("must have a name of 1 to %d bytes, without '/'"):format(NAME_BYTES_MAX)
  end
end

-- An entry of the field as { name, path }, or nil and what it must be.
local function entry_of(key, path)
  local is_listed = math.type(key) == "integer"
  if not is_listed and type(key) ~= "string" then
    return nil, ("must have names as keys, not a %s"):format(type(key))
  end
  local label = is_listed and ("entry %d"):format(key) or ("entry '%s'"):format(key)
  local problem = path_problem(path)
  if problem then
    return nil, label .. " " .. problem
  end
  local name = is_listed and string.match(path, "[^/]*$") or key
  problem = name_problem(name)
  if problem then
    return nil, ("%s ('%s') %s"):format(label, path, problem)
  end
  return { name = name, path = path }
end

local function by_name(a, b)
  return a.name < b.name
end

--- Checks the job field `files`.
-- @treturn {{name=,path=},...}  by name; or nil and what the field must be
function files.check(value)
  if type(value) ~= "table" then
    return nil, "must be a table of names and paths, not a " .. type(value)
  end
  local list = {}
  for key, path in next, value do
    local entry, problem = entry_of(key, path)
    if not entry then
      return nil, problem
    end
    list[#list + 1] = entry
  end
  table.sort(list, by_name)
  for i = 2, #list do
    if list[i].name == list[i - 1].name then
      return nil, ("has two entries with the name '%s': give one of them another, as in"
        .. " { other = \"%s\" }"):format(list[i].name, list[i].path)
    end
  end
  if #list > files.COUNT_MAX then
    return nil, ("has %d entries: %d are the most"):format(#list, files.COUNT_MAX)
  end
  return list
end

--- "there is no side file 'sotp'; did you mean 'stop'?"
-- @tparam string name
-- @tparam {string,...} names  those there are
function files.unknown(name, names)
  local text = ("there is no side file '%s'"):format(name)
  if #names == 0 then
    return text .. ": the job has no field 'files'"
  elseif nearest.word(name, names) then
    return text .. nearest.hint(name, names)
  end
  return ("%s: there are %s"):format(text, table.concat(names, ", "))
end

-- A path of a job file as one from where the command was started.
local function beside(folder, path)
  if string.find(path, "^/") or is_uri(path) then
    return path
  end
  return folder .. path
end

--- What a run opens: the files of a job, and what the command line says instead.
-- @tparam {{name=,path=},...} declared  view.files
-- @tparam table given      --file: name -> path, from the current folder
-- @tparam string job_path  of the job file
-- @treturn {[name]=path}   or nil and one line
function files.resolve(declared, given, job_path)
  local folder, paths, names = string.match(job_path, "^.*/") or "", {}, {}
  for i, entry in ipairs(declared) do
    names[i] = entry.name
    paths[entry.name] = beside(folder, entry.path)
  end
  for name, path in next, given do
    local problem = path_problem(path)
    if not paths[name] then
      return nil, "option '--file': " .. files.unknown(name, names)
    elseif problem then
      return nil, ("option '--file': '%s' %s"):format(name, problem)
    end
    paths[name] = path
  end
  return paths, names
end

--- Side files in plain Lua, for mrlua.dryrun: `mr.open` over files of this machine.
-- @param declared  job.files, its paths from the current folder
-- @tparam[opt] table instead  name -> path
function files.opener(declared, instead)
  local list = assert(files.check(declared or {}))
  local paths, names = files.resolve(list, instead or {}, "")
  assert(paths, names)
  return function(name)
    if not paths[name] then
      error("mr.open: " .. files.unknown(tostring(name), names), 2)
    end
    return assert(io.open(paths[name], "rb"))
  end
end

return files

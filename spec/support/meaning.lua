--- What a job means: a job file on dryrun, with its records as text in the form of its output.

local dryrun = require "mrlua.dryrun"
local records = require "mrlua.records"
local temp = require "spec.support.temp"

local meaning = {}

--- What a job file returns; it finds the modules beside it.
function meaning.load(path)
  local saved <const> = package.path
  package.path = path:match("^(.*/)") .. "?.lua;" .. saved
  local job = dofile(path)
  package.path = saved
  return job
end

local ESCAPES = { ["\\"] = "\\\\", ["\t"] = "\\t", ["\n"] = "\\n", ["\r"] = "\\r" }

local function column(value)
  return (tostring(value):gsub("[\\\t\n\r]", ESCAPES))
end

-- Records as the lines of a part. Scalars only.
local function text_of(list, format)
  local lines = {}
  for i, record in ipairs(list) do
    local key, value = record[1], record[2]
    if format == "lines" then
      lines[i] = tostring(value == true and key or value) .. "\n"
    else
      lines[i] = column(key) .. "\t" .. column(value) .. "\n"
    end
  end
  return table.concat(lines)
end

-- The records of files, one after the other.
local function records_of(job, paths)
  local list = {}
  for _, path in ipairs(paths) do
    for _, record in ipairs(records.of(job.input, temp.read(path))) do
      list[#list + 1] = record
    end
  end
  return list
end

-- What map is given: whole files, records, or one text. (A line's offset is that in its own file,
-- so a job that looks at it is to be tested on one.)
local function input_of(job, paths)
  if job.input and job.input ~= "file" and job.input ~= "lines" then
    return records_of(job, paths)
  end
  local contents, files = {}, {}
  for i, path in ipairs(paths) do
    contents[i] = temp.read(path)
    files[i] = { path, contents[i] }
    if not contents[i]:find("\n$") then
      contents[i] = contents[i] .. "\n" -- a file's last line ends with the file
    end
  end
  return job.input == "file" and files or table.concat(contents)
end

--- What `mrlua run PATH INPUT...` must print with one reducer.
function meaning.output(path, inputs, params)
  local job = meaning.load(path)
  return text_of(dryrun.run(job, input_of(job, inputs), params), job.output)
end

--- The lines of a text, sorted by bytes: for outputs of several parts.
function meaning.sorted(text)
  local lines = {}
  for line in text:gmatch("[^\n]*\n") do
    lines[#lines + 1] = line
  end
  table.sort(lines)
  return table.concat(lines)
end

return meaning

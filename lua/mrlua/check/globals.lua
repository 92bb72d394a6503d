--- Globals that a job asks for and that are not there, or sets and never asks for, and fields of
-- its libraries.

local bytecode = require "mrlua.bytecode"
local nearest = require "mrlua.nearest"
local sandbox = require "mrlua.sandbox"

local globals = {}

local MR_FIELDS <const> = { params = true, input = true, stage = true, job = true, task = true,
  attempt = true, worker = true, count = true, open = true, emit_to = true, run = true }

-- What a job's author may look for, and what there is.
local INSTEAD <const> = {
  os = "a job has no clock, no environment and no processes; give a time as a --param, and read it"
    .. " as mr.params.NAME",
  io = "a job opens no files; name side files in the field 'files', and read them with mr.open",
  debug = "a job has no debug library",
  package = "modules lie beside the job file and are named there: require \"name\"",
  dofile = "a module that lies beside the job file is loaded by require \"name\"",
  loadfile = "a module that lies beside the job file is loaded by require \"name\"",
  loadstring = "in Lua 5.4 it is load()",
  unpack = "in Lua 5.4 it is table.unpack()",
  emit = "emit is the last argument of map, combine and reduce: function(key, value, emit)",
  ["math.pow"] = "in Lua 5.4 it is x ^ y",
  ["table.getn"] = "in Lua 5.4 it is #list",
  ["string.dump"] = "a job can load text only",
  ["string.split"] = "mrlua.text has it: require(\"mrlua.text\").split",
}
-- Of an older Lua. Modules that run in several ask for them, and for all of Lua: whether that is
-- called in the sandbox is not seen.
local ELSEWHERE <const> = { unpack = true, loadstring = true, setfenv = true, getfenv = true,
  module = true, jit = true, bit = true, bit32 = true, newproxy = true }

local MEANT_BYTES_MIN <const> = 3 -- of a name: a shorter one is near to others by chance

-- Of what does not compile: that is found elsewhere, when it is loaded.
local NO_USES <const> = { reads = {}, sets = {}, writes = {}, locals = {}, fields_read = {},
  fields_written = {} }

local function known_globals(is_unsafe)
  return (sandbox.new { bundle = {}, print = print, unsafe = is_unsafe })
end

-- What of a library is there; nil: it is no library.
local function fields_of(environment, name)
  if name == "mr" then
    return MR_FIELDS
  end
  local value = rawget(environment, name)
  return name ~= "_G" and type(value) == "table" and value or nil
end

local function fix_of(name, known)
  local hint = INSTEAD[name]
  if hint then
    return hint
  end
  local names = nearest.names_of(known)
  local meant = nearest.word(name:match "[^.]*$", names)
  local prefix = name:match "^(.*%.)" or ""
  return meant and ("did you mean '%s%s'?"):format(prefix, meant)
    or prefix == "" and ("declare it: local %s = ..."):format(name)
    or "there are " .. (#names == 0 and "none" or table.concat(names, ", "))
end

local function finding(file, use, name, known)
  return {
    kind = "global", file = file.path, line = use.line,
    what = ("'%s' is not there"):format(name),
    why = "it is nil when this line runs, on a worker, perhaps after hours",
    fix = fix_of(name, known),
  }
end

-- The names of all globals that are set, and of all fields.
local function written_of(all)
  local written, fields = {}, {}
  for _, uses in ipairs(all) do
    for name in next, uses.writes do
      written[name] = true
    end
    for name in next, uses.fields_written do
      fields[name] = true
    end
  end
  return written, fields
end

local function problem_of(use, environment, written, fields, params)
  if use.name == "mr" and use.field == "params" then
    local name = params and use.second_field
    if name and params[name] == nil then
      return "mr.params." .. name, params
    end
    return nil
  end
  local library = fields_of(environment, use.name)
  if environment[use.name] == nil and not written[use.name] then
    return use.name, environment
  elseif library and use.field and library[use.field] == nil and not fields[use.field] then
    return use.name .. "." .. use.field, library
  end
end

-- What a global may have been meant to be: what is there, and the locals of the file.
local function candidates(environment, uses)
  local names = {}
  for _, known in ipairs { environment, uses.locals } do
    for name in next, known do
      names[name] = true
    end
  end
  return names
end

local function look_at(file, uses, is_module, environment, written, fields, params, findings)
  local told, candidate_names = {}, candidates(environment, uses)
  for _, use in ipairs(uses.reads) do
    local name, known = problem_of(use, environment, written, fields, params)
    local is_usual = use.is_guarded or is_module and (ELSEWHERE[use.name] or rawget(_G, name))
    if name and not is_usual and not told[name] then
      told[name] = true
      findings[#findings + 1] = finding(file, use, name,
        known == environment and candidate_names or known)
    end
  end
end

-- The names of all globals that are read; nil: some are read in ways that are not seen.
local function read_of(all)
  local read = {}
  for _, uses in ipairs(all) do
    if uses.is_open or uses.locals["_ENV"] then
      return nil
    end
    for _, use in ipairs(uses.reads) do
      read[use.name] = true
    end
  end
  return not (read["_G"] or read["load"]) and read or nil
end

-- Globals that are set, and that no file reads. A module may be of somebody else, and set some for
-- others: of these only what looks like a local there.
local function look_at_sets(file, uses, is_module, environment, read, findings)
  local told = {}
  for _, set in ipairs(uses.sets) do
    local name = set.name
    if not read[name] and environment[name] == nil and not told[name] then
      local meant = #name >= MEANT_BYTES_MIN
        and nearest.word(name, nearest.names_of(set.visible))
      told[name] = true
      findings[#findings + 1] = (meant or not is_module) and {
        kind = "global", file = file.path, line = set.line,
        what = ("'%s' is assigned and never read"):format(name),
        why = "it is a global: what it is given goes nowhere",
        fix = meant and ("did you mean local '%s'?"):format(meant)
          or "read it, or leave it out",
      } or nil
    end
  end
end

--- Looks at all files of a bundle that compile.
-- @tparam table bundle       mrlua.bundle
-- @tparam boolean is_unsafe  the job has all of Lua
-- @tparam ?table params      name -> value, if all are known
-- @treturn {table,...}       findings, at most one of a name and file (what is read and not there,
--                            and what is set and never read); or nil: this Lua does not
--                            tell (mrlua.bytecode)
-- @treturn {string,...}      the names that the job file asks of any table, sorted
-- @treturn function          line_of(name): where the job file first asks for a global
function globals.check(bundle, is_unsafe, params)
  local environment, all, findings = known_globals(is_unsafe), {}, {}
  environment.mr = {}
  local files = { bundle }
  for _, name in ipairs(nearest.names_of(bundle.modules)) do
    files[#files + 1] = bundle.modules[name]
  end
  for i, file in ipairs(files) do
    local chunk = sandbox.compile(file, {})
    all[i] = chunk and bytecode.uses(chunk) or NO_USES
    if chunk and all[i] == NO_USES then
      return nil, {}, function() end
    end
  end
  local written, fields = written_of(all)
  local read = read_of(all)
  for i, file in ipairs(files) do
    -- the params of a module that several jobs share are those of all
    look_at(file, all[i], i > 1, environment, written, fields, i == 1 and params or nil, findings)
    if read then
      look_at_sets(file, all[i], i > 1, environment, read, findings)
    end
  end
  return findings, nearest.names_of(all[1].fields_read), function(name)
    for _, use in ipairs(all[1].reads) do
      if use.name == name then
        return use.line
      end
    end
  end
end

return globals

--- What can be found in a job without running it on its data: globals that are not there, a map
-- that raises, runs on or answers differently, a combiner that changes the result.
--
--     local report = check.job { bundle = bundle, view = view, params = {}, samples = {} }
--     for _, one in ipairs(report.findings) do print(one.file, one.line, one.what) end
--
-- A finding has kind, file, line, what, why, fix and, of some, shown: lines of a counterexample.
--
-- The functions are called here, in the sandbox of mrlua.sandbox, on records of a sample or on
-- invented ones. What a map does not like about an invented record is not held against it, unless
-- it is the same of all of them; that it does not come to an end is. Not here: what loading the
-- job finds (mrlua.job), which has been done.

local bytecode = require "mrlua.bytecode"
local combiner = require "mrlua.check.combiner"
local determinism = require "mrlua.check.determinism"
local formats = require "mrlua.formats"
local globals = require "mrlua.check.globals"
local inputs = require "mrlua.inputs"
local nearest = require "mrlua.nearest"
local samples = require "mrlua.check.samples"
local values = require "mrlua.check.values"
local World = require "mrlua.check.world"

local check = {}

-- ---- places ----

--- The line on which a field is given a value; nil: there is none to be seen.
function check.line_of_field(source, field)
  local number = 0
  local name <const> = "%f[%w_]" .. field:gsub("%p", "%%%0") .. "%f[^%w_]"
  for line in (source .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    local code = line:gsub("%-%-.*$", "")
    if code:find(name .. '["%]%s]*=[^=]') or code:find(name .. "%s*=$")
      or code:find("function%s[%w_.]*" .. name .. "%s*%(") then
      return number
    end
  end
end

local function line_count(source)
  return select(2, source:gsub("\n", "\n")) + (source:find "[^\n]$" and 1 or 0)
end

--- What loading a job has said, as a finding.
-- @tparam table bundle
-- @tparam string message  "words.lua: unknown job field 'mapp': did you mean 'map'?"
function check.of_load(bundle, message)
  local file, line, what = message:match "^([^:]+):(%d+): (.*)$"
  if not file then
    file, what = bundle.path, message
    if message:sub(1, #file + 2) == file .. ": " then
      what = message:sub(#file + 3)
    end
    local field = what:match "field '([^']+)'"
    line = field and check.line_of_field(bundle.source, field:match "[%w_]+$" or field)
  end
  local meant = what:match "did you mean ('[^']+')%?" or what:match 'did you mean ("[^"]+")%?'
  local fix = meant and "write " .. meant or "mend it; what may stand in a job: lua/README.md, as a"
    .. " package /usr/share/doc/mrlua/lua-README.md"
  if what:find "must return a table, not nil" then
    line, fix = math.max(line_count(bundle.source), 1),
      "end the file with: return { map = ..., reduce = ... }"
  elseif what:find " near " and line then
    fix = "mend the syntax: look at this line, and at the one before it"
  elseif what:find "^module '" then
    fix = "mend the name, or put the module beside the job file"
  elseif message:find "^[^:]+:%d+: " then
    fix = "mend this line: it runs when the file is loaded"
  end
  return { kind = "load", file = file, line = math.tointeger(tonumber(line)) or 1,
    what = (what:gsub(": did you mean.*$", "")), why = "'mrlua run' and 'mrlua submit' refuse it",
    fix = fix }
end

--- What is wrong with a job that does not load: what loading has said, and globals that are not
-- there.
-- @treturn table  as job() answers
function check.unloaded(bundle, message)
  local findings, found = { check.of_load(bundle, message) }, globals.check(bundle, false) or {}
  return { findings = table.move(found, 1, #found, 2, findings), notes = {} }
end

-- Where a function is, or the field that names a built-in.
local function place_of(job, f, field)
  if type(f) == "function" then
    local info = debug.getinfo(f, "S")
    return info.source:sub(2), info.linedefined
  end
  return job.bundle.path, check.line_of_field(job.bundle.source, field) or 1
end

-- ---- one map ----

local Report = {}
Report.__index = Report

function Report:add(finding, f, field)
  local file, line = place_of(self.job, f, field)
  finding.file, finding.line = finding.file or file, finding.line or line
  table.insert(self.findings, finding)
end

function Report:note(...)
  table.insert(self.notes, (string.format(...)))
end

function Report:world(stage, order)
  return assert(World.new { bundle = self.job.bundle, params = self.job.params, stage = stage,
    order = order, paths = self.job.paths, step = self.step })
end

local function fix_of(message, place)
  if place == "setup" then
    return "mend it: it is called before the first record of every attempt"
  elseif message:find "function value" and place == "reduce" then
    return "values are an iterator: for value in values do ... end"
  elseif message:find "%(table expected, got function%)" and place ~= "map" then
    return "values are an iterator: for value in values do ... end"
  elseif message:find "^emit: .* a function$" then
    return "what is emitted is data: call the function, and emit what it answers"
  elseif message:find "^%a+: value of key .* not a number"
    or message:find "^top: values of key .* must be numbers" then
    return "emit what it takes: tonumber(text) makes a number of a text"
  elseif message:find "^emit: value is nil$" then
    return "emit(key, value) needs a value: true, if the key says it all"
  elseif message:find "^emit: a key must be .* not nil$" then
    return "emit(key, value) needs a key: return when there is none"
  elseif message:find "'emit'" then
    return "emit is the last argument: function(key, value, emit)"
  end
  return "handle such a record: return, or count it with mr.count(\"bad\")"
end

-- A raised message has its place in it: "words.lua:12: ...".
local function split_message(message)
  local file, line, what = message:match "^([^:\n]+%.lua):(%d+): (.*)$"
  return file, math.tointeger(tonumber(line)), what or message
end

local FIX_OF_INVENTED <const> = "; if it is right about real ones: mrlua check JOB.lua INPUT"

-- `count`: of as many invented records, all there are.
function Report:add_fault(fault, records, world, count)
  local f = world.one[fault.place]
  local record = records[fault.record]
  local shown = record and fault.place == "map"
    and { ("map(%s, emit)"):format(values.list_text(record)) } or nil
  if fault.is_endless then
    self:add({ kind = "endless", what = fault.place .. " does not come to an end on a record",
      why = "the attempt is killed, several times, and then the job ends",
      fix = "look for a loop whose condition stays true, or a pattern that matches nothing",
      shown = shown }, f, fault.place)
    return
  end
  local file, line, what = split_message(fault.message)
  self:add({ kind = "raises", file = file, line = line,
    what = ("%s raises an error%s: %s"):format(fault.place,
      count and (" on all of %d invented records"):format(count) or "", what),
    why = "the first error ends the job (skip_bad lets some records be left out)",
    fix = fix_of(what, fault.place) .. (count and FIX_OF_INVENTED or ""), shown = shown }, f,
    fault.place)
end

-- What has nothing to do with the record: emit is not what is called, or is given a function; there
-- is no such method.
local SURE <const> = { "attempt to call a %a+ value %(%a+ 'emit'%)", "^[^\n]-emit: .* a function$",
  "attempt to call a nil value %(method '[%w_]+'%)" }

local function is_sure(fault)
  for _, pattern in ipairs(SURE) do
    if fault.message:find(pattern) then
      return true
    end
  end
  return fault.is_endless or fault.place == "setup"
end

-- Which faults are the job's: those on real records, and what has nothing to do with records.
local function faults_to_tell(faults, is_real)
  local told = {}
  for _, fault in ipairs(faults) do
    if is_real or is_sure(fault) then
      told[#told + 1] = fault
    end
  end
  return told
end

-- Formats of which any record will do for an invented one.
local IS_FREE <const> = { lines = true, file = true, fixed = true }

-- Do all records of an input raise the same error? (Of a later step they are what has become of
-- invented ones.)
function Report:fail_alike(faults, records, input)
  local is_free = (self.step or 1) == 1 and IS_FREE[formats.input(input or "lines")]
  if #faults < #records or #records == 0 or not is_free then
    return false
  end
  for _, fault in ipairs(faults) do
    if fault.place ~= "map" or fault.message ~= faults[1].message then
      return false
    end
  end
  return true
end

-- As the job file has it: a function, or the name of a built-in.
local function map_function(world, name)
  return world.one == world.spec and inputs.of(world.spec, name).map or world.one.map
end

-- What a function does that never emits, in a job that does nothing but emit; nil: it may emit.
function Report:silence_of(f, one)
  local info = type(f) == "function" and debug.getinfo(f, "u")
  if not info or one.cleanup or self.asks["emit_to"] or self.asks["count"] then
    return nil
  elseif info.nparams < 3 and not info.isvararg then
    return "does not take 'emit'"
  elseif info.nparams >= 3 and bytecode.passes(f, 3) == false then
    return "does not call 'emit'"
  end
end

function Report:add_silent(f, field, silence)
  local values_name = field == "map" and "value" or "values"
  self:add({ kind = "silent", what = ("%s emits nothing: it %s"):format(field, silence),
    why = ("what %s returns goes nowhere; the output would be empty"):format(field),
    fix = ("write %s = function(key, %s, emit), and call emit(key, value)"):format(field,
      values_name) }, f, field)
end

-- What the records come from that are mapped first.
local function input_of(world, name)
  local one = world.one == world.spec and inputs.of(world.spec, name) or world.one
  return one.input or world.spec.input
end

-- A function whose parameter 'emit' is not the third: it is given something else there. Tells of
-- it; whether it is so.
function Report:misplaces_emit(f, field)
  if type(f) ~= "function" then
    return false
  end
  for n = 1, 2 do
    if debug.getlocal(f, n) == "emit" then
      local call = ("(key, %s, emit)"):format(field == "map" and "value" or "values")
      self:add({ kind = "raises", what = ("%s is called with %s"):format(field, call),
        why = ("its parameter %d, 'emit', is the %s"):format(n,
          n == 1 and "key" or field == "map" and "value" or "iterator over values"),
        fix = ("write %s = function%s"):format(field, call) }, f, field)
      return true
    end
  end
  return false
end

-- Maps records; what is emitted, or nil when something was found on the way.
function Report:map(name, records, is_real)
  local world = self:world("map", "up")
  if self:misplaces_emit(map_function(world, name), "map") then
    return nil
  end
  local emitted, faults = world:map(name, records)
  local told = faults_to_tell(faults, is_real)
  if told[1] then
    self:add_fault(told[1], records, world)
    return nil
  elseif self:fail_alike(faults, records, input_of(world, name)) then
    self:add_fault(faults[1], records, world, #records)
    return nil
  end
  self.counted.records = self.counted.records + #records
  self.counted.emits = self.counted.emits + #emitted
  local silence = self:silence_of(map_function(world, name), world.one)
  if #faults > 0 then
    self:note("%d of %d invented records made the map raise an error, and were left out: give a"
      .. " sample of the real input; the first: %s", #faults, #records, faults[1].message)
  elseif #emitted == 0 and silence then
    self:add_silent(map_function(world, name), "map", silence)
  elseif #emitted == 0 then
    self:note("the map emitted nothing for %d %s records", #records,
      is_real and "sampled" or "invented")
  end
  local found = determinism.check(function(order)
    return (self:world("map", order):map(name, records))
  end, world.one.reduce ~= nil, self.line_of)
  if found then
    self:add(found, map_function(world, name), "map")
  end
  return emitted
end

-- ---- one step ----

-- Worlds for many calls: the same one as long as it keeps nothing between them.
function Report:worlds(stage)
  local kept
  return function()
    if not kept or kept.one.setup or kept.one.cleanup then
      kept = self:world(stage, "up")
    end
    return kept
  end
end

function Report:combine_and_reduce(emitted, one)
  local is_misplaced = self:misplaces_emit(one.reduce, "reduce")
  if one.combine ~= one.reduce and self:misplaces_emit(one.combine, "combine") or is_misplaced then
    return nil
  elseif one.combine and one.combine ~= one.reduce and #emitted > 0 then
    local found, trials = combiner.check(emitted, { combine = self:worlds "map",
      reduce = self:worlds "reduce" })
    self.counted.trials = self.counted.trials + trials
    if found then
      self:add(found, one.combine, "combine")
    end
  end
  if not one.reduce then
    return emitted
  end
  return self:reduce(emitted, one)
end

function Report:reduced_to_nothing(one)
  local silence = self:silence_of(one.reduce, one)
  if silence then
    self:add_silent(one.reduce, "reduce", silence)
  elseif not self.asks["emit_to"] then
    self:note("the reduce emitted nothing for what the map had emitted")
  end
end

-- What is held against a reduce: that it does not end, that it takes no key at all, whatever the
-- values are, and that it has no way to emit anything.
function Report:reduce(emitted, one)
  local world = self:world("reduce", "up")
  local reduced, fault, at = world:reduce(emitted)
  if not reduced and (fault.is_endless or at == 1 and self:fails_at_all(emitted)) then
    fault.place = "reduce"
    self:add_fault(fault, {}, { one = one })
  elseif world.reads_again and type(one.reduce) == "function" then
    self:add({ kind = "again", what = "reduce goes on to read values behind their end",
      why = "they are an iterator, for they may be more than memory holds: a second loop sees none",
      fix = "do it all in one loop, or keep what you need of them in a table" }, one.reduce,
      "reduce")
  elseif reduced and #reduced == 0 and #emitted > 0 then
    self:reduced_to_nothing(one)
  end
  return reduced
end

-- Does reduce raise at every key alone?
function Report:fails_at_all(emitted)
  local worlds, tried = self:worlds "reduce", {}
  for _, record in ipairs(emitted) do
    local name = values.text(record[1])
    if not tried[name] then
      tried[name] = true
      if worlds():reduce { record } then
        return false
      end
    end
  end
  return true
end

-- A sample that gave nothing to try. A note, where one cannot tell whether the file or the job has
-- the format wrong: what a grammar or columns are made for is one kind of file.
function Report:add_unread(name, input, path, message)
  local format, options = formats.input(input or "lines")
  format = format:match "^%a+" -- without how it is split
  if format == "run" or format == "grammar" or options and options.columns then
    return self:note("%s: %s", path, message or "there are no records in it")
  end
  self:add({ kind = "sample",
    what = ("the sample %s gives no record to try: %s"):format(path, message or "it has none"),
    why = message and "the job would end here" or "nothing was tried, so nothing can be said",
    fix = message and ("give a sample of the real input, or mend the field input: it is %q")
      :format(format) or "give a sample with records" }, nil, name and "inputs" or "input")
end

-- The records of one input: of its sample, or invented.
function Report:records_of(name, input)
  local sample = self.job.samples[name or ""]
  if sample then
    local list, message = samples.read(input, sample.text, sample.is_whole)
    if list and #list > 0 then
      return list, true
    end
    self:add_unread(name, input, sample.path, message)
    return nil, true
  end
  local list = samples.invent(input, self.fields)
  if not list then
    self:note("%sthere are no invented records of its format: give a sample of the input",
      name and name .. ": " or "")
  end
  return list, false
end

function Report:first_step(world)
  local names, all = world.spec.inputs and nearest.names_of(world.spec.inputs) or { false }, {}
  for _, name in ipairs(names) do
    local records, is_real = self:records_of(name or nil, input_of(world, name or nil))
    local emitted = records and self:map(name or nil, records, is_real)
    table.move(emitted or {}, 1, emitted and #emitted or 0, #all + 1, all)
  end
  return self:combine_and_reduce(all, world.one)
end

-- Of `steps` each gets what the one before it has emitted.
function Report:steps(count)
  local records
  for number = 1, count do
    self.step = number
    local world = self:world("map", "up")
    if number == 1 then
      records = self:first_step(world)
    else
      local emitted = self:map(nil, records, false)
      records = emitted and self:combine_and_reduce(emitted, world.one)
    end
    if not records or #records == 0 then
      return
    end
  end
end

-- What keeps the functions from being called here; nil: nothing does.
local function obstacle(job)
  if job.view.unsafe then
    return "it says unsafe = true: its functions were not called, only its globals looked at"
  end
  for name, path in next, job.paths or {} do
    if path:find "^%a+://" then
      return ("its side file '%s' is not here: its functions were not called; --file %s=PATH names"
        .. " a copy"):format(name, name)
    end
  end
end

-- Side files that are not there; whether there are any of these.
function Report:side_files()
  local is_missing = false
  for _, name in ipairs(nearest.names_of(self.job.paths or {})) do
    local path = self.job.paths[name]
    local file <close>, message = io.open(path, "rb")
    if not file then
      is_missing = true
      self:add({ kind = "file", what = ("side file '%s': %s"):format(name, message),
        why = "'mrlua run' and 'mrlua submit' refuse a job without it",
        fix = ("make it, or name another: --file %s=PATH"):format(name) }, nil, "files")
    end
  end
  return is_missing
end

function Report:functions()
  local problem = obstacle(self.job)
  if problem then
    return self:note("%s", problem)
  elseif self:side_files() then
    return
  end
  local world, message = World.new { bundle = self.job.bundle, params = self.job.params,
    stage = "map", order = "up", paths = self.job.paths }
  if not world then
    table.insert(self.findings, check.of_load(self.job.bundle, message))
  elseif world.spec.drive then
    self:note("it has a driver, which says what its steps read: they were not called")
  elseif world.spec.steps then
    self:steps(#world.spec.steps)
  else
    self:first_step(world)
  end
end

--- Checks a job that loads.
-- @tparam table job  bundle; view (mrlua.job); params, as on the command line; paths of side
--                    files; samples: name of an input, or "" -> { path, text, is_whole }
-- @treturn table     findings; notes: lines; counted: records, emits, trials
function check.job(job)
  local self = setmetatable({ job = job, findings = {}, notes = {},
    counted = { records = 0, emits = 0, trials = 0 } }, Report)
  local found
  found, self.fields, self.line_of = globals.check(job.bundle, job.view.unsafe,
    not job.view.drive and job.view.params or nil)
  self.findings, self.asks = found or {}, {}
  for _, name in ipairs(self.fields) do
    self.asks[name] = true
  end
  if not found then
    self:note("globals were not looked at: this Lua compiles in a way that is not known here")
  end
  self:functions()
  table.sort(self.findings, function(a, b)
    if a.file ~= b.file then
      return a.file == job.bundle.path or b.file ~= job.bundle.path and a.file < b.file
    elseif a.line ~= b.line then
      return a.line < b.line
    end
    return a.what < b.what
  end)
  return { findings = self.findings, notes = self.notes, counted = self.counted }
end

return check

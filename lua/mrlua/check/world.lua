--- A job, loaded anew, whose functions can be called without an engine and without harm: in the
-- sandbox of mrlua.sandbox, with a limit of instructions, and with an order of pairs() that one
-- chooses.
--
--     local world, message = World.new { bundle = bundle, params = {}, order = "down" }
--     local emitted, fault = world:map(source, records)
--
-- A fault is { message, is_endless }. The limit holds what Lua does, whatever pcall() it hides in;
-- a library's function that does not come back is the caller's care (mrlua.cli.check).
--
-- The string metatable is one for the whole process: it is the job's while its functions run.

local dryrun = require "mrlua.dryrun"
local handed = require "mrlua.handed"
local job = require "mrlua.job"
local maps = require "mrlua.maps"
local values = require "mrlua.check.values"

local World = {}
World.__index = World

local STEP <const> = 1000                -- instructions between two looks at the limit
local INSTRUCTIONS_MAX <const> = 20000000 -- of one call: some 0.2 s, for a record that takes 1 ms
local SEED <const> = 1
local EMITS_MAX <const> = 20000          -- of one call of World:map()
-- Kept: those of the job are put in their place while it is loaded.
local create, resume, status = coroutine.create, coroutine.resume, coroutine.status
local ENDLESS <const>, ENOUGH <const> = {}, {}

-- ---- calls ----

local strings = debug.getmetatable ""

local function with_strings(index, sealed, f, ...)
  strings.__index, strings.__metatable = index, sealed
  local answer = table.pack(f(...))
  strings.__index, strings.__metatable = string, nil
  return table.unpack(answer, 1, answer.n)
end

local function raise()
  error(ENDLESS, 0)
end

-- A hook that raises once the limit is passed, and from then on at every instruction of the thread,
-- so that no pcall() outlives it.
local function limit_hook()
  local left = INSTRUCTIONS_MAX // STEP
  return function()
    left = left - 1
    if left <= 0 then
      debug.sethook(raise, "", 1)
      error(ENDLESS, 0)
    end
  end
end

local current_hook -- of the call that is on, for the coroutines it makes

local function hooked(f)
  local thread = create(f)
  if current_hook then
    debug.sethook(thread, current_hook, "", STEP)
  end
  return thread
end

local function results_or_error(ok, ...)
  if not ok then
    error((...), 0)
  end
  return ...
end

local coroutines = {}
for name, f in pairs(coroutine) do
  coroutines[name] = f
end
coroutines.create = hooked

function coroutines.wrap(f)
  local thread = hooked(f)
  return function(...)
    return results_or_error(resume(thread, ...))
  end
end

local function message_of(raised)
  if type(raised) == "table" and getmetatable(raised) == nil then
    return "an error that is a table: " .. values.text(raised)
  end
  return handed.error_text(raised)
end

-- true and what f answers; or false and a fault.
local function call(f, ...)
  current_hook = limit_hook()
  local thread = hooked(f) -- the hook is its own: it raises nowhere else
  local answer = table.pack(resume(thread, ...))
  current_hook = nil
  if status(thread) == "suspended" then
    return false, { message = "attempt to yield from outside a coroutine" }
  elseif answer[1] then
    return table.unpack(answer, 1, answer.n)
  elseif answer[2] == ENDLESS then
    return false, { message = "it does not come to an end", is_endless = true }
  end
  return false, { message = answer[2] == ENOUGH and ENOUGH or message_of(answer[2]) }
end

-- ---- loading ----

-- pairs() of tables, in an order that is not the usual one but may be: lists keep theirs.
local function pairs_down(fields)
  local metatable = getmetatable(fields)
  if type(fields) ~= "table" or type(metatable) == "table" and metatable.__pairs then
    return pairs(fields)
  end
  local keys, count = {}, rawlen(fields)
  for key in next, fields do
    if not (math.type(key) == "integer" and key >= 1 and key <= count) then
      table.insert(keys, 1, key)
    end
  end
  local at = 0
  return function()
    while at < count + #keys do
      at = at + 1
      local key = at <= count and at or keys[at - count]
      if rawget(fields, key) ~= nil then
        return key, rawget(fields, key)
      end
    end
  end, fields, nil
end

-- The sandbox takes its functions from the globals: these are the job's.
local function load_job(settings)
  local outer_pairs, outer_coroutine = _G.pairs, _G.coroutine
  _G.coroutine = coroutines
  if settings.order == "down" then
    _G.pairs = pairs_down
  end
  local answer = table.pack(call(job.load, settings))
  _G.pairs, _G.coroutine = outer_pairs, outer_coroutine
  local index = strings.__index
  strings.__index, strings.__metatable = string, nil
  return index, table.unpack(answer, 1, answer.n)
end

local function ignore() end

--- Loads the job.
-- @tparam table settings  bundle; params, as on the command line; stage: "map" or "reduce"; order:
--                         "up" or "down"; paths: of side files; step: the number of one of `steps`
-- @treturn table          or nil and one line
function World.new(settings)
  local context = { stage = settings.stage, job = "check", task = 0, attempt = 0, worker = "check",
    count = ignore, emit_to = ignore }
  function context.open(name)
    local path = settings.paths and settings.paths[name]
    if not path then
      error("mr.open: there is no side file '" .. tostring(name) .. "'", 2)
    end
    return assert(io.open(path, "rb"))
  end
  local index, ok, spec, view, mr, use = load_job {
    bundle = settings.bundle, params = settings.params, order = settings.order, print = ignore,
    context = context,
  }
  if not ok then
    return nil, spec.message
  elseif not spec then
    return nil, view
  end
  local self = setmetatable({ spec = spec, view = view, mr = mr, use = use, index = index }, World)
  self.one = settings.step and spec.steps[settings.step] or spec
  return self
end

--- Calls a function of the job.
-- @return  true and its answers; or false and a fault
function World:call(f, ...)
  return with_strings(self.index, false, call, f, ...)
end

-- ---- maps ----

local TYPES <const> = { string = true, number = true, boolean = true, table = true }

local function emit_into(records)
  return function(key, value)
    local problem = handed.key_problem(key)
    if problem then
      error("emit: " .. problem, 2)
    elseif not TYPES[type(value)] then
      error("emit: value is " .. (value == nil and "" or "a ") .. type(value), 2)
    elseif #records >= EMITS_MAX then
      error(ENOUGH, 0)
    end
    records[#records + 1] = { dryrun.key(key), values.copy(value) }
  end
end

local function shorten(records, count)
  for i = #records, count + 1, -1 do
    records[i] = nil
  end
end

-- The map of an input, or of the step.
function World:map_of(name)
  if self.one == self.spec then
    local map = self.use(name)
    return map == "identity" and maps.new("identity") or map
  end
  local map = self.one.map
  return type(map) == "string" and maps.new(map, self.view.params) or map
end

--- Maps records as one map task does.
-- @tparam ?string name       of the input
-- @tparam {{key,value},...} records
-- @treturn {{key,value},...} what was emitted: all, or of the records that no fault was at
-- @treturn {table,...}       faults, each with `record`, the number, and `place`: "map" or "setup"
function World:map(name, records)
  local emitted, faults, map = {}, {}, self:map_of(name)
  math.randomseed(SEED) -- as a task's, always the same
  local emit = emit_into(emitted)
  local function try(place, number, f, ...)
    local before = #emitted
    local ok, fault = self:call(f, ...)
    if not ok then
      shorten(emitted, before)
      fault.place, fault.record = place, number
      faults[#faults + 1] = fault.message ~= ENOUGH and fault or nil
    end
    return ok
  end
  if self.one.setup and not try("setup", 0, self.one.setup, self.mr) then
    return emitted, faults
  end
  for number, record in ipairs(records) do
    if not try("map", number, map, record[1], values.copy(record[2]), emit)
      and faults[1] and faults[#faults].is_endless then
      return emitted, faults
    end
  end
  if self.one.cleanup then
    try("cleanup", #records, self.one.cleanup, self.mr, emit)
  end
  return emitted, faults
end

-- ---- reduces ----

-- An iterator over values; `on_again` is called when it is asked once more after its end.
local function iterator(items, is_grouped, on_again)
  local at = 0
  return function()
    at = at + 1
    local record = items[at]
    if record == nil then
      if at > #items + 1 then
        on_again()
      end
      return nil
    elseif is_grouped then
      return values.copy(record[2]), values.copy(record[1])
    end
    return values.copy(record[2])
  end
end

local function copy_of(list)
  return table.move(list, 1, #list, 1, {})
end

local NUMBER <const>, ORDERED <const> = { number = true }, { number = true, string = true }
local TAKES <const> = { sum = NUMBER, mean = NUMBER, min = ORDERED, max = ORDERED,
  top = ORDERED }

-- What the engine says of values that a built-in does not take (engine/record/builtin.c, top.c);
-- nil: it takes them. Lua is not as strict: it adds texts that read as numbers.
local function problem_of(builtin, group)
  local takes, first = TAKES[builtin], nil
  for _, record in ipairs(takes and group or {}) do
    local kind = type(record[2])
    first = first or kind
    if not takes[kind] and builtin == "top" then
      return ("top: values of key %s must be numbers or strings"):format(values.text(record[1]))
    elseif not takes[kind] then
      return ("%s: value of key %s is a %s, not a %s"):format(builtin, values.text(record[1]), kind,
        takes == NUMBER and "number" or "number or string")
    elseif kind ~= first then
      return ("%s: values of key %s are numbers and strings"):format(builtin,
        values.text(record[1]))
    end
  end
end

-- A function or, of a built-in, what it means.
local function apply(world, f, group, is_grouped, emit)
  if type(f) == "function" then
    return world:call(f, values.copy(group[1][1]), iterator(group, is_grouped, function()
      world.reads_again = true
    end), emit)
  end
  local problem = problem_of(f, group)
  if problem then
    return false, { message = problem }
  end
  local job_of_builtin = { map = "identity", reduce = f, params = world.view.params }
  local ok, records = pcall(dryrun.run, job_of_builtin, values.copy(group))
  if not ok then
    return false, { message = tostring(records) }
  end
  for _, record in ipairs(records) do
    emit(record[1], record[2])
  end
  return true
end

--- Combines the values of one key.
-- @tparam {{key,value},...} records  of the same key
-- @treturn {{key,value},...}         or nil and a fault
function World:combine(records)
  local emitted = {}
  local ok, fault = apply(self, self.one.combine, records, false, emit_into(emitted))
  if not ok then
    return nil, fault
  end
  return emitted
end

--- Reduces records as one reduce task does. Afterwards `reads_again` tells whether a function has
-- asked for more values behind their end.
-- @treturn {{key,value},...}  or nil and a fault; and the number of the group it was at
function World:reduce(records)
  local emitted = {}
  local emit, count = emit_into(emitted), self.one.group or 0
  local ok, fault = true, nil
  if self.one.setup then
    ok, fault = self:call(self.one.setup, self.mr)
  end
  local at
  for number, group in ipairs(ok and dryrun.groups(copy_of(records), count) or {}) do
    ok, fault = apply(self, self.one.reduce, group, count > 0, emit)
    if not ok then
      at = number
      break
    end
  end
  if ok and self.one.cleanup then
    ok, fault = self:call(self.one.cleanup, self.mr, emit)
  end
  if not ok then
    return nil, fault, at
  end
  return emitted
end

return World

--- The world a job file lives in: globals from an allow-list, and `require` of what was shipped
-- with it.
--
-- This is the inner wall: it keeps honest scripts repeatable (no clock, no environment, no files
-- but those that the job declares, seeded random numbers) and gives hostile ones little to hold on
-- to. The wall that holds is the child process with its system call list (engine/vm/sandbox.h).
--
-- A job may extend its own copies of the libraries (`function string.trim(s) ... end`, and then
-- `line:trim()`): nothing is shared, as each attempt has its own Lua state.

local sandbox = {}

local FUNCTIONS = {
  "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget",
  "rawlen", "rawset", "select", "tonumber", "tostring", "type", "xpcall", "_VERSION",
}
local LIBRARIES = { "coroutine", "math", "string", "table", "utf8" }
local NATIVE_MODULES = {
  cjson = true, lpeg = true,
  ["mrlua.json"] = true, ["mrlua.sketch"] = true, ["mrlua.stats"] = true, ["mrlua.text"] = true,
}

local function copy(library)
  local fields = {}
  for name, value in next, library do
    fields[name] = value
  end
  return fields
end

--- A view of `fields` that cannot be written.
-- @tparam table fields   what is seen; may still change
-- @tparam string name    for messages: "mr.params"
-- @tparam[opt] function missing  called with a key that is not there, for its error
function sandbox.freeze(fields, name, missing)
  if missing then
    setmetatable(fields, { __index = function(_, key) missing(key) end })
  end
  return setmetatable({}, {
    __index = fields, -- a table and no function: mr.count is looked up for every record
    __newindex = function(_, key)
      error(("%s is read only: '%s' was not set"):format(name, tostring(key)), 2)
    end,
    __pairs = function()
      return next, copy(fields), nil
    end,
    __metatable = false,
  })
end

-- An object with a finalizer runs code where no limit of Lua's is in force.
local function set_metatable(object, metatable)
  if type(metatable) == "table" and rawget(metatable, "__gc") ~= nil then
    error("setmetatable: a job cannot have finalizers (__gc)", 2)
  end
  return setmetatable(object, metatable)
end

local function collect_garbage(option)
  if option ~= "count" then
    error("collectgarbage: a job can only ask for \"count\"", 2)
  end
  return collectgarbage "count"
end

-- Without arguments the seed would come from the clock.
local function random_seed(...)
  if select("#", ...) == 0 then
    error("math.randomseed: give a seed; the default one is a function of job and task", 2)
  end
  return math.randomseed(...)
end

local function load_into(environment)
  return function(chunk, name, _, ...)
    if select("#", ...) == 0 then
      return load(chunk, name, "t", environment)
    end
    return load(chunk, name, "t", (...))
  end
end

local function run_module(module, name, environment)
  local chunk, message = sandbox.compile(module, environment)
  if not chunk then
    error(message, 0)
  end
  local answer = chunk(name, module.path)
  return answer == nil and true or answer
end

-- `otherwise` is asked for what is not in the bundle.
local function require_from(bundle, environment, otherwise)
  local loaded, loading = {}, {}
  return function(name)
    if loaded[name] == nil then
      local module = bundle.modules and bundle.modules[name]
      if not module then
        loaded[name] = otherwise(name)
      elseif loading[name] then
        error(("module '%s' requires itself"):format(name), 2)
      else
        loading[name] = true
        loaded[name] = run_module(module, name, environment)
      end
    end
    return loaded[name]
  end
end

local function safe_environment()
  local environment = {}
  for _, name in ipairs(FUNCTIONS) do
    environment[name] = _G[name]
  end
  for _, name in ipairs(LIBRARIES) do
    environment[name] = copy(_G[name])
  end
  environment.string.dump = nil
  environment.math.randomseed = random_seed
  environment.setmetatable = set_metatable
  environment.collectgarbage = collect_garbage
  environment.load = load_into(environment)
  return environment
end

local function require_native(environment)
  return function(name)
    if NATIVE_MODULES[name] then
      return require(name)
    end
    for _, library in ipairs(LIBRARIES) do
      if library == name then
        return environment[name]
      end
    end
    error(("module '%s' is not there: a job can require lpeg, cjson, mrlua.text, mrlua.json, "
      .. "mrlua.stats, mrlua.sketch, and modules that lie beside its file and are named there as "
      .. "require \"...\""):format(tostring(name)), 3)
  end
end

--- Makes the globals of one job.
-- @tparam table settings  bundle; print (a function); context (the fields of `mr`); unsafe
-- @treturn table          the globals
-- @treturn function       set_params(params): what mr.params shows from then on
-- @treturn function       set_input(name): what mr.input is from then on
function sandbox.new(settings)
  local environment, otherwise
  if settings.unsafe then
    environment, otherwise = copy(_G), require
  else
    environment = safe_environment()
    otherwise = require_native(environment)
  end
  local context = copy(settings.context or {})
  environment._G = environment
  environment.print = settings.print
  environment.require = require_from(settings.bundle, environment, otherwise)
  environment.mr = sandbox.freeze(context, "mr", function(key)
    if key == "params" then
      error("mr.params is known once the job file has returned: read it inside a function", 3)
    end
  end)
  return environment, function(params)
    context.params = sandbox.freeze(params, "mr.params")
  end, function(name)
    context.input = name
  end
end

--- Makes ("x"):method() use the job's own string library, and hides the metatable.
function sandbox.seal_strings(environment)
  local metatable = getmetatable ""
  metatable.__index = environment.string
  metatable.__metatable = false
end

--- Compiles a file of the bundle, text only. As Lua's own loader does, it skips a byte order mark
-- and a first line that starts with #.
-- @tparam table file  path, source
-- @treturn function   or nil and a message with file and line
function sandbox.compile(file, environment)
  local source = string.gsub(file.source, "^\xef\xbb\xbf", "")
  source = string.gsub(source, "^#[^\n]*", "", 1)
  return load(source, "@" .. file.path, "t", environment)
end

return sandbox

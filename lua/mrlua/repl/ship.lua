--- A job that was typed at a prompt, as the text of a job file: a table in, Lua source out.
--
--     local source, message = ship.source({ map = function(_, line, emit) emit(line, n) end,
--       reduce = "sum" }, { env = env, text_of = chunk.text })
--
-- A function is cut out of what was typed, by the lines that Lua tells of it. What it uses from
-- outside goes along: locals around it, and globals that were made at the prompt. That may be
-- plain data (numbers, strings, booleans, tables of these), other functions that were typed,
-- functions and tables of Lua's libraries, and modules of mrlua. What functions share there, they
-- share in the job, too; but each attempt begins with the values of now.
--
-- What cannot go along is an error that names it: userdata, coroutines, C functions that a job does
-- not have, functions whose text is not known, tables with cycles or metatables.
--
-- Pure, but for what `text_of` does.

local tokens = require "mrlua.repl.tokens"

local ship = {}

local BYTES_MAX = 1 << 20 -- data belongs into an input, or a side file
local VARIABLES_MAX = 150 -- Lua has 200 locals in a function

local NOT_CAPTURED = { mr = true, _ENV = true } -- a job has its own

local LIBRARIES = { "string", "table", "math", "utf8", "coroutine" }
local FUNCTIONS = { "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "print",
  "rawequal", "rawget", "rawlen", "rawset", "require", "select", "setmetatable", "tonumber",
  "tostring", "type", "xpcall" }
local MODULES = { "mrlua.text", "mrlua.json", "mrlua.stats", "mrlua.sketch", "lpeg", "cjson" }

-- What a job has by itself: value -> how it says so.
local function known_values()
  local known = {}
  for _, name in ipairs(FUNCTIONS) do
    known[_G[name]] = name
  end
  for _, name in ipairs(LIBRARIES) do
    known[_G[name]] = name
    for field, value in pairs(_G[name]) do
      known[value] = type(value) == "function" and name .. "." .. field or nil
    end
  end
  for _, name in ipairs(MODULES) do
    local module = package.loaded[name]
    if type(module) == "table" then
      known[module] = ("require %q"):format(name)
      for field, value in pairs(module) do
        if type(value) == "function" then
          known[value] = ("require(%q).%s"):format(name, field)
        end
      end
    end
  end
  return known
end

local work = {}
work.__index = work

-- Ends the whole; caught in ship.source.
local function refuse(message, ...)
  error({ ship = message:format(...) }, 0)
end

-- The way to a value, for messages: "map", or "global 'stop.words', which map uses,".
local way = {}
way.__index = way
way.__tostring = function(self)
  return self.kind and ("%s '%s', which %s uses,"):format(self.kind, self.name, self.user)
    or self.name
end

function way:to(key)
  local step = type(key) == "string" and (key:find "^[%a_][%w_]*$" and "." .. key
    or ("[%q]"):format(key)) or ("[%s]"):format(tostring(key))
  return setmetatable({ kind = self.kind, user = self.user,
    name = self.name == "" and step:gsub("^%.", "") or self.name .. step }, way)
end

-- ---- functions ----

-- The names of its upvalues, in order, and of its nth the value.
local function upvalues_of(fn)
  local names, values = {}, {}
  local name, value = debug.getupvalue(fn, 1)
  while name do
    names[#names + 1], values[#values + 1] = name, value
    name, value = debug.getupvalue(fn, #names + 1)
  end
  return names, values
end

local function is_same_list(a, b)
  return table.concat(a, "\0") == table.concat(b, "\0")
end

-- The text as a function that has these names around it.
local function compile(text, names, line)
  local head = #names > 0 and "local " .. table.concat(names, ", ") .. " " or ""
  local run = load(("\n"):rep(line - 1) .. head .. "return " .. text, "=ship", "t", {})
  return run and run()
end

local function differing_bytes(a, b)
  local count = math.abs(#a - #b) * 1000
  for i = 1, math.min(#a, #b) do
    count = count + (a:byte(i) ~= b:byte(i) and 1 or 0)
  end
  return count
end

-- Locals for its upvalues; _ENV is there anyway, and may be the first one's place.
local function without_env(names)
  local rest = {}
  for _, name in ipairs(names) do
    rest[#rest + 1] = name ~= "_ENV" and name or nil
  end
  return rest
end

-- Of the functions on the lines of `fn`, the one whose code it is: compiled with the same names
-- around it, its bytecode differs from that of `fn` only in where those come from.
local function choose(fn, candidates)
  local names, best, best_count = upvalues_of(fn), nil, math.huge
  local code = string.dump(fn, true)
  for _, candidate in ipairs(candidates) do
    local made = compile(candidate.text, without_env(names), candidate.first)
    if made and is_same_list(upvalues_of(made), names) then
      local count = differing_bytes(code, string.dump(made, true))
      if count < best_count then
        best, best_count = candidate, count
      end
    end
  end
  return best
end

-- The text of `fn` as an expression.
function work:text_of_function(fn, path)
  local info = debug.getinfo(fn, "S")
  if info.what == "C" then
    refuse("%s is a C function that jobs do not have", path)
  end
  local text = self.text_of(info.source)
  if not text then
    refuse("%s is a function of %s, which was not typed here: require it in a job file", path,
      info.short_src)
  end
  local candidates = {}
  for _, one in ipairs(tokens.functions(text)) do
    if one.first == info.linedefined and one.last == info.lastlinedefined then
      candidates[#candidates + 1] = one
    end
  end
  local found = choose(fn, candidates)
  if not found then
    refuse("%s: its text is not found in what was typed", path)
  end
  return found.text, found.first
end

-- The globals of the prompt that a function uses: what is left over when all that it names are
-- locals around it.
function work:globals_of(text, upvalue_names, line)
  local around, seen = {}, {}
  for _, name in ipairs(upvalue_names) do
    seen[name] = true
  end
  for _, name in ipairs(tokens.names(text)) do
    if not seen[name] and not NOT_CAPTURED[name] and rawget(self.env, name) ~= nil then
      around[#around + 1] = name
    end
  end
  if #around > VARIABLES_MAX then
    refuse("a function names more than %d globals of the prompt", VARIABLES_MAX)
  end
  local all = table.move(around, 1, #around, #upvalue_names + 1, { table.unpack(upvalue_names) })
  local used = {}
  for _, name in ipairs((upvalues_of(compile(text, without_env(all), line)))) do
    used[#used + 1] = not seen[name] and name ~= "_ENV" and name or nil
  end
  return used
end

-- Notes a variable that a function uses.
function work:add_variable(id, value, fn, path)
  local variable = self.variables[id]
  if not variable then
    variable = { name = path.name, users = {}, user_count = 0 }
    self.variables[id] = variable
    table.insert(self.order, variable)
    if #self.order > VARIABLES_MAX then
      refuse("the job's functions use more than %d variables around them", VARIABLES_MAX)
    end
    variable.text = value == nil and "nil" or self:expression(value, setmetatable(path, way))
  end
  if not variable.users[fn] then
    variable.users[fn] = true
    variable.user_count = variable.user_count + 1
  end
end

-- A function as text, where its variables are in sight under their names.
function work:function_text(fn, path)
  if self.known[fn] then
    return self.known[fn]
  elseif self.functions[fn] then
    return self.functions[fn].mark
  end
  local text, line = self:text_of_function(fn, path)
  self.function_count = self.function_count + 1
  local mark <const> = ("\0%d\0"):format(self.function_count)
  self.functions[fn] = { text = text, mark = mark }
  self.by_mark[mark] = self.functions[fn]
  local names, values = upvalues_of(fn)
  for i, name in ipairs(names) do
    if name ~= "_ENV" then
      self:add_variable(debug.upvalueid(fn, i), values[i], fn,
        { kind = "upvalue", name = name, user = path.name })
    end
  end
  for _, name in ipairs(self:globals_of(text, names, line)) do
    self:add_variable("global " .. name, rawget(self.env, name), fn,
      { kind = "global", name = name, user = path.name })
  end
  return mark
end

-- ---- data ----

local function sorted_keys(value)
  local keys = {}
  for key in next, value do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then
      return a < b
    end
    return type(a) < type(b)
  end)
  return keys
end

function work:table_text(value, path)
  if self.known[value] then
    return self.known[value]
  elseif self.open[value] then
    refuse("%s holds itself: a cycle cannot be sent", path)
  elseif debug.getmetatable(value) then
    refuse("%s has a metatable, which cannot be sent", path)
  end
  self.open[value] = true
  local fields = {}
  for i, key in ipairs(sorted_keys(value)) do
    fields[i] = ("[%s] = %s"):format(self:expression(key, path:to "(key)"),
      self:expression(value[key], path:to(key)))
  end
  self.open[value] = nil
  return "{ " .. table.concat(fields, ", ") .. " }"
end

-- A value as text.
function work:expression(value, path)
  local kind = type(value)
  if kind == "string" or kind == "number" then
    self.bytes = self.bytes + (kind == "string" and #value or 8)
    if self.bytes > BYTES_MAX then
      refuse("%s: with it there is more than 1 MiB of data, which belongs into an input or a side"
        .. " file", path)
    end
    return ("%q"):format(value)
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind == "table" then
    return self:table_text(value, path)
  elseif kind == "function" then
    return self:function_text(value, path)
  end
  refuse("%s is a %s, which cannot be sent", path, kind == "thread" and "coroutine" or kind)
end

-- ---- the whole ----

-- Variables under a name that others have, too, are private: around the one function that uses
-- them.
function work:sort_variables()
  local counts, shared = {}, {}
  for _, variable in ipairs(self.order) do
    counts[variable.name] = (counts[variable.name] or 0) + 1
  end
  for _, variable in ipairs(self.order) do
    if counts[variable.name] == 1 then
      shared[#shared + 1] = variable
    elseif variable.user_count > 1 then
      refuse("several variables are named '%s', and functions share one: rename it", variable.name)
    else
      local record = self.functions[next(variable.users)]
      record.private = record.private or {}
      table.insert(record.private, variable)
    end
  end
  return shared
end

local function declaration(variables)
  local names = {}
  for i, variable in ipairs(variables) do
    names[i] = variable.name
  end
  return "local " .. table.concat(names, ", ") .. "\n"
end

-- Puts functions where their marks are.
function work:fill(text)
  return (text:gsub("\0%d+\0", function(mark)
    local record = self.by_mark[mark]
    if not record.private then
      return record.text
    elseif record.is_open then
      refuse("several variables are named '%s', one of a function that calls itself: rename it",
        record.private[1].name)
    end
    record.is_open = true
    local lines = { "(function()\n", declaration(record.private) }
    for _, variable in ipairs(record.private) do
      lines[#lines + 1] = ("%s = %s\n"):format(variable.name, self:fill(variable.text))
    end
    record.is_open = nil
    return table.concat(lines) .. "return " .. record.text .. "\nend)()"
  end))
end

-- A job's fields, a line each.
function work:job_text(job)
  local lines, top = { "return {\n" }, setmetatable({ name = "" }, way)
  for _, key in ipairs(sorted_keys(job)) do
    local name = type(key) == "string" and key:find "^[%a_][%w_]*$" and load(key .. " = 1") and key
    lines[#lines + 1] = ("  %s = %s,\n"):format(name or "[" .. self:expression(key, top) .. "]",
      self:expression(job[key], top:to(key)))
  end
  return table.concat(lines) .. "}\n"
end

function work:source(job)
  local body = self:job_text(job)
  local shared = self:sort_variables()
  local lines = {}
  if #shared > 0 then
    lines[1] = declaration(shared)
    for _, variable in ipairs(shared) do
      lines[#lines + 1] = ("%s = %s\n"):format(variable.name, self:fill(variable.text))
    end
  end
  return table.concat(lines) .. self:fill(body)
end

--- The job file that means what this table means.
-- @tparam table job
-- @tparam table options  env: the globals of the prompt; text_of(source): what was compiled as that
-- @treturn string        or nil and one line
function ship.source(job, options)
  local it = setmetatable({
    env = options.env, text_of = options.text_of, known = known_values(), functions = {},
    by_mark = {}, function_count = 0, variables = {}, order = {}, open = {}, bytes = 0,
  }, work)
  local ok, answer = pcall(it.source, it, job)
  if ok then
    return answer
  elseif type(answer) == "table" and answer.ship then
    return nil, answer.ship
  end
  error(answer, 0)
end

return ship

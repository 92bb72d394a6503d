--- The frames of a raised error as a table of globals: what is typed at a prompt reads and assigns
-- the locals and upvalues of one of them, while they are still there.
--
--     xpcall(f, function(message)
--       local frames = stack.new()      in the message handler
--       prompt.run { env = frames:globals(others) }
--     end)
--
-- A frame is known by how many are below it on the stack: however deep the prompt is, that stays.

local frames = require "mrlua.frames"
local printable = require "mrlua.printable"

local stack = {}
stack.__index = stack

-- How many frames there are, with that of who calls this.
local function depth()
  local level = 2
  while debug.getinfo(level, "l") do
    level = level + 1
  end
  return level - 2
end

local function write_out(text)
  io.stdout:write(text)
end

--- Those of the job, innermost first; the innermost is the chosen one.
-- @tparam[opt] function write  where what is told goes: text in; standard output
-- @treturn ?table  nil: there is none
function stack.new(write)
  local self <const> = setmetatable({ list = {}, at = 1, write = write or write_out }, stack)
  local total = depth()
  for level = 2, total do
    local info = debug.getinfo(level, "nSlf")
    if info and frames.is_of_job(info) then
      info.place = total - level + 1
      self.list[#self.list + 1] = info
    end
  end
  return self.list[1] and self or nil
end

-- The number of the last local of that name, which is the one that is seen there, and its value.
local function find_local(place, name)
  local level, found, value = depth() - place + 1, nil, nil
  for i = 1, 250 do -- no function has more
    local known, now = debug.getlocal(level, i)
    if not known then
      break
    elseif known == name then
      found, value = i, now
    end
  end
  return found, value
end

local function find_upvalue(f, name)
  for i = 1, 255 do
    local known, value = debug.getupvalue(f, i)
    if not known then
      return nil
    elseif known == name then
      return i, value
    end
  end
end

--- What a name is in the chosen frame.
-- @treturn boolean  it is there
-- @return           its value
function stack:get(name)
  local frame = self.list[self.at]
  local i, value = find_local(frame.place, name)
  if not i then
    i, value = find_upvalue(frame.func, name)
  end
  return i ~= nil, value
end

--- @treturn boolean  it was there, and is `value` now
function stack:set(name, value)
  local frame = self.list[self.at]
  local i = find_local(frame.place, name)
  if i then
    debug.setlocal(depth() - frame.place + 1, i, value)
    return true
  end
  i = find_upvalue(frame.func, name)
  if i then
    debug.setupvalue(frame.func, i, value)
  end
  return i ~= nil
end

-- Calls `visit` with name and value of each variable of the chosen frame: its locals, its upvalues.
function stack:each(visit)
  local frame = self.list[self.at]
  for i = 1, 250 do
    local name, value = debug.getlocal(depth() - frame.place + 1, i)
    if not name then
      break
    elseif name:find "^[%a_]" then
      visit(name, value)
    end
  end
  for i = 1, 255 do
    local name, value = debug.getupvalue(frame.func, i)
    if not name then
      break
    elseif name ~= "_ENV" then
      visit(name, value)
    end
  end
end

local function name_of(info)
  return info.name or ("function <%s:%d>"):format(info.short_src, info.linedefined)
end

--- The frames as lines, the chosen one marked.
function stack:text()
  local lines = {}
  for i, info in ipairs(self.list) do
    lines[i] = printable.line(("%s %d  %s:%d in %s"):format(i == self.at and ">" or " ", i,
      info.short_src, info.currentline, name_of(info))) .. "\n"
  end
  return table.concat(lines)
end

--- The variables of the chosen frame as lines.
function stack:variables_text()
  local lines = {}
  self:each(function(name, value)
    lines[#lines + 1] = ("  %s = %s\n"):format(name, frames.text(debug, value))
  end)
  return table.concat(lines)
end

-- Chooses another one and tells it; beyond the ends it stays.
function stack:choose(at)
  self.at = math.floor(math.max(1, math.min(#self.list, at)))
  self.write(self:text())
end

-- What a prompt has beside the variables.
local function commands_of(self)
  return {
    where = function() self:choose(self.at) end,
    up = function(n) self:choose(self.at + (n or 1)) end,
    down = function(n) self:choose(self.at - (n or 1)) end,
    vars = function() self.write(self:variables_text()) end,
  }
end

--- A table whose fields are the variables of the chosen frame; what it has not comes from the
-- commands where(), up(), down() and vars(), from the globals that the frame sees, and then from
-- `others`. What is assigned and is no variable is a field of the table.
-- @tparam table others
function stack:globals(others)
  local commands <const> = commands_of(self)
  local function global(name)
    local _, globals = find_upvalue(self.list[self.at].func, "_ENV")
    local value = nil
    if type(globals) == "table" then
      value = globals[name]
    end
    if value == nil then
      return others[name]
    end
    return value
  end
  return setmetatable({}, {
    __index = function(_, name)
      local is_there, value = self:get(name)
      if is_there then
        return value
      end
      return commands[name] or global(name)
    end,
    __newindex = function(env, name, value)
      if not self:set(name, value) then
        rawset(env, name, value)
      end
    end,
    __pairs = function()
      local all = {}
      for name, value in pairs(commands) do all[name] = value end
      self:each(function(name, value) all[name] = value == nil and false or value end)
      return next, all, nil
    end,
  })
end

return stack

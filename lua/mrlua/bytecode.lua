--- What a piece of Lua asks of its globals, as Lua's own compiler sees it: read from string.dump().
--
--     for _, use in ipairs(bytecode.uses(chunk).reads) do print(use.line, use.name, use.field) end
--
-- Why not a parser: what is a global is decided by scopes, <const>, goto and _ENV, and the compiler
-- that is there has decided it. Its output has a version: of any other one than Lua 5.4's,
-- bytecode.uses() answers nil, and the caller says that globals were not looked at.
--
-- The format is that of ldump.c, the numbers of instructions those of lopcodes.h; a global is
-- GETTABUP or SETTABUP of the upvalue _ENV. (In a function with more than 255 constants some are
-- reached in another way, and are not seen.)

local bytecode = {}

local HEADER <const> = "\27Lua\x54\0\x19\x93\r\n\x1a\n\4\8\8"
local HEADER_BYTES <const> = #HEADER + 8 + 8 + 1 -- a sample integer and float; upvalues of main

local MOVE <const>, GETUPVAL <const>, GETTABUP <const>, GETFIELD <const> = 0, 9, 11, 14
local SETTABUP <const>, SETFIELD <const> = 15, 18
local TEST <const>, TESTSET <const>, CLOSURE <const> = 66, 67, 79
local ABSOLUTE_LINE <const> = -128

local Reader = {}
Reader.__index = Reader

function Reader:byte()
  local at = self.at
  self.at = at + 1
  return self.text:byte(at)
end

function Reader:unpack(format)
  local value
  value, self.at = string.unpack(format, self.text, self.at)
  return value
end

-- Seven bits a byte, the highest first; the last byte has its top bit set.
function Reader:size()
  local size = 0
  repeat
    local byte = self:byte()
    size = size << 7 | byte & 0x7f
  until byte >= 0x80
  return size
end

function Reader:string()
  local size = self:size()
  if size == 0 then
    return nil
  end
  self.at = self.at + size - 1
  return self.text:sub(self.at - size + 1, self.at - 1)
end

function Reader:list(read)
  local items = {}
  for i = 1, self:size() do
    items[i] = read(self)
  end
  return items
end

local function instruction(reader)
  return reader:unpack "<I4"
end

local CONSTANTS <const> = {
  [0] = function() return false end, function() return false end, nil,
  function(reader) return reader:unpack "<i8" end, Reader.string,
  [17] = function() return true end, [19] = function(reader) return reader:unpack "<d" end,
  [20] = Reader.string,
}

local function constant(reader)
  return assert(CONSTANTS[reader:byte()], "a constant of an unknown type")(reader)
end

-- Of an upvalue: is it a register of the function around, and which?
local function capture(reader)
  local is_register, index = reader:byte(), reader:byte()
  reader:byte() -- its kind
  return is_register == 1 and index
end

local function line_step(reader)
  return reader:unpack "<i1"
end

local function absolute_line(reader)
  local pc = reader:size()
  return { pc, reader:size() }
end

local function local_variable(reader)
  return { name = reader:string() or "", first = reader:size(), stop = reader:size() }
end

-- The line of each instruction, from steps and from lines that are told whole.
local function lines_of(first, steps, absolute)
  local lines, line, whole = {}, first, {}
  for _, pair in ipairs(absolute) do
    whole[pair[1]] = pair[2]
  end
  for pc, step in ipairs(steps) do
    line = step == ABSOLUTE_LINE and whole[pc - 1] or line + step
    lines[pc] = line
  end
  return lines
end

local function prototype(reader)
  local self = { source = reader:string(), first_line = reader:size() }
  reader:size() -- the last line
  reader.at = reader.at + 3 -- parameters, vararg, stack
  self.code, self.constants = reader:list(instruction), reader:list(constant)
  self.captures = reader:list(capture)
  self.inner = reader:list(prototype)
  local steps = reader:list(line_step)
  self.lines = lines_of(self.first_line, steps, reader:list(absolute_line))
  self.locals = reader:list(local_variable)
  self.upvalues = {}
  for i = 1, reader:size() do
    self.upvalues[i] = reader:string() or ""
  end
  return self
end

-- { operation, A, B, C }
local function parts(code)
  return code & 0x7f, code >> 7 & 0xff, code >> 16 & 0xff, code >> 24
end

-- Is what was just read in register `a` only asked whether it is there?
local function is_tested(code, a)
  if not code then
    return false
  end
  local operation, test_a, test_b = parts(code)
  return operation == TEST and test_a == a or operation == TESTSET and test_b == a
end

local function field_of(proto, code, a)
  local operation, _, b, c = parts(code or 0)
  return operation == GETFIELD and b == a and proto.constants[c + 1] or nil
end

-- The names of locals that an instruction sees: its function's, and those of the outer ones.
local function visible_at(proto, pc, outer)
  local names = {}
  for name in next, outer do
    names[name] = true
  end
  for _, variable in ipairs(proto.locals) do
    if variable.first < pc and pc <= variable.stop and variable.name:find "^[%a_]" then
      names[variable.name] = true
    end
  end
  return names
end

local function add_write(proto, pc, name, outer, uses)
  uses.writes[name] = true
  table.insert(uses.sets, { name = name, line = proto.lines[pc],
    visible = visible_at(proto, pc, outer) })
end

local function add_uses(proto, uses, outer)
  for pc, code in ipairs(proto.code) do
    local operation, a, b, c = parts(code)
    local next_code, line = proto.code[pc + 1], proto.lines[pc]
    if operation == GETTABUP and proto.upvalues[b + 1] == "_ENV" then
      local field = field_of(proto, next_code, a)
      local is_guarded = is_tested(next_code, a)
        or field and is_tested(proto.code[pc + 2], (select(2, parts(next_code))))
      local second = field and field_of(proto, proto.code[pc + 2], (select(2, parts(next_code))))
      table.insert(uses.reads, { name = proto.constants[c + 1], line = line, field = field,
        second_field = second or nil, is_guarded = is_guarded or false })
    elseif operation == SETTABUP and proto.upvalues[a + 1] == "_ENV" then
      add_write(proto, pc, proto.constants[b + 1], outer, uses)
    elseif operation == GETUPVAL and proto.upvalues[b + 1] == "_ENV" then
      uses.is_open = true
    elseif operation == CLOSURE then
      add_uses(proto.inner[(code >> 15) + 1], uses, visible_at(proto, pc, outer))
    elseif operation == SETFIELD then
      uses.fields_written[proto.constants[b + 1]] = true
    elseif operation == GETFIELD then
      uses.fields_read[proto.constants[c + 1]] = true
    end
  end
  for _, variable in ipairs(proto.locals) do
    local name = variable.name
    uses.locals[name] = name:find "^[%a_]" and true or nil -- others are the compiler's own
  end
  return uses
end

local function sort_by_line(uses)
  for number, use in ipairs(uses) do
    use.number = number
  end
  table.sort(uses, function(a, b)
    return a.line < b.line or a.line == b.line and a.number < b.number
  end)
end

-- A function as its compiler wrote it; nil: this Lua writes another format.
local function prototype_of(f)
  local text = string.dump(f)
  if text:sub(1, #HEADER) ~= HEADER then
    return nil
  end
  local reader = setmetatable({ text = text, at = HEADER_BYTES + 1 }, Reader)
  local ok, proto = pcall(prototype, reader)
  return ok and reader.at == #text + 1 and proto or nil
end

--- Can a function call its n-th parameter, or hand it on? Both begin with a copy of its register,
-- or with a closure over it.
-- @tparam function f  in Lua
-- @tparam integer n   from 1
-- @treturn ?boolean   nil: this Lua writes another format
function bytecode.passes(f, n)
  local proto = prototype_of(f)
  if not proto then
    return nil
  elseif debug.getinfo(f, "u").nparams < n then
    return false
  end
  for _, code in ipairs(proto.code) do
    local operation, _, b = parts(code)
    if operation == MOVE and b == n - 1 then
      return true
    end
  end
  for _, inner in ipairs(proto.inner) do
    for _, register in ipairs(inner.captures) do
      if register == n - 1 then
        return true
      end
    end
  end
  return false
end

--- What a function, with all functions in it, asks of its globals.
-- @tparam function chunk  with its lines
-- @treturn table  Or nil: this Lua writes another format.
--   reads: a list of { name, line, field, second_field, is_guarded }, by line; `field` is asked of
--     the global at once ("string.sub"), second_field of that at once ("mr.params.n"), and guarded
--     is what is only tested (`x or y`);
--   sets: a list of { name, line, visible }, by line: globals that are set, and name -> true of the
--     locals that may be meant there;
--   writes, locals: name -> true; fields_read, fields_written: name -> true, of any table;
--   is_open: is _ENV itself handed on, so that what it is asked for is not seen?
function bytecode.uses(chunk)
  local proto = prototype_of(chunk)
  if not proto then
    return nil
  end
  local uses = add_uses(proto, { reads = {}, sets = {}, writes = {}, locals = {}, fields_read = {},
    fields_written = {}, is_open = false }, {})
  sort_by_line(uses.reads)
  sort_by_line(uses.sets)
  return uses
end

return bytecode

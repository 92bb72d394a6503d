--- The records of inputs, and of what jobs have left, one after the other.
--
--     for key, value in records.open { "out" } do ... end
--     records.open({ "logs/*.gz" }, { format = "lines" }):head(10)     a list, for people
--
-- Formats: those of inputs that need no job ("lines", "csv", "run", ...), and of outputs: "tsv"
-- (text that is a number as a job writes it becomes one), "jsonl" (key and value of a line that has
-- just these; else the whole as value). An iterator is read once; another one that is opened
-- ends it.

local engine = require "mrlua.engine"
local json = require "mrlua.json"

local records = {}
records.__index = records

local BATCH = 500
local HEAD = 10

local current -- the iterator whose inputs are open

local UNESCAPED = { t = "\t", n = "\n", r = "\r", ["\\"] = "\\" }

-- A field of "tsv": what is written there for a number is one again.
local function of_tsv(text)
  local number = tonumber(text)
  if number and (tostring(number) == text or ("%.17g"):format(number) == text) then
    return number
  elseif text == "true" or text == "false" then
    return text == "true"
  end
  return (text:gsub("\\(.)", UNESCAPED))
end

local DECODERS = {
  tsv = function(_, line)
    local key, value = line:match "^(.-)\t(.*)$"
    return of_tsv(key or line), value and of_tsv(value)
  end,
  jsonl = function(offset, line)
    local value = json.decode(line)
    if type(value) == "table" and value.key ~= nil and value.value ~= nil then
      return value.key, value.value
    end
    return offset, value
  end,
}

-- A result of Lua, or raises it as one line.
local function checked(answer, message)
  if not answer then
    error(message, 0)
  elseif answer.error then
    error(answer.error.message, 0)
  end
  return answer
end

function records:open_inputs()
  current = self
  checked(engine.look_open { inputs = self.inputs, bytes_max = self.bytes_max,
    format = DECODERS[self.format] and "lines" or self.format })
end

--- The next key and value; nothing at the end.
function records:next()
  if self.is_closed or current ~= self then
    return nil
  end
  self.at = self.at + 1
  while not self.batch or self.at > #self.batch do
    if self.batch_is_last then
      self:close()
      return nil
    end
    local answer = checked(engine.look_next { count = self.count })
    self.batch, self.at, self.batch_is_last = answer.records, 1, answer.is_ended
    self.is_cut = answer.is_cut
  end
  local record = self.batch[self.at]
  local decode = DECODERS[self.format]
  if decode then
    return decode(record[1], record[2])
  end
  return record[1], record[2]
end

records.__call = records.next

function records:close()
  if current == self then
    engine.look_close()
    current = nil
  end
  self.is_closed = true
end

--- The next `n` records (10), as a list of { key, value } that is shown as a table; is_cut: there
-- are more, but only so many bytes were fetched.
function records:head(n)
  local list = setmetatable({}, { __columns = { self.key_name, "value" } })
  for i = 1, n or HEAD do
    local key, value = self:next()
    if key == nil then
      break
    end
    list[i] = { key, value }
  end
  list.is_cut = self.is_cut or false
  return list
end

--- Opens inputs.
-- @tparam {string,...} inputs     files, folders, globs, gs://
-- @tparam[opt] table options      format ("lines"); bytes_max: of each object; count: so many are
--                                 asked for at once
-- @treturn table                  an iterator, with head(n) and close(); raises one line
function records.open(inputs, options)
  options = options or {}
  local format = options.format or "lines"
  local self = setmetatable({
    inputs = inputs, format = format, bytes_max = options.bytes_max, at = 0,
    count = options.count or BATCH, key_name = DECODERS[format] and "key"
      or format == "run" and "key" or format == "file" and "name" or "offset",
  }, records)
  self:open_inputs()
  return self
end

return records

--- What Tab could mean: names of variables and fields; in a string, paths and names of jobs.
--
--     local words, start = complete.words("x = string.re", 13, { env = env, paths = f, names = g })
--     -- { "string.rep", "string.reverse" }, 5: each replaces what begins at byte 5
--     complete.answer(words, "string.re")
--     -- what the line editor is told (engine/cli/line.h)
--
-- Nothing is called to find out, but for the metamethods of `env` itself: fields are those of
-- tables, and of what their __index names while that is a table.

local complete = {}

local LIST_MAX = 100
local INDEX_MAX = 10 -- tables behind tables

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch "%a+" do
  KEYWORDS[#KEYWORDS + 1] = word
end

-- Where the string begins in which the line ends, if it ends in one.
local function open_string(line)
  local at = 1
  while at <= #line do
    local byte = line:sub(at, at)
    if line:find("^%-%-", at) then
      return nil
    elseif byte == '"' or byte == "'" then
      local begin = at + 1
      at = begin
      while at <= #line and line:sub(at, at) ~= byte do
        at = at + (line:sub(at, at) == "\\" and 2 or 1)
      end
      if at > #line then
        return begin
      end
    end
    at = at + 1
  end
end

local function is_name(key)
  return type(key) == "string" and key:find "^[%a_][%w_]*$" ~= nil
end

-- The table behind a value's own fields.
local function index_of(value)
  local metatable = debug.getmetatable(value)
  local index = type(metatable) == "table" and rawget(metatable, "__index")
  return type(index) == "table" and index or nil
end

local function field_of(value, name)
  for _ = 1, INDEX_MAX do
    local field = type(value) == "table" and rawget(value, name)
    if field then
      return field
    end
    value = index_of(value)
    if value == nil then
      return nil
    end
  end
end

local function add_fields(fields, value)
  for _ = 1, INDEX_MAX do
    for key, field in next, type(value) == "table" and value or {} do
      if is_name(key) and fields[key] == nil then
        fields[key] = field
      end
    end
    value = index_of(value)
    if value == nil then
      return
    end
  end
end

-- Locals of a debugger's prompt are seen through its metamethods.
local function fields_of_env(env)
  local fields = {}
  pcall(function()
    for key, value in pairs(env) do
      if is_name(key) then
        fields[key] = value
      end
    end
  end)
  add_fields(fields, env)
  return fields
end

-- Those that begin with `start`, sorted.
local function beginning_with(start, names)
  local found = {}
  for _, name in ipairs(names) do
    if name:sub(1, #start) == start then
      found[#found + 1] = name
    end
  end
  table.sort(found)
  return found
end

local function value_of(env, names)
  local ok, value = pcall(function()
    return env[names[1]]
  end)
  for i = 2, #names do
    value = ok and field_of(value, names[i]) or nil
  end
  return ok and value or nil
end

local function words_of_chain(chain, env)
  local path, separator, start = chain:match "^(.-)([.:]?)([%a_]?[%w_]*)$"
  local fields, names = {}, {}
  if separator == "" then
    fields = fields_of_env(env)
    table.move(KEYWORDS, 1, #KEYWORDS, 1, names)
  else
    local parts = {}
    for part in path:gmatch "[^.]+" do
      parts[#parts + 1] = part
    end
    add_fields(fields, value_of(env, parts))
  end
  for name, field in pairs(fields) do
    if separator ~= ":" or type(field) == "function" then
      names[#names + 1] = name
    end
  end
  local words = beginning_with(start, names)
  for i, word in ipairs(words) do
    words[i] = path .. separator .. word
  end
  return words
end

--- What could stand where the cursor is.
-- @tparam string line
-- @tparam integer position  so many bytes of it are before the cursor
-- @tparam table world       env; paths(start): names of files that begin so; names(): of jobs
-- @treturn {string,...}     whole words, sorted
-- @treturn integer          where the word begins that they replace
function complete.words(line, position, world)
  line = line:sub(1, position)
  local string_begin = open_string(line)
  if string_begin then
    local start = line:sub(string_begin)
    local words = world.paths and world.paths(start) or {}
    for _, name in ipairs(beginning_with(start, world.names and world.names() or {})) do
      words[#words + 1] = name
    end
    return words, string_begin
  end
  local begin, chain = line:match "()([%a_][%w_.:]*)$"
  begin, chain = begin or #line + 1, chain or ""
  if begin > 1 and line:find("^[%w_.:)%]\"']", begin - 1) then -- of something but names
    return {}, #line + 1
  end
  return words_of_chain(chain, world.env), begin
end

local function common_prefix(words)
  local first, last = words[1], words[#words]
  for _, word in ipairs(words) do
    first = word < first and word or first
    last = word > last and word or last
  end
  local len = 0
  while len < #first and first:byte(len + 1) == last:byte(len + 1) do
    len = len + 1
  end
  while len > 0 and first:find("^[\x80-\xbf]", len + 1) do -- half a character
    len = len - 1
  end
  return first:sub(1, len)
end

-- Words in as many columns as fit, without the folders or tables that were typed already.
local function list_text(words, typed, width)
  local shown, widest = {}, 1
  local begin = #typed:match "^(.-)[^/.:]*$" + 1
  for i = 1, math.min(#words, LIST_MAX) do
    shown[i] = words[i]:sub(begin):gsub("%c", "?")
    widest = math.max(widest, utf8.len(shown[i]) or #shown[i])
  end
  local per_line, lines = math.max(1, (width + 1) // (widest + 2)), {}
  for i, word in ipairs(shown) do
    local at = (i - 1) // per_line + 1
    local space = (" "):rep(widest - (utf8.len(word) or #word) + 2)
    lines[at] = (lines[at] or "") .. word .. space
  end
  for i, line in ipairs(lines) do
    lines[i] = line:gsub(" +$", "") .. "\n"
  end
  local rest = #words > LIST_MAX and ("... %d more\n"):format(#words - LIST_MAX) or ""
  return table.concat(lines) .. rest
end

--- What the line editor does about it: as much as all words begin with is inserted; if that is
-- nothing new, they are listed.
-- @tparam {string,...} words
-- @tparam string typed       what they replace
-- @tparam[opt] integer width columns of the terminal (80)
-- @treturn table             { erase, insert, list }; empty: there is nothing to do
function complete.answer(words, typed, width)
  if #words == 0 then
    return {}
  end
  local insert = common_prefix(words)
  if insert == typed and #words > 1 then
    return { list = list_text(words, typed, width or 80) }
  elseif insert == typed then
    return {}
  end
  return { erase = utf8.len(typed) or #typed, insert = insert }
end

return complete

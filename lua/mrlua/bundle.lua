--- The Lua source that a job needs, as one value to ship: the job file and every module that it
-- or its modules name literally in a `require` and that lies beside the job file.
--
--     require "tokens"          beside the job: tokens.lua or tokens/init.lua
--     require("text.clean")     text/clean.lua
--
--     { path = "jobs/x.lua", source = "...",
--       modules = { tokens = { path = "jobs/tokens.lua", source = "..." } } }   engine/vm/vm.h
--
-- A name that is not there is left to the vm: it has lpeg and the like, and says what it does not
-- have. A name that is computed (`require(name)`) is not seen here, so it cannot be shipped.

local bundle = {}

local BUNDLE_BYTES_MAX = 8 << 20 -- travels in frames; source code, not data

-- Where a long bracket (string or comment) that starts at `at` ends, or nil if none starts there.
local function long_bracket_end(source, at)
  local level = source:match("^%[(=*)%[", at)
  if not level then
    return nil
  end
  local _, last = source:find("]" .. level .. "]", at, true)
  return last or #source
end

-- The name in a long bracket, without a first newline.
local function long_bracket_text(source, at)
  local level = source:match("^%[(=*)%[", at)
  return (source:sub(at + #level + 2, long_bracket_end(source, at) - #level - 2))
end

local function comment_end(source, at)
  return long_bracket_end(source, at + 2) or (source:find("\n", at, true) or #source)
end

local function quoted_end(source, at)
  local quote, i = source:sub(at, at), at + 1
  while i <= #source do
    local byte = source:sub(i, i)
    if byte == quote or byte == "\n" then
      return i
    end
    i = i + (byte == "\\" and 2 or 1)
  end
  return #source
end

-- The string literal after `require`, with or without a parenthesis.
local function required_name(source, at)
  local open = source:match("^%s*%(?%s*()", at)
  local byte = source:sub(open, open)
  if byte == '"' or byte == "'" then
    return source:sub(open + 1, quoted_end(source, open) - 1)
  elseif long_bracket_end(source, open) then
    return long_bracket_text(source, open)
  end
end

-- `x.require "y"` and `x:require "y"` are somebody else's require; `..require "y"` is not.
local function is_field(source, at)
  local last = at - 1
  while last > 0 and source:find("^%s", last) do
    last = last - 1
  end
  return source:find("^[.:]", last) ~= nil and not source:find("^%.%.", last - 1)
end

-- Steps over one token of `source` at `at`; answers where the next starts and, for the word
-- `require`, the literal it is called with.
local function step(source, at)
  if source:find("^%-%-", at) then
    return comment_end(source, at) + 1
  elseif source:find("^[\"']", at) then
    return quoted_end(source, at) + 1
  elseif source:find("^%[=*%[", at) then
    return long_bracket_end(source, at) + 1
  end
  local word, after = source:match("^([%a_][%w_]*)()", at)
  if word == "require" and not is_field(source, at) then
    return after, required_name(source, after)
  end
  return after or at + 1
end

--- The module names that `source` requires literally, in order, each once.
function bundle.requires(source)
  local names, seen, at = {}, {}, 1
  while at <= #source do
    local name
    at = source:match("^[%s%d(){},;=+*/%%<>~&|^#]*()", at)
    if at > #source then
      break
    end
    at, name = step(source, at)
    if name and not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  return names
end

-- The whole file, or nil and a message that names it.
local function read_file(path)
  local file <close>, message = io.open(path, "rb")
  if not file then
    return nil, message
  end
  local source, why = file:read(BUNDLE_BYTES_MAX + 1)
  if why then -- a folder opens and does not read
    return nil, path .. ": " .. why
  end
  return source or ""
end

-- The file of module `name` beside the job, or nil if it is not there. A name that would lead out
-- of the folder (slashes, empty parts) is no module.
local function read_module(folder, name)
  for part in (name .. "."):gmatch("([^.]*)%.") do
    if not part:find("^[%w_-]+$") then
      return nil
    end
  end
  local stem = folder .. name:gsub("%.", "/")
  for _, path in ipairs { stem .. ".lua", stem .. "/init.lua" } do
    local source = read_file(path)
    if source then
      return { path = path, source = source }
    end
  end
end

-- Adds the modules that `source` requires, and theirs.
local function add_modules(modules, folder, source)
  for _, name in ipairs(bundle.requires(source)) do
    if not modules[name] then
      local module = read_module(folder, name)
      if module then
        modules[name] = module
        add_modules(modules, folder, module.source)
      end
    end
  end
end

local function bytes_of(built)
  local bytes = #built.source
  for _, module in pairs(built.modules) do
    bytes = bytes + #module.source
  end
  return bytes
end

--- The bundle of a job file that is not read: its text is here.
-- @tparam string path    where it would be: what it requires is looked for beside it
-- @tparam string source
-- @treturn table         the bundle
-- @return                or nil and a message
function bundle.of_text(path, source)
  local built = { path = path, source = source, modules = {} }
  add_modules(built.modules, path:match("^(.*/)") or "", source)
  if bytes_of(built) > BUNDLE_BYTES_MAX then
    return nil, ("%s: with its modules it is larger than 8 MiB; data belongs into an input")
      :format(path)
  end
  return built
end

--- Reads the job file at `path` and what it requires.
-- @tparam string path
-- @treturn table  the bundle
-- @return         or nil and a message
function bundle.build(path)
  local source, message = read_file(path)
  if not source then
    return nil, read_file(path .. ".lua") and ("%s; did you mean '%s.lua'?"):format(message, path)
      or message
  end
  return bundle.of_text(path, source)
end

return bundle

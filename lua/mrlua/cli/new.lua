--- `mrlua new NAME`: a job to begin with and its spec, in this folder.
--
-- The spec runs without the engine, by plain `busted`, which must find mrlua's Lua modules: where
-- they are goes into .busted, if there is none. They lie beside the executable: in the tree it was
-- built in, or where the package puts them.
--
-- Exit codes: 0 written, 2 usage, or something is there already.

local engine = require "mrlua.engine"
local kinds = require "mrlua.cli.new_kinds"
local usage = require "mrlua.cli.usage"

local NAME_BYTES_MAX = 100 -- of a job (mrlua.job)
local BUSTED_FILE = ".busted"
local PLACES = { "/../lua", "/../share/mrlua/lua" } -- from the folder of the executable

local new = {}

local function kind_lines()
  local lines = {}
  for i, name in ipairs(kinds.names) do
    lines[i] = ("  %-6s  %s"):format(name, kinds[name].purpose)
  end
  return table.concat(lines, "\n")
end

local function new_parser()
  local parser = usage.parser("new", "Writes a job to begin with, NAME.lua, and its spec,"
    .. " NAME_spec.lua.")
  parser:usage("Usage: mrlua new NAME [--kind KIND]")
  parser:argument("NAME", "What the job is called: letters, digits, '_' and '-'."):target("name")
  parser:option("--kind", ("What it does (default: %s); below."):format(kinds.names[1]))
    :argname("KIND"):choices(kinds.names)
  parser:flag("-h --help", "This text.")
  parser:epilog("Kinds:\n" .. kind_lines())
  return usage.examples(parser, {
    { "mrlua new words", "words.lua counts words; words_spec.lua says so" },
    { "mrlua new users --kind table", "a job that reads rows with columns" },
  })
end

--- What is wrong with the name of a job.
-- @treturn ?string  one line; nil: it is right
function new.problem(name)
  if name:find "%.lua$" then
    return ("leave '.lua' out: mrlua new %s"):format(name:sub(1, -5))
  elseif name:find "/" then
    return ("'%s' is a path; go to the folder, and give a name"):format(name)
  elseif not name:find "^[%a_][%w_-]*$" then
    return ("'%s' is not a name for a job: a letter, then letters, digits, '_' and '-'")
      :format(name)
  elseif #name > NAME_BYTES_MAX then
    return ("a name of %d bytes: a job's has %d at most"):format(#name, NAME_BYTES_MAX)
  end
  return nil
end

local function exists(path)
  local file <close> = io.open(path, "rb")
  return file ~= nil
end

--- Where mrlua's Lua modules are.
-- @tparam string executable  its path
-- @treturn ?string           a folder; nil: not beside it
function new.lua_folder(executable)
  local beside = executable:match "^(.*)/[^/]*$" or ""
  for _, place in ipairs(PLACES) do
    local folder = (beside .. place):gsub("/[^/]*/%.%./", "/")
    if exists(folder .. "/mrlua/dryrun.lua") then
      return folder
    end
  end
  return nil
end

--- The text of .busted.
-- @tparam string lua_folder
function new.busted_text(lua_folder)
  return ([[
return {
  default = {
    lua = "lua5.4",
    lpath = %q, -- mrlua's modules
    ROOT = { "." },
  },
}
]]):format(lua_folder .. "/?.lua")
end

--- How the user calls mrlua in this folder.
-- @tparam string executable  its path
-- @tparam string folder      where the command was started
-- @tparam string search      PATH
function new.program(executable, folder, search)
  for place in search:gmatch "[^:]+" do
    if exists(place .. "/mrlua") then
      return "mrlua"
    end
  end
  local prefix = folder:gsub("/*$", "/")
  return executable:sub(1, #prefix) == prefix and executable:sub(#prefix + 1) or executable
end

local function write(path, text)
  local file, message = io.open(path, "wb")
  if not file then
    return nil, message
  end
  local ok, why = file:write(text)
  local closed, when_closed = file:close()
  if not ok or not closed then
    os.remove(path)
    return nil, ("%s: %s"):format(path, why or when_closed)
  end
  return true
end

local function next_steps(program, name, command)
  return ([[
Edit %s.lua and %s_spec.lua, then:
  %s check %s.lua
      finds mistakes without running it
  %s run %s.lua %s
      runs it here
  busted %s_spec.lua
      runs its spec (Debian: apt install lua-busted lua-cjson lua-lpeg)
]]):format(name, name, program, name, program, name, command, name)
end

-- The files to write: { path, text } each. .busted only where there is none, and where it would
-- say something.
local function files_of(name, kind, lua_folder)
  local files = {
    { name .. ".lua", kinds.fill(kind.job, name) },
    { name .. "_spec.lua", kinds.fill(kind.spec, name) },
  }
  if lua_folder and not exists(BUSTED_FILE) then
    files[3] = { BUSTED_FILE, new.busted_text(lua_folder) }
  end
  return files
end

local function write_all(files)
  for _, file in ipairs(files) do
    if exists(file[1]) then
      return nil, file[1] .. " is there already, and stays as it is; nothing was written"
    end
  end
  for i, file in ipairs(files) do
    local ok, message = write(file[1], file[2])
    if not ok then
      for earlier = 1, i - 1 do
        os.remove(files[earlier][1])
      end
      return nil, message
    end
  end
  return true
end

local function act(flags)
  local name, environment = flags.name, assert(engine.environment())
  local problem = new.problem(name)
  if problem then
    return usage.complain("new", problem)
  end
  local kind = kinds[flags.kind or kinds.names[1]]
  local lua_folder = new.lua_folder(environment.executable)
  local files = files_of(name, kind, lua_folder)
  local ok, message = write_all(files)
  if not ok then
    io.stderr:write("mrlua: ", message, "\n")
    return usage.EXIT_CODE
  end
  io.stdout:write(("Wrote %s and %s%s.\n"):format(files[1][1], files[2][1],
    files[3] and ", and " .. BUSTED_FILE .. " for busted" or ""))
  if not lua_folder then
    io.stdout:write("mrlua's Lua modules are not beside ", environment.executable, ": 'busted'"
      .. " needs their folder in LUA_PATH.\n")
  end
  io.stdout:write(next_steps(new.program(environment.executable, environment.folder,
    os.getenv "PATH" or ""), name, kind.command))
  return 0
end

for key, part in pairs(usage.command("new", new_parser, act)) do
  new[key] = part
end

return new

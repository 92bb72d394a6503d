--- Runs the engine's executable: build/mrlua, or what the environment's MRLUA names.

local temp = require "spec.support.temp"

local engine = {}

engine.path = temp.capture("realpath -m -- " .. temp.quote(os.getenv("MRLUA") or "build/mrlua"))

--- The shell's command line for `mrlua` with these arguments.
function engine.command(argv)
  assert(temp.exists(engine.path), engine.path .. " is not there: build it, or set MRLUA")
  local words = { temp.quote(engine.path) }
  for _, word in ipairs(argv) do
    words[#words + 1] = temp.quote(tostring(word))
  end
  return table.concat(words, " ")
end

--- Runs a shell command to its end, at most `options.seconds` (120). What it keeps in the user's
-- state folder (store/trail.h) goes with it, unless its environment names another.
-- @tparam string command
-- @tparam[opt] table options  folder: where it runs; input: its standard input; seconds
-- @treturn table  { code, stdout, stderr }; the code is 128 + n for signal n, 124 at the deadline
function engine.run_command(command, options)
  options = options or {}
  local folder <const> = temp.folder()
  local script = temp.write(folder .. "/command",
    ("export XDG_STATE_HOME=%s/state; cd %s && %s"):format(
      folder, temp.quote(options.folder or "."), command))
  local input = options.input and temp.write(folder .. "/input", options.input) or "/dev/null"
  local _, how, code = os.execute(("timeout -k 5 %d sh %s <%s >%s/stdout 2>%s/stderr"):format(
    options.seconds or 120, script, input, folder, folder))
  local result = {
    code = how == "signal" and 128 + code or code,
    stdout = temp.read(folder .. "/stdout"),
    stderr = temp.read(folder .. "/stderr"),
  }
  temp.remove(folder)
  return result
end

--- Runs `mrlua` with these arguments to its end; options and answer are those of run_command.
-- @tparam[opt] table options  also environment: "A=1 B=2"
function engine.run(argv, options)
  local environment = options and options.environment
  return engine.run_command((environment and environment .. " " or "") .. engine.command(argv),
    options)
end

--- Runs it and expects exit code 0; answers standard output.
function engine.output(argv, options)
  local result = engine.run(argv, options)
  if result.code ~= 0 then
    error(("exit code %d of %s\n%s"):format(result.code, engine.command(argv), result.stderr), 2)
  end
  return result.stdout
end

--- Was it built with -DMRLUA_<name>=ON? `mrlua --version` says so.
function engine.has_option(name)
  return engine.output({ "--version" }):find("built with " .. name, 1, true) ~= nil
end

--- A line per part, name and contents, of an output folder: equal texts are equal outputs. Parts
-- of further outputs are parts.
function engine.parts(folder)
  local parts = {}
  for _, name in ipairs(temp.list(folder)) do
    if name:find("^%a[%w_]*%-%d+") then
      parts[#parts + 1] = ("== %s\n%s"):format(name, temp.read(folder .. "/" .. name))
    end
  end
  return table.concat(parts)
end

return engine

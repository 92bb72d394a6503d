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

--- Runs `mrlua` to its end, at most `options.seconds` (60).
-- @tparam {string,...} argv
-- @tparam[opt] table options  folder: where it runs; input: its standard input; environment:
--                             "A=1 B=2"; wrapper: a command that runs it, as "env -i"; seconds
-- @treturn table  { code, stdout, stderr }; the code is 128 + n for signal n, 124 at the deadline
function engine.run(argv, options)
  options = options or {}
  local folder <const> = temp.folder()
  local input = "/dev/null"
  if options.input then
    input = temp.write(folder .. "/input", options.input)
  end
  local line = ("%s timeout -k 5 %d %s %s <%s >%s/stdout 2>%s/stderr"):format(
    options.environment or "", options.seconds or 60, options.wrapper or "",
    engine.command(argv), input, folder, folder)
  if options.folder then
    line = "cd " .. temp.quote(options.folder) .. " && " .. line
  end
  local _, how, code = os.execute(line)
  local result = {
    code = how == "signal" and 128 + code or code,
    stdout = temp.read(folder .. "/stdout"),
    stderr = temp.read(folder .. "/stderr"),
  }
  temp.remove(folder)
  return result
end

--- Runs it and expects exit code 0; answers standard output.
function engine.output(argv, options)
  local result = engine.run(argv, options)
  if result.code ~= 0 then
    error(("exit code %d of %s\n%s"):format(result.code, engine.command(argv), result.stderr), 2)
  end
  return result.stdout
end

--- A line per part, name and contents, of an output folder: equal texts are equal outputs.
function engine.parts(folder)
  local parts = {}
  for _, name in ipairs(temp.list(folder)) do
    if name:find("^part%-") then
      parts[#parts + 1] = ("== %s\n%s"):format(name, temp.read(folder .. "/" .. name))
    end
  end
  return table.concat(parts)
end

return engine

--- What is typed at the prompt of `mrlua repl`, on a pipe.
--
--     local said = typed.run("1 + 1\n")        said.stdout == "2\n", said.stderr, said.code
--     local text = typed.output { "x = 1", "x" }   lines; raises when one of them is wrong

local engine = require "spec.support.engine"

local typed = {}

--- Runs it on this machine, unless `argv` names a master.
-- @tparam string input
-- @tparam[opt] table options  argv; folder, environment: as those of engine.run
-- @treturn table              { code, stdout, stderr }
function typed.run(input, options)
  options = options or {}
  return engine.run({ "repl", table.unpack(options.argv or { "--local" }) },
    { input = input, folder = options.folder, environment = options.environment })
end

--- The standard output of lines that are all right.
function typed.output(lines, options)
  local said = typed.run(table.concat(lines, "\n") .. "\n", options)
  if said.code ~= 0 then
    error(("exit code %d:\n%s"):format(said.code, said.stderr), 2)
  end
  return said.stdout
end

return typed

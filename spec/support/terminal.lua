--- A program on a terminal: what is typed and awaited there, and what is to be seen
-- (spec/support/terminal.py says which steps there are).
--
--     local seen = terminal.run({ "repl" }, { { await = "> " }, { type = "1 + 1\r" },
--       { await = "2" }, { screen = true }, { type = "\4" }, { await_end = true } },
--       { environment = "A=1", columns = 40 })
--     seen.screens[1], seen.code

local engine = require "spec.support.engine"
local json = require "mrlua.json"
local temp = require "spec.support.temp"

local terminal = {}

--- Runs `mrlua` with these arguments.
-- @tparam[opt] table options  environment: "A=1 B=2"; folder; columns, rows: 80, 24; shell: a
--                             command that runs it as "$@"
-- @treturn table              { screens, code, text }; raises when a step does not come true
function terminal.run(argv, steps, options)
  options = options or {}
  local folder <const> = temp.folder()
  local command = ("cd %s; exec env TERM=xterm %s sh -c %s sh %s"):format(
    temp.quote(options.folder or folder), options.environment or "XDG_STATE_HOME=" .. folder,
    temp.quote(options.shell or 'exec "$@"'), engine.command(argv))
  local script = temp.write(folder .. "/steps", json.encode {
    command = { "sh", "-c", command }, columns = options.columns or 80, rows = options.rows or 24,
    steps = setmetatable(steps, json.list),
  })
  local told = temp.capture("python3 spec/support/terminal.py " .. temp.quote(script))
  temp.remove(folder)
  local answer = json.decode(told)
  if answer.error then
    error(answer.error .. "; on the screen:\n" .. answer.text, 2)
  end
  return answer
end

return terminal

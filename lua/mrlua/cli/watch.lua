--- A running job on the screen, from its first state to its last; the same for `run` and `submit`.

local display = require "mrlua.cli.display"
local engine = require "mrlua.engine"
local printable = require "mrlua.printable"

local watch = {}

local STEP_MS = 100 -- between two redraws

--- What is known of the machine, and whether bars may be drawn on its terminal.
function watch.environment()
  local environment = assert(engine.environment())
  local term = os.getenv("TERM") or "dumb"
  environment.draws = environment.stderr_is_terminal and term ~= "" and term ~= "dumb"
  return environment
end

--- Calls `step` { milliseconds } for a state until one is finished, and shows each.
-- @tparam function step       engine.run_step or engine.submit_step
-- @tparam table flags         quiet
-- @tparam table environment   of watch.environment(); learns how wide the terminal is
-- @tparam ?string title       of a step of a larger job: "step 2/3"
-- @treturn table              the last state
function watch.until_finished(step, flags, environment, title)
  local no_color = os.getenv("NO_COLOR")
  local shown = display.open {
    quiet = flags.quiet, is_terminal = environment.draws,
    has_color = no_color == nil or no_color == "",
  }
  local state
  repeat
    state = assert(step { milliseconds = STEP_MS })
    state.title = state.title or title
    for _, line in ipairs(state.log) do
      shown:log(environment.stderr_is_terminal and printable.lines(line) or line)
    end
    for _, line in ipairs(state.notices) do
      shown:notice(printable.line(line)) -- with names that others chose
    end
    shown:show(state)
  until state.finished
  shown:close()
  environment.columns = state.columns
  return state
end

return watch

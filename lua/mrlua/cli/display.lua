--- Where progress goes: bars on a terminal, a line per phase elsewhere, nothing when quiet. What
-- the text says is mrlua.progress; here is only how it is put on a screen.
--
--     local display = display.open { is_terminal = true, has_color = true, write = f }
--     display:show(state)        each time there is news
--     display:log("a line")      what the job printed; never lost, whatever the mode
--     display:notice("a line")   about the job: that a task is tried again; not when quiet
--     display:close()            the screen is as if no bar had been there
--
-- `write` gets whole frames, so that a redraw does not flicker.

local progress = require "mrlua.progress"

local display = {}

local function lines_text(lines)
  return #lines > 0 and table.concat(lines, "\n") .. "\n" or ""
end

-- Silent but for the job's own lines.
local quiet = {}
quiet.__index = quiet

function quiet.show() end

function quiet:log(line)
  self.write(line .. "\n")
end

function quiet.notice() end

function quiet.close() end

-- A line per phase, when it has ended.
local plain = setmetatable({}, quiet)
plain.__index = plain

function plain:show(state)
  for _, stage in ipairs(state.stages) do
    local name = (state.title and state.title .. ", " or "") .. stage.name
    if stage.tasks > 0 and stage.tasks_done == stage.tasks and not self.told[name] then
      self.told[name] = true
      self.write((state.title and state.title .. ", " or "") .. progress.phase_line(stage) .. "\n")
    end
  end
end

function plain:notice(line)
  self:log(line)
end

-- Bars that stay in place.
local bars = setmetatable({}, quiet)
bars.__index = bars

local function erase(count)
  return count > 0 and ("\27[%dA\27[J"):format(count) or ""
end

-- Before that there is nothing to draw, and the user may be typing the input.
local function is_planned(state)
  for _, stage in ipairs(state.stages) do
    if stage.tasks > 0 then
      return true
    end
  end
  return false
end

function bars:show(state)
  if not is_planned(state) then
    return
  end
  local lines = progress.bars(state, state.columns, self.has_color)
  for i, line in ipairs(lines) do
    lines[i] = line .. "\27[K"
  end
  local up = self.line_count > 0 and ("\27[%dA"):format(self.line_count) or ""
  self.write(up .. lines_text(lines))
  self.line_count = #lines
end

function bars:log(line)
  self.write(erase(self.line_count) .. line .. "\n")
  self.line_count = 0 -- the next show() draws them below
end

function bars:notice(line)
  self:log(line)
end

function bars:close()
  self.write(erase(self.line_count))
  self.line_count = 0
end

--- @tparam table options  quiet, is_terminal, has_color; write (default: standard error)
function display.open(options)
  local kind = options.quiet and quiet or options.is_terminal and bars or plain
  local function write(text)
    io.stderr:write(text)
  end
  return setmetatable({
    write = options.write or write, has_color = options.has_color, told = {}, line_count = 0,
  }, kind)
end

return display

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
      self.write(progress.phase_line(stage, state.title) .. "\n")
    end
  end
end

function plain:notice(line)
  self:log(line)
end

-- Bars that stay in place.
local bars = setmetatable({}, quiet)
bars.__index = bars

-- How many rows these lines take where there are so many columns: a terminal that has become
-- narrower breaks what stands on it.
local function rows_of(lines, columns)
  local rows = 0
  for _, line in ipairs(lines) do
    local width = #line:gsub("\27%[[%d;]*%a", "")
    rows = rows + math.max(1, (width + columns - 1) // columns)
  end
  return rows
end

local function up(count)
  return count > 0 and ("\27[%dA"):format(count) or ""
end

local function erase(count)
  return count > 0 and up(count) .. "\27[J" or ""
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
  local lines, text = progress.bars(state, state.columns, self.has_color), {}
  for i, line in ipairs(lines) do
    text[i] = line .. "\27[K"
  end
  local rows = rows_of(self.lines, state.columns)
  local fits = rows == #self.lines and #lines >= #self.lines
  self.write((fits and up(rows) or erase(rows)) .. lines_text(text))
  self.lines, self.columns = lines, state.columns
end

function bars:log(line)
  self:close()
  self.write(line .. "\n") -- the next show() draws them below
end

function bars:notice(line)
  self:log(line)
end

function bars:close()
  self.write(erase(rows_of(self.lines, self.columns or math.huge)))
  self.lines = {}
end

--- @tparam table options  quiet, is_terminal, has_color; write (default: standard error)
function display.open(options)
  local kind = options.quiet and quiet or options.is_terminal and bars or plain
  local function write(text)
    io.stderr:write(text)
  end
  return setmetatable({
    write = options.write or write, has_color = options.has_color, told = {}, lines = {},
  }, kind)
end

return display

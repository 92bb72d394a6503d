--- What a person sees of a running job: state in, text out. No clock, no terminal.
--
-- A state is what `engine.run_step()` answers:
--
--     { seconds = 4.1, stages = { stage, ... }, counters = { ["user.bad"] = 3 },
--       title = "step 2/3" }                                              title: of a larger job
--     stage = { name = "map", tasks = 64, tasks_done = 31, tasks_running = 2, seconds = 4.1,
--               bytes = 483000000, bytes_done = 230000000, records = 31000000 }
--
-- `seconds` of a stage counts from its first attempt and stands still when it is done; `bytes` is
-- 0 while it is not known how many there are. A stage that has not started has tasks_running = 0
-- and seconds = 0.

local size = require "mrlua.size"

local progress = {}

local BAR_CELLS_MAX, BAR_CELLS_MIN = 30, 8
local GREEN, PLAIN = "\27[32m", "\27[0m"
local COUNTED <const> = "counted "

-- Bytes tell more than tasks: the last of 2 tasks may be nearly done.
local function fraction(stage)
  local done
  if stage.bytes > 0 then
    done = stage.bytes_done / stage.bytes
  else
    done = stage.tasks > 0 and stage.tasks_done / stage.tasks or 0
  end
  if stage.tasks_done < stage.tasks then
    done = math.min(done, 0.99) -- 100 % is said when it is
  end
  return math.max(0, math.min(1, done))
end

local function has_started(stage)
  return stage.seconds > 0 and stage.tasks_done + stage.tasks_running > 0
end

--- Seconds until `stage` ends at the rate it had so far, or nil when that says nothing.
function progress.eta_seconds(stage)
  local done = fraction(stage)
  if not has_started(stage) or done < 0.01 or done >= 1 then
    return nil
  end
  return stage.seconds * (1 - done) / done
end

-- A guess has no tenths.
local function eta_text(seconds)
  return seconds < 60 and ("%d s"):format(seconds) or size.seconds(seconds)
end

-- The columns to the right of the bar, the most wanted first; those that do not fit are left out.
local function columns_of(stage)
  local columns = { ("%3d %%"):format(math.floor(fraction(stage) * 100)) }
  columns[2] = ("%d/%d"):format(stage.tasks_done, stage.tasks)
  if has_started(stage) then
    columns[3] = size.bytes(stage.bytes_done / stage.seconds) .. "/s"
    columns[4] = size.count(stage.records / stage.seconds) .. " records/s"
    local eta = progress.eta_seconds(stage)
    columns[5] = eta and "ETA " .. eta_text(math.max(1, math.ceil(eta))) or nil
  end
  return columns
end

-- As many of them as there is room for.
local function fit(texts, gap, width)
  local text = ""
  for _, column in ipairs(texts) do
    local longer = text == "" and column or text .. gap .. column
    if #longer > width then
      break
    end
    text = longer
  end
  return text
end

local function bar(done, cells, has_color)
  local filled = math.floor(done * cells)
  local full, empty = ("#"):rep(filled), ("."):rep(cells - filled)
  if has_color and filled > 0 then
    full = GREEN .. full .. PLAIN
  end
  return "[" .. full .. empty .. "]"
end

-- One line of at most `width` columns.
local function bar_line(stage, width, has_color)
  local label = ("%-7s"):format(stage.name):sub(1, width)
  local cells = math.min(BAR_CELLS_MAX, width // 3)
  local taken = #label
  local text = label
  if cells >= BAR_CELLS_MIN then
    text = text .. bar(fraction(stage), cells, has_color)
    taken = taken + cells + 2
  end
  local right = fit(columns_of(stage), "  ", width - taken - 1)
  return right == "" and text or text .. " " .. right
end

--- What the functions of a job have counted (mr.count): { "bad 3", "short 17" }.
-- @tparam table counters  name -> sum, those of the engine too
function progress.counted(counters)
  local texts = {}
  for name, sum in pairs(counters) do
    local own = name:match("^user%.(.*)")
    if own then
      texts[#texts + 1] = ("%s %d"):format(own, sum)
    end
  end
  table.sort(texts)
  return texts
end

--- The bars of all stages, one line each, and what the job has counted, each shorter than `width`
-- columns, so that no line wraps and a redraw finds them where they were.
-- @tparam table state
-- @tparam integer width  of the terminal
-- @tparam boolean has_color
-- @treturn {string,...}
function progress.bars(state, width, has_color)
  local lines, is_planned = {}, false
  if state.title then
    lines[1] = state.title:sub(1, math.max(width - 1, 1))
  end
  for _, stage in ipairs(state.stages) do
    is_planned = is_planned or stage.tasks > 0
    if stage.tasks > 0 or not is_planned then -- a job without reduces has only one
      lines[#lines + 1] = bar_line(stage, math.max(width - 1, 1), has_color)
    end
  end
  local counted = fit(progress.counted(state.counters or {}), ", ", width - #COUNTED - 1)
  if counted ~= "" then
    lines[#lines + 1] = COUNTED .. counted
  end
  return lines
end

--- 1, "task" -> "1 task"; 2 -> "2 tasks"
function progress.plural(count, noun)
  return ("%d %s%s"):format(count, noun, count == 1 and "" or "s")
end

--- What a finished stage did: "map: 64 tasks, 483 MB, 65.0 M records in 4.1 s".
-- @tparam ?string title  of a step of a larger job: "step 2/3"
function progress.phase_line(stage, title)
  local name = (title and title .. ", " or "") .. stage.name
  return ("%s: %s, %s, %s records in %s"):format(name, progress.plural(stage.tasks, "task"),
    size.bytes(stage.bytes_done), size.count(stage.records), size.seconds(stage.seconds))
end

--- What the functions of a job have counted, in a line: "counted: bad 3, short 17"; nil
-- where that is nothing.
function progress.counted_line(counters)
  local texts = progress.counted(counters)
  return #texts > 0 and "counted: " .. table.concat(texts, ", ") or nil
end

--- How many maps of `--reuse` were not run: "reused: 99 of 100 maps"; nil without it.
-- @tparam table outcome  counters, plan; of a job of several steps reused { count, maps }
function progress.reused_line(outcome)
  local reused = outcome.reused
  if not reused and outcome.counters.map_reused then
    reused = { count = outcome.counters.map_reused, maps = outcome.plan.split_count }
  end
  return reused
    and ("reused: %d of %s"):format(reused.count, progress.plural(reused.maps, "map"))
end

--- What a finished job did, in a line.
-- @tparam table outcome  { seconds, output, parts = {...}, bytes, records, input_bytes }
function progress.summary(outcome)
  local where = outcome.output and " in " .. outcome.output or ""
  local rate = outcome.seconds > 0 and outcome.input_bytes / outcome.seconds or 0
  local steps = outcome.steps and " and " .. progress.plural(outcome.steps, "step") or ""
  return ("done: %s read in %s%s (%s/s), %s records in %s, %s%s"):format(
    size.bytes(outcome.input_bytes), size.seconds(outcome.seconds), steps, size.bytes(rate),
    size.count(outcome.records), progress.plural(#outcome.parts, "part"),
    size.bytes(outcome.bytes), where)
end

return progress

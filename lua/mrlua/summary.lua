--- What a job that is done took, as a block of aligned lines and as a table for `--json`. Pure; the
-- same for `run` and `submit`.
--
-- An effort is what the engine answers (answer_effort() in engine/cli/answer.h), of a job of
-- several steps the sum of theirs:
--
--     { seconds = { plan = 0.01, map = 3.2, reduce = 1.1, commit = 0.003, sample = 0.0 },
--       bytes_read, records_read, bytes_shuffled, records_shuffled,
--       failed, given_up, lost, lost_races, outputs_lost, workers_lost,
--       slowest = { { stage = "map", task = 3, seconds = 1.2, worker = "w3", worker_id = 1,
--         step = 2 }, ... } }
--
-- It stands in an outcome (mrlua.cli.outcome) as `effort`.

local printable = require "mrlua.printable"
local progress = require "mrlua.progress"
local size = require "mrlua.size"
local skew = require "mrlua.skew"

local summary = {}

local SLOWEST_MAX <const> = 5
local SUMS <const> = { "bytes_shuffled", "records_shuffled", "failed", "given_up", "lost",
  "lost_races", "outputs_lost", "workers_lost" }
local WIDTH_MIN <const> = 20 -- of a terminal; narrower ones break lines themselves
local LABEL_WIDTH <const> = #"hot keys"

--- Adds the effort of a step to that of its job.
-- @tparam ?table total     nil: it is the first one
-- @tparam table effort
-- @tparam boolean is_input  it read the job's input, not another step
-- @tparam integer step      its number
-- @treturn table            the sum
function summary.add(total, effort, is_input, step)
  total = total or { seconds = {}, bytes_read = 0, records_read = 0, slowest = {} }
  for stage, seconds in pairs(effort.seconds) do
    total.seconds[stage] = (total.seconds[stage] or 0) + seconds
  end
  for _, name in ipairs(SUMS) do
    total[name] = (total[name] or 0) + effort[name]
  end
  if is_input then
    total.bytes_read = total.bytes_read + effort.bytes_read
    total.records_read = total.records_read + effort.records_read
  end
  for _, slow in ipairs(effort.slowest) do
    slow.step = step
    table.insert(total.slowest, slow)
  end
  table.sort(total.slowest, function(a, b)
    return a.seconds > b.seconds
  end)
  for i = #total.slowest, SLOWEST_MAX + 1, -1 do
    total.slowest[i] = nil
  end
  return total
end

--- The time of each stage in the order they come: { { "plan", 0.01 }, ... }, without those that
-- took none.
function summary.phases(effort)
  local phases = {}
  for _, name in ipairs { "plan", "sample", "map", "reduce", "commit" } do
    local seconds = effort.seconds[name] or 0
    if seconds > 0 then
      phases[#phases + 1] = { name, seconds }
    end
  end
  return phases
end

local function is_shuffled(effort)
  return (effort.seconds.reduce or 0) > 0
end

-- What a stage moved: the cells behind its time.
local function cells_of(name, ended)
  local effort, plan = ended.effort, ended.steps and {} or ended.plan
  local function cells(count, noun, did, bytes, records)
    return { count and progress.plural(count, noun) or "", did, size.bytes(bytes),
      size.count(records) .. " records" }
  end
  if name == "map" then
    return cells(plan.split_count, "task", "read", effort.bytes_read, effort.records_read)
  elseif name == "reduce" then
    return cells(plan.reducer_count, "task", "shuffled", effort.bytes_shuffled,
      effort.records_shuffled)
  elseif name == "commit" and ended.bytes then
    return cells(ended.part_count or #ended.parts, "part", "written", ended.bytes, ended.records)
  end
  return {}
end

local function phase_rows(ended)
  local rows, has_written = {}, false
  for i, phase in ipairs(summary.phases(ended.effort)) do
    rows[i] = table.move(cells_of(phase[1], ended), 1, 4, 3, { phase[1], size.seconds(phase[2]) })
    has_written = has_written or phase[1] == "commit"
  end
  if not has_written and ended.bytes then -- to standard output, which takes no time of its own
    rows[#rows + 1] = table.move(cells_of("commit", ended), 1, 4, 3, { "output", "" })
  end
  return rows
end

-- The columns, those that numbers are read down right-aligned.
local IS_RIGHT <const> = { false, true, true, false, true, true }
-- What is left out where it does not fit, first things first.
local DROPPED <const> = { 3, 6 }

local function aligned(rows, is_dropped)
  local widths, lines = {}, {}
  for i = 1, #IS_RIGHT do
    widths[i] = i == 1 and LABEL_WIDTH or 0
    for _, row in ipairs(rows) do
      widths[i] = math.max(widths[i], row[i] and #row[i] or 0)
    end
  end
  for number, row in ipairs(rows) do
    local cells = {}
    for i = 1, #IS_RIGHT do
      if not is_dropped[i] and widths[i] > 0 then
        local cell = row[i] or ""
        local space = (" "):rep(widths[i] - #cell)
        cells[#cells + 1] = IS_RIGHT[i] and space .. cell or cell .. space
      end
    end
    lines[number] = table.concat(cells, "  "):gsub(" +$", "")
  end
  return lines
end

local function widest(lines)
  local width = 0
  for _, line in ipairs(lines) do
    width = math.max(width, #line)
  end
  return width
end

local function phase_lines(ended, width)
  local rows, is_dropped = phase_rows(ended), {}
  local lines = aligned(rows, is_dropped)
  for _, column in ipairs(DROPPED) do
    if widest(lines) > width then
      is_dropped[column] = true
      lines = aligned(rows, is_dropped)
    end
  end
  return lines
end

--- Appends "label  item, item," and further lines below the first item, none wider than `width` if
-- that can be; nothing where there is no item.
function summary.add_wrapped(lines, label, items, width)
  local indent = LABEL_WIDTH + 2
  local line = label .. (" "):rep(indent - #label)
  local is_empty = true
  for i, item in ipairs(items) do
    local text = item .. (i < #items and "," or "")
    if not is_empty and #line + 1 + #text > width then
      lines[#lines + 1] = line
      line, is_empty = (" "):rep(indent), true
    end
    line = line .. (is_empty and "" or " ") .. text
    is_empty = false
  end
  if not is_empty then
    lines[#lines + 1] = line
  end
end

--- { "step 2, map 3 in 1.2 s", "worker 1 (w3)" }
function summary.slow_texts(slow)
  local step = slow.step and ("step %d, "):format(slow.step) or ""
  return { ("%s%s %d in %s"):format(step, slow.stage, slow.task, size.seconds(slow.seconds)),
    slow.worker and ("worker %d (%s)"):format(slow.worker_id, printable.line(slow.worker))
      or nil }
end

--- What did not go as it should: { "3 attempts failed", "1 worker lost", ... }.
function summary.trouble(effort)
  local texts = {}
  local function add(count, noun, what)
    if (count or 0) > 0 then
      texts[#texts + 1] = progress.plural(count, noun) .. " " .. what
    end
  end
  add(effort.failed, "attempt", "failed")
  add(effort.workers_lost, "worker", "lost")
  add(effort.lost, "attempt", "lost")
  add(effort.outputs_lost, "output", "lost")
  add(effort.lost_races, "attempt", "overtaken")
  return texts
end

local function task_count(ended)
  local plan = ended.plan
  return ended.steps and math.huge or (plan.split_count or 0) + (plan.reducer_count or 0)
end

--- The lines of a job that is done, without the last one (progress.summary).
-- @tparam table ended    an outcome with its effort, or a job of mrlua.history
-- @tparam integer width  of the terminal
-- @treturn {string,...}
function summary.lines(ended, width)
  width = math.max(width - 1, WIDTH_MIN)
  local effort = ended.effort
  local lines = phase_lines(ended, width)
  if effort.slowest[1] and task_count(ended) > 2 then
    summary.add_wrapped(lines, "slowest", summary.slow_texts(effort.slowest[1]), width)
  end
  summary.add_wrapped(lines, "hot keys", skew.hot_texts(ended.skew or {}), width)
  summary.add_wrapped(lines, "trouble", summary.trouble(effort), width)
  local reused = progress.reused_line(ended)
  summary.add_wrapped(lines, "reused", { reused and reused:gsub("^reused: ", "") }, width)
  summary.add_wrapped(lines, "counted", progress.counted(ended.counters), width)
  return lines
end

local function counted_object(counters)
  local counted = {}
  for name, sum in pairs(counters) do
    local own = name:match("^user%.(.*)")
    if own then
      counted[own] = sum
    end
  end
  return counted
end

--- The same for `--json`.
-- @tparam table ended  as for lines(); without an effort there is none
-- @treturn ?table
function summary.object(ended)
  local effort = ended.effort
  if not effort or not effort.seconds then
    return nil
  end
  local json = require "mrlua.json"
  local hot = ended.skew and ended.skew.keys or {}
  return {
    seconds = effort.seconds,
    read = { bytes = effort.bytes_read, records = effort.records_read },
    shuffled = is_shuffled(effort) and
      { bytes = effort.bytes_shuffled, records = effort.records_shuffled } or nil,
    written = { bytes = ended.bytes, records = ended.records },
    slowest = setmetatable(effort.slowest, json.list),
    hot_keys = setmetatable(hot, json.list),
    counted = counted_object(ended.counters),
    attempts = { failed = effort.failed, given_up = effort.given_up, lost = effort.lost,
      lost_races = effort.lost_races },
    outputs_lost = effort.outputs_lost, workers_lost = effort.workers_lost,
  }
end

return summary

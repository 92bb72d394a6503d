--- MIT lab, mtiming: do maps run side by side?
--
--     mrlua run jobs/mit/mtiming.lua --allow-unsafe --slots 2 pg-*.txt
--
-- Output: for each worker the start times of its maps, and how many maps each of these saw running,
-- itself among them. `mrlua run` is one worker, number 1; a cluster of two gives four lines.
--
--     parallel-1 1 2 2 2 2 2 2 2
--     times-1 1767225600.0 1767225600.0 1767225601.1 ...
--
-- It sleeps and leaves marker files in the current folder, hence unsafe.

local lab = require "lab"

local mtiming = {
  input = "file", output = "lines", reducers = lab.REDUCERS, partition = lab.partition,
  unsafe = true,
  params = { pace = 1.0 },
}

local function now()
  local pipe <close> = assert(io.popen("date +%s.%N"))
  return pipe:read("n")
end

function mtiming.map(_, _, emit)
  local start = ("%.1f"):format(now())
  local running = lab.count_running("map")
  emit("times-" .. mr.worker, start)
  emit("parallel-" .. mr.worker, running)
end

function mtiming.reduce(key, values, emit)
  emit(key .. " " .. lab.join_sorted(values), true)
end

return mtiming

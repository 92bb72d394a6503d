--- MIT lab, jobcount: how often a map ran, while nothing fails.
--
--     mrlua run jobs/mit/jobcount.lua --allow-unsafe pg-*.txt
--
-- Output on eight files, in an empty current folder:
--
--     a 8
--
-- Every attempt leaves a marker file in the current folder for ever, hence unsafe.

local lab = require "lab"

local PREFIX = "mr-worker-jobcount-"

local jobcount = {
  input = "file", output = "lines", reducers = lab.REDUCERS, partition = lab.partition,
  unsafe = true,
  params = { pace = 1.0 },
}

function jobcount.map(_, _, emit)
  -- An attempt is a process of its own: its number takes the place of the lab's counter.
  lab.drop_marker(PREFIX .. mr.worker .. "-" .. mr.attempt)
  lab.wait(2 + 3 * math.random())
  emit("a", "x")
end

function jobcount.reduce(key, _, emit)
  emit(("%s %d"):format(key, lab.count_markers(PREFIX)), true)
end

return jobcount

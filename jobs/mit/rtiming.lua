--- MIT lab, rtiming: do reduces run side by side?
--
--     mrlua run jobs/mit/rtiming.lua --allow-unsafe --slots 2 pg-*.txt
--
-- Output: for each of ten keys, which fill 8 of 10 reduces, how many reduces it saw running:
--
--     a 2
--     b 2
--
-- It sleeps and leaves marker files in the current folder, hence unsafe.

local lab = require "lab"

local rtiming = {
  input = "file", output = "lines", reducers = lab.REDUCERS, partition = lab.partition,
  unsafe = true,
  params = { pace = 1.0 },
}

function rtiming.map(_, _, emit)
  for key in ("abcdefghij"):gmatch(".") do
    emit(key, 1)
  end
end

function rtiming.reduce(key, _, emit)
  emit(("%s %d"):format(key, lab.count_running("reduce")), true)
end

return rtiming

--- MIT lab, wc: counts words, case kept, one map task per file.
--
--     mrlua run jobs/mit/wc.lua -o out pg-*.txt
--
-- Output: "word count" in 10 parts. On the lab's eight texts 22,107 lines, among them
--
--     A 509
--     ABOUT 2
--     ACT 8

local lab = require "lab"

local wc = { input = "file", output = "lines", reducers = lab.REDUCERS, partition = lab.partition }

function wc.map(_, contents, emit)
  for word in contents:gmatch("%a+") do
    emit(word, 1)
  end
end

function wc.reduce(word, ones, emit)
  local count = 0
  for _ in ones do
    count = count + 1
  end
  emit(("%s %d"):format(word, count), true)
end

return wc

--- MIT lab, indexer: in how many documents a word is, and in which.
--
--     mrlua run jobs/mit/indexer.lua -o out pg-*.txt
--
-- Output: "word N name,name,..." in 10 parts, the names in order. On the lab's eight texts
-- 22,107 lines; 1,304 words are in all eight:
--
--     ABOUT 1 pg-tom_sawyer.txt

local lab = require "lab"

local indexer = {
  input = "file", output = "lines", reducers = lab.REDUCERS, partition = lab.partition,
}

function indexer.map(name, contents, emit)
  local seen = {}
  for word in contents:gmatch("%a+") do
    if not seen[word] then
      seen[word] = true
      emit(word, name)
    end
  end
end

function indexer.reduce(word, names, emit)
  local list = {}
  for name in names do
    list[#list + 1] = name
  end
  table.sort(list)
  emit(("%s %d %s"):format(word, #list, table.concat(list, ",")), true)
end

return indexer

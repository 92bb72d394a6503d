--- What the engine is measured against: the words of a file, counted in one table.
-- Usage: lua5.4 plain_wordcount.lua FILE

local counts = {}
for line in io.lines(arg[1]) do
  for word in line:gmatch("%a+") do
    counts[word] = (counts[word] or 0) + 1
  end
end
local words = {}
for word in pairs(counts) do
  words[#words + 1] = word
end
table.sort(words)
for _, word in ipairs(words) do
  io.write(word, "\t", counts[word], "\n")
end

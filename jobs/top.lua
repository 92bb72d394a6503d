--- The most frequent words.
--
--     mrlua run jobs/top.lua --param n=3 /usr/share/common-licenses/GPL-3
--
-- Output: "count <tab> word", the largest count first, equal counts by word:
--
--     345     the
--     221     of
--     192     to
--
-- The totals of all words meet in one reduce task, which keeps the best n of them and emits at its
-- end. (Words only: their number is that of the language's words, not that of the input's.)

local top = { output = "lines", params = { n = 10 }, reducers = 1, combine = "sum" }

local best -- { word, total } of up to n words, the best first

local function is_better(a, b)
  return a[2] > b[2] or (a[2] == b[2] and a[1] < b[1])
end

function top.setup()
  best = {}
end

function top.map(_, line, emit)
  for word in line:gmatch("%a+") do
    emit(word:lower(), 1)
  end
end

function top.reduce(word, counts)
  local total = 0
  for count in counts do
    total = total + count
  end
  local one, at = { word, total }, #best + 1
  while at > 1 and is_better(one, best[at - 1]) do
    at = at - 1
  end
  table.insert(best, at, one)
  best[mr.params.n + 1] = nil
end

function top.cleanup(_, emit)
  for rank, one in ipairs(best) do
    emit(rank, ("%d\t%s"):format(one[2], one[1]))
  end
end

return top

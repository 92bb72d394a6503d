--- Sorts lines by their bytes, as `LC_ALL=C sort` does.
--
--     mrlua run jobs/sort.lua /usr/share/common-licenses/GPL-3
--
-- Output: the lines, equal ones as often as they came. However many parts there are, they follow
-- each other: `cat out/part-*` is sorted. Where they are cut, a sample of the input says.

local sort = { input = "lines", output = "lines", reduce = "identity", partition = "range" }

function sort.map(_, line, emit)
  emit(line, true) -- "lines" writes the key where the value is true
end

return sort

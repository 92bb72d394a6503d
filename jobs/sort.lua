--- Sorts lines by their bytes, as `LC_ALL=C sort` does.
--
--     mrlua run jobs/sort.lua /usr/share/common-licenses/GPL-3
--
-- Output: the lines, equal ones as often as they came. One reducer gives one sorted output; with
-- --reducers above 1 a line's part is chosen by its hash, and each part is sorted by itself.
-- (Parts that follow each other need partition = "range", which is not there yet.)

local sort = { input = "lines", output = "lines", reduce = "identity" }

function sort.map(_, line, emit)
  emit(line, true) -- "lines" writes the key where the value is true
end

return sort

--- Sorts lines by their bytes, as `LC_ALL=C sort` does.
--
--     mrlua run jobs/sort.lua /usr/share/common-licenses/GPL-3
--
-- Output: the lines, equal ones as often as they came. However many parts there are, they follow
-- each other: `cat out/part-*` is sorted. Where they are cut, a sample of the input says.

return {
  input = "lines",
  output = "lines",
  map = "field",
  params = { field = 0 }, -- emits (line, true): "lines" writes the key where it is true
  reduce = "identity",
  partition = "range",
}

--- The lines that match a Lua pattern.
--
--     mrlua run jobs/grep.lua --param pattern='software patents?%f[%A]' \
--         /usr/share/common-licenses/GPL-3
--
-- Output: the lines, sorted by where they stand in their file:
--
--       Finally, every program is threatened constantly by software patents.
--
-- With --reducers above 1 each part is sorted by itself.

return {
  input = "lines",
  output = "lines",
  params = { pattern = "" }, -- matches every line
  map = "grep",              -- emits (offset, line); a pattern without magic never enters Lua
  reduce = "identity",
}

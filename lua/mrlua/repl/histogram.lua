--- Numbers as bars in a terminal.
--
--     local values = histogram.new()
--     for _, value in job:output() do values:add(value) end
--     values                              at the prompt:
--
--     0 to 25     ████████████████████ 120
--     25 to 50    ████ 24
--
-- It keeps buckets, not numbers (mrlua.stats): memory does not grow with them, and a number that is
-- within 1 % of a border may be counted on its other side. Where the largest number is more than a
-- hundred times the smallest, and all are above 0, rows grow by a factor.

local stats = require "mrlua.stats"

local histogram = {}
histogram.__index = histogram

local ROWS = 10
local BAR_CELLS = 40
local FACTOR_FROM = 100

function histogram.new()
  return setmetatable({ sketch = stats.histogram(0.01), low = math.huge, high = -math.huge },
    histogram)
end

--- Counts a number.
function histogram:add(value)
  if type(value) ~= "number" or value - value ~= 0 then
    error(("a histogram is of finite numbers, not of %s"):format(type(value) == "number"
      and tostring(value) or "a " .. type(value)), 2)
  end
  stats.count(self.sketch, value)
  self.low, self.high = math.min(self.low, value), math.max(self.high, value)
end

-- The borders of the rows, ascending, one more than there are rows.
local function borders_of(low, high)
  local borders = {}
  if low == high then
    return { low, high }
  end
  local grows = low > 0 and high / low > FACTOR_FROM
  for i = 0, ROWS do
    borders[i + 1] = grows and low * (high / low) ^ (i / ROWS) or low + (high - low) * i / ROWS
  end
  borders[ROWS + 1] = high
  return borders
end

--- The rows: { low, high, n }.
function histogram:rows()
  local borders, rows = borders_of(self.low, self.high), {}
  for i = 1, #borders - 1 do
    rows[i] = { low = borders[i], high = borders[i + 1], n = 0 }
  end
  local at = 1
  for _, bucket in ipairs(stats.buckets(self.sketch)) do
    local middle = math.max(self.low, math.min(self.high, (bucket.low + bucket.high) / 2))
    while at < #rows and middle > rows[at].high do
      at = at + 1
    end
    rows[at].n = rows[at].n + bucket.n
  end
  return rows
end

function histogram:__tostring()
  if self.sketch.n == 0 then
    return "no numbers"
  end
  local rows, most, width, lines = self:rows(), 0, 0, {}
  for i, row in ipairs(rows) do
    most = math.max(most, row.n)
    lines[i] = ("%.4g to %.4g"):format(row.low, row.high)
    width = math.max(width, #lines[i])
  end
  for i, row in ipairs(rows) do
    local cells = row.n > 0 and math.max(1, math.floor(row.n / most * BAR_CELLS + 0.5)) or 0
    local bar = cells > 0 and ("█"):rep(cells) .. " " or ""
    lines[i] = lines[i] .. (" "):rep(width - #lines[i] + 2) .. bar .. row.n
  end
  return table.concat(lines, "\n")
end

return histogram

--- Rows as aligned text: a heading, then a line each.
--
--     columns.text({ { "JOB", "right" }, { "NAME" } }, { { 1, "wordcount" }, { 12, "sort" } })
--
--     JOB  NAME
--       1  wordcount
--      12  sort

local printable = require "mrlua.printable"

local columns = {}

-- Columns of a screen, as near as it goes without a table of wide letters.
local function width_of(text)
  return utf8.len(text) or #text
end

-- What would break a line or colour a terminal comes from names that others chose.
local function clean(value)
  return printable.line(tostring(value))
end

local function cells_of(row, count)
  local cells = {}
  for i = 1, count do
    cells[i] = row[i] == nil and "-" or clean(row[i])
  end
  return cells
end

local function widths_of(rows, count)
  local widths = {}
  for i = 1, count do
    widths[i] = 0
    for _, row in ipairs(rows) do
      widths[i] = math.max(widths[i], width_of(row[i]))
    end
  end
  return widths
end

local function line_of(cells, heads, widths)
  local padded = {}
  for i, cell in ipairs(cells) do
    local space = (" "):rep(widths[i] - width_of(cell))
    padded[i] = heads[i][2] == "right" and space .. cell or cell .. space
  end
  return (table.concat(padded, "  "):gsub(" +$", ""))
end

--- @tparam {{string,?string},...} heads  a name, and "right" for numbers
-- @tparam {{any,...},...} rows            nil in a row is shown as "-"
-- @treturn string                         with a newline behind each line
function columns.text(heads, rows)
  local all = { {} }
  for i, head in ipairs(heads) do
    all[1][i] = head[1]
  end
  for i, row in ipairs(rows) do
    all[i + 1] = cells_of(row, #heads)
  end
  local widths, lines = widths_of(all, #heads), {}
  for i, cells in ipairs(all) do
    lines[i] = line_of(cells, heads, widths) .. "\n"
  end
  return table.concat(lines)
end

return columns

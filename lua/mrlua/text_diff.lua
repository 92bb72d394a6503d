--- What differs between two texts, line by line, as `diff -u` tells it. Pure.
--
-- The shortest script of edits is Myers' (An O(ND) Difference Algorithm and Its Variations, 1986);
-- beyond EDITS_MAX edits all that is not the same at the start and at the end counts as replaced:
-- nobody reads a longer one, and the search takes the square of it.

local text_diff = {}

local CONTEXT <const> = 3 -- equal lines around a difference
local EDITS_MAX <const> = 1000

-- Lines without their newlines. What does not end with one has that as a further line, as its own
-- sentence.
local NO_NEWLINE <const> = "\\ No newline at end of file"

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("([^\n]*)\n") do
    lines[#lines + 1] = line
  end
  local rest = text:match("([^\n]+)$")
  if rest then
    lines[#lines + 1] = rest .. "\n" .. NO_NEWLINE
  end
  return lines
end

-- The furthest reaching paths by number of edits, until one is at the end of both; nil: too many.
local function trace_of(a, b, first, a_last, b_last)
  local reach, trace = { [1] = 0 }, {}
  local n, m = a_last - first + 1, b_last - first + 1
  for edits = 0, math.min(n + m, EDITS_MAX) do
    trace[edits] = table.move(reach, -edits - 1, edits + 1, -edits - 1, {})
    for k = -edits, edits, 2 do
      local goes_down = k == -edits or (k ~= edits and reach[k - 1] < reach[k + 1])
      local x = goes_down and reach[k + 1] or reach[k - 1] + 1
      while x < n and x - k < m and a[first + x] == b[first + x - k] do
        x = x + 1
      end
      reach[k] = x
      if x >= n and x - k >= m then
        return trace, edits
      end
    end
  end
end

-- Which lines of a are not in b, and which of b not in a: two sets of numbers.
local function edits_of(a, b, first, a_last, b_last)
  local removed, added = {}, {}
  local trace, edits = trace_of(a, b, first, a_last, b_last)
  if not trace then
    for i = first, a_last do removed[i] = true end
    for i = first, b_last do added[i] = true end
    return removed, added
  end
  local x, y = a_last - first + 1, b_last - first + 1
  for d = edits, 1, -1 do
    local reach, k = trace[d], x - y
    local goes_down = k == -d or (k ~= d and reach[k - 1] < reach[k + 1])
    local from = goes_down and k + 1 or k - 1
    x = reach[from]
    y = x - from
    if goes_down then
      added[first + y] = true
    else
      removed[first + x] = true
    end
  end
  return removed, added
end

-- All lines in order: { mark, line, number in a, number in b }.
local function script_of(a, b)
  local first, a_last, b_last = 1, #a, #b
  while first <= a_last and first <= b_last and a[first] == b[first] do
    first = first + 1
  end
  while a_last >= first and b_last >= first and a[a_last] == b[b_last] do
    a_last, b_last = a_last - 1, b_last - 1
  end
  local removed, added = edits_of(a, b, first, a_last, b_last)
  local script, i, j = {}, 1, 1
  while i <= #a or j <= #b do
    if removed[i] then
      script[#script + 1] = { "-", a[i], i, j }
      i = i + 1
    elseif added[j] then
      script[#script + 1] = { "+", b[j], i, j }
      j = j + 1
    else
      script[#script + 1] = { " ", a[i], i, j }
      i, j = i + 1, j + 1
    end
  end
  return script
end

-- Where changes are, with their context: { { from, to }, ... } of the script.
local function hunks_of(script)
  local hunks = {}
  for at, step in ipairs(script) do
    if step[1] ~= " " then
      local from, to = math.max(1, at - CONTEXT), math.min(#script, at + CONTEXT)
      local last = hunks[#hunks]
      if last and from <= last[2] + 1 then
        last[2] = to
      else
        hunks[#hunks + 1] = { from, to }
      end
    end
  end
  return hunks
end

local function range_text(start, count)
  if count == 1 then
    return ("%d"):format(start)
  end
  return ("%d,%d"):format(count == 0 and start - 1 or start, count)
end

local function add_hunk(lines, script, hunk)
  local a_count, b_count, text = 0, 0, {}
  for at = hunk[1], hunk[2] do
    local mark = script[at][1]
    a_count = a_count + (mark ~= "+" and 1 or 0)
    b_count = b_count + (mark ~= "-" and 1 or 0)
    for line in (mark .. script[at][2] .. "\n"):gmatch("([^\n]*)\n") do
      text[#text + 1] = line
    end
  end
  local start = script[hunk[1]]
  lines[#lines + 1] = ("@@ -%s +%s @@"):format(range_text(start[3], a_count),
    range_text(start[4], b_count))
  table.move(text, 1, #text, #lines + 1, lines)
end

--- The difference as lines; none where the texts are the same.
-- @tparam string a       the old text
-- @tparam string b       the new one
-- @tparam string a_name  what "---" says
-- @tparam string b_name  and "+++"
-- @treturn {string,...}
function text_diff.unified(a, b, a_name, b_name)
  if a == b then
    return {}
  end
  local script = script_of(lines_of(a), lines_of(b))
  local lines = { "--- " .. a_name, "+++ " .. b_name }
  for _, hunk in ipairs(hunks_of(script)) do
    add_hunk(lines, script, hunk)
  end
  return lines
end

return text_diff

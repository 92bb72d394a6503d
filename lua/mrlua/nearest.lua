--- The word that somebody probably meant, and what to say of one that is not known.

local nearest = {}

local BEGINNING_BYTES_MIN <const> = 3 -- of a word that another may begin with by chance

-- Edits (insert, delete, replace, swap of neighbours) that make b of a: optimal string alignment.
local function distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do
    last[j] = j
  end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

-- The longest of the words that this one begins with: "mapper" is "map".
local function beginning(word, words)
  local best
  for _, candidate in ipairs(words) do
    if #candidate >= BEGINNING_BYTES_MIN and word:sub(1, #candidate) == candidate
      and #candidate > #(best or "") then
      best = candidate
    end
  end
  return best
end

--- The nearest of `words` to `word`, unless all are too far to be meant; else what it begins with.
-- Of equally near ones it is the first in byte order.
-- @tparam string word
-- @tparam {string,...} words
-- @treturn string  or nil
function nearest.word(word, words)
  local best, best_distance = nil, math.max(1, #word // 3) + 1
  for _, candidate in ipairs(words) do
    local edits = distance(word, candidate)
    if edits < best_distance or edits == best_distance and best and candidate < best then
      best, best_distance = candidate, edits
    end
  end
  return best or beginning(word, words)
end

--- "; did you mean 'reduce'?", or "" when nothing is near.
function nearest.hint(word, words)
  local best = nearest.word(word, words)
  return best and ("; did you mean '%s'?"):format(best) or ""
end

--- The keys of a table as texts, sorted by bytes: of several mistakes the same one is told first.
function nearest.names_of(known)
  local names = {}
  for name in next, known do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  return names
end

--- "unknown option 'typ': did you mean 'type'?", or all there are.
-- @tparam string what
-- @param name         what was given
-- @tparam table known  name -> anything
function nearest.unknown(what, name, known)
  local text, names = ("unknown %s '%s'"):format(what, tostring(name)), nearest.names_of(known)
  local meant = type(name) == "string" and nearest.word(name, names)
  if meant then
    return ("%s: did you mean '%s'?"):format(text, meant)
  end
  names = table.concat(names, ", ")
  return text .. (names == "" and ": there are none" or ": there are " .. names)
end

return nearest

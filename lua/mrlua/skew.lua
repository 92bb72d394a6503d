--- Where the output of a job's maps is uneven, as text and as JSON. What is found, and what is
-- advised where it matters, comes from the engine (engine/master/job_skew.h):
--
--     { records = 10000000, bytes = 120000000, partitions = 4,
--       keys = { { key = '"the"', records = 1000000, partition = 3 }, ... },
--       largest = { { partition = 3, bytes = 60000000, records = 4000000 }, ... },
--       advice = { 'key "the" has 10.0 % of the records that the maps wrote ...' } }
--
-- or {}, as long as no map is done. Keys are those with a 64th of the records and more.

local size = require "mrlua.size"

local skew = {}

local SHOWN <const> = 3 -- partitions, in a line
local HOT_SHARE <const> = 1 / 16 -- of all records: from there on a key is worth a look

--- A line for each advice, for who runs the job.
-- @treturn {string,...}
function skew.advice_lines(found)
  local lines = {}
  for i, sentence in ipairs(found.advice or {}) do
    lines[i] = "skew: " .. sentence
  end
  return lines
end

local function hot_text(found, hot)
  return ("%s %.1f %%"):format(hot.key, 100 * hot.records / found.records)
end

-- 'hot keys: "the" 10.0 %, "of" 5.3 %'
local function keys_line(found)
  local texts = {}
  for i, hot in ipairs(found.keys) do
    texts[i] = hot_text(found, hot)
  end
  return "hot keys: " .. table.concat(texts, ", ")
end

--- The keys that matter to who looks at a job that is done: the hottest of several partitions, each
-- with a 16th of all records or more: { '"the" 10.0 %', ... }.
function skew.hot_texts(found)
  local texts = {}
  if (found.partitions or 0) > 1 then
    for i = 1, math.min(SHOWN, #found.keys) do
      if found.keys[i].records >= HOT_SHARE * found.records then
        texts[i] = hot_text(found, found.keys[i])
      end
    end
  end
  return texts
end

-- "largest of 8 partitions: 3 (60 MB), 0 (41 MB), 7 (40 MB)"
local function partitions_line(found)
  local texts = {}
  for i = 1, math.min(SHOWN, #found.largest) do
    local one = found.largest[i]
    texts[i] = ("%d (%s)"):format(one.partition, size.bytes(one.bytes))
  end
  return ("largest of %d partitions: %s"):format(found.partitions, table.concat(texts, ", "))
end

--- What `mrlua status` tells of it, line by line, with the advice last.
-- @treturn {string,...}
function skew.status_lines(found)
  local lines = {}
  if found.keys and #found.keys > 0 then
    lines[1] = keys_line(found)
  end
  if found.partitions and found.partitions > 1 then
    lines[#lines + 1] = partitions_line(found)
  end
  return table.move(skew.advice_lines(found), 1, #(found.advice or {}), #lines + 1, lines)
end

--- The same for `--json`; nil as long as there is nothing.
-- @treturn ?table
function skew.object(found)
  if not found or not found.records then
    return nil
  end
  local json = require "mrlua.json"
  for _, name in ipairs { "keys", "largest", "advice" } do
    setmetatable(found[name], json.list) -- also when it is empty
  end
  return found
end

return skew

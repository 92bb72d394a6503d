--- Does a combiner change what comes out? It is applied to any part of a key's values, any number
-- of times or never, so with R = reduce and C = combine
--
--     R(C(a), b)  =  R(a, C(b))  =  R(C(C(a), b))  =  R(a, b)      for all values a, b of a key
--
-- and what C emits has the key that it was given. This is tried on values that the map has emitted,
-- the fewest first, so that a counterexample is small.

local values = require "mrlua.check.values"

local combiner = {}

local KEYS_MAX <const> = 8        -- of which values are tried
local VALUES_MAX <const> = 5      -- of one trial
local TRIALS_PER_SIZE <const> = 3 -- of each key

-- ---- what is tried ----

local function chance()
  local state = 7
  return function(count)
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >> 8) % count + 1
  end
end

-- Keys with their values, and all values by their shape.
local function gather(records)
  local groups, order, shapes = {}, {}, {}
  for _, record in ipairs(records) do
    local name, shape = values.text(record[1]), values.shape(record[2])
    if not groups[name] then
      groups[name] = { key = record[1] }
      order[#order + 1] = groups[name]
    end
    table.insert(groups[name], record[2])
    shapes[shape] = shapes[shape] or {}
    table.insert(shapes[shape], record[2])
  end
  table.sort(order, function(a, b) return #a > #b end)
  return { table.unpack(order, 1, KEYS_MAX) }, shapes
end

-- So many values of a key: the first ones it has, then some that other keys have.
local function draw(group, count, number, shapes, choose)
  local drawn = {}
  for i = 1, count do
    local pool = shapes[values.shape(group[1])]
    drawn[i] = number == 1 and group[i] or pool[choose(#pool)]
  end
  return drawn
end

-- ---- a trial ----

local function records_of(key, list, from, to)
  local records = {}
  for i = from, to do
    records[#records + 1] = { key, list[i] }
  end
  return records
end

local function joined(a, b)
  return table.move(b, 1, #b, #a + 1, table.move(a, 1, #a, 1, {}))
end

local Trial = {}
Trial.__index = Trial

function Trial:combine(records)
  local combined, fault = self.worlds.combine():combine(records)
  if not combined then
    return nil, fault
  end
  for _, record in ipairs(combined) do
    if values.text(record[1]) ~= values.text(self.key) then
      self.strange_key = record[1]
      return nil
    end
  end
  return combined
end

-- The ways to combine a | b, as texts and what they make: { text, records }. That it does not take
-- what it has emitted itself is a way, too, without records.
function Trial:ways(cut)
  local a = records_of(self.key, self.list, 1, cut)
  local b = records_of(self.key, self.list, cut + 1, #self.list)
  local of_a = self:combine(a)
  local of_b = of_a and self:combine(b)
  if not of_b then
    return {}
  end
  local a_text, b_text = values.list_text { table.unpack(self.list, 1, cut) },
    values.list_text { table.unpack(self.list, cut + 1) }
  return {
    { ("combine(%s), %s"):format(a_text, b_text), joined(of_a, b) },
    { ("%s, combine(%s)"):format(a_text, b_text), joined(a, of_b) },
    { ("combine(combine(%s), %s)"):format(a_text, b_text), (self:combine(joined(of_a, b))) },
  }
end

local function told(records)
  if #records == 0 then
    return "nothing"
  end
  local list = {}
  for i, record in ipairs(records) do
    list[i] = record[2]
  end
  return values.list_text { table.unpack(list, 1, VALUES_MAX) }
end

-- What shows that the combiner is wrong: lines; or nil.
function Trial:run()
  local plain = self.worlds.reduce():reduce(records_of(self.key, self.list, 1, #self.list))
  for cut = 1, plain and #self.list - 1 or 0 do
    local ways = self:ways(cut)
    if self.strange_key ~= nil then
      return { ("for key %s it emits under key %s"):format(values.list_text { self.key },
        values.list_text { self.strange_key }) }
    end
    for _, way in ipairs(ways) do
      local reduced = way[2] and self.worlds.reduce():reduce(way[2])
      if not reduced or not values.same(plain, reduced) then
        return {
          ("key %s"):format(values.list_text { self.key }),
          ("reduce(%s)  gives  %s"):format(values.list_text(self.list), told(plain)),
          ("reduce(%s)  gives  %s"):format(way[1], reduced and told(reduced) or "an error"),
        }
      end
    end
  end
end

--- Tries the combiner.
-- @tparam {{key,value},...} records  what the map has emitted
-- @tparam table worlds               combine() and reduce(): mrlua.check.world, new each time
-- @treturn ?table                    { line, what, why, fix, shown }; nil: nothing was found
-- @treturn integer                   trials
function combiner.check(records, worlds)
  local groups, shapes = gather(records)
  local choose, count = chance(), 0
  for size = 2, VALUES_MAX do
    for _, group in ipairs(groups) do
      for number = #group >= size and 1 or 2, TRIALS_PER_SIZE do
        local trial = setmetatable({ worlds = worlds, key = group.key,
          list = draw(group, size, number, shapes, choose) }, Trial)
        local shown = trial:run()
        count = count + 1
        if shown then
          return {
            kind = "combiner", shown = shown,
            what = trial.strange_key ~= nil and "combine changes the key"
              or "combine changes what reduce answers",
            why = "it is applied to some values of a key, once, again or not at all, as memory"
              .. " has it: the output would differ from run to run",
            fix = "let it emit, under its key, what reduce can take in place of the values; or"
              .. " leave the field 'combine' out",
          }, count
        end
      end
    end
  end
  return nil, count
end

return combiner

--- Answers about more values than fit into memory, for jobs: how many different ones there are
-- (HyperLogLog), and how often one comes (count-min).
--
--     local sketch = require "mrlua.sketch"
--
--     local different = sketch.distinct()            4 KB, within 1.6 % (a standard deviation)
--     sketch.see(different, value)
--     emit(key, sketch.pack(different))              and in reduce:
--     sketch.merge(different, sketch.unpack(packed))
--     sketch.size(different)                         about how many were seen, each once
--
--     local often = sketch.frequency(1024, 4)        never too low; too high by 0.3 % of all
--     sketch.add(often, value, n)                    calls at most, in 98 % of the cases
--     sketch.often(often, value)
--
-- Values are strings, numbers and booleans; 1 and 1.0 are the same. The hash is the same in every
-- process, so that sketches of different attempts merge, in any order, to the same bytes. In plain
-- Lua: a value takes about a microsecond.

local sketch = {}

-- ---- 64 bits of a value ----

local M1 <const>, M2 <const> = 0xff51afd7ed558ccd, 0xc4ceb9fe1a85ec53 -- of MurmurHash3
local SEEDS = { string = 0x9e3779b97f4a7c15, integer = 0x2545f4914f6cdd1d,
  float = 0x27d4eb2f165667c5, boolean = 0x165667b19e3779f9 }

local function mix(h)
  h = (h ~ (h >> 33)) * M1
  h = (h ~ (h >> 33)) * M2
  return h ~ (h >> 33)
end

local unpack = string.unpack

local function hash_string(text, h)
  local length = #text
  for at = 1, length - 7, 8 do
    h = mix(h ~ unpack("<i8", text, at))
  end
  local rest = length % 8
  if rest > 0 then
    h = mix(h ~ unpack("<I" .. rest, text, length - rest + 1))
  end
  return mix(h ~ length)
end

local function hash(value)
  local kind = type(value)
  if kind == "string" then
    return hash_string(value, SEEDS.string)
  elseif kind == "number" then
    local integer = math.tointeger(value)
    if integer then
      return mix(integer ~ SEEDS.integer)
    end
    return mix(unpack("<i8", string.pack("<d", value)) ~ SEEDS.float)
  elseif kind == "boolean" then
    return mix((value and 1 or 2) ~ SEEDS.boolean)
  end
  error("sketch: a value must be a string, number or boolean, not a " .. kind, 3)
end

-- ---- how many different values ----

local BITS_MIN, BITS_MAX = 4, 16

--- A sketch of how many different values were seen: 2^bits bytes, and a standard error of
-- 1.04 / sqrt(2^bits): 1.6 % of the default.
-- @tparam[opt=12] integer bits  4 to 16
function sketch.distinct(bits)
  bits = bits or 12
  assert(math.type(bits) == "integer" and bits >= BITS_MIN and bits <= BITS_MAX,
    "sketch.distinct: bits must be an integer from 4 to 16")
  return { bits = bits, ranks = {} } -- of registers that are not 0: how many zeros, and 1
end

--- Shows it a value.
function sketch.see(distinct, value)
  local h, bits = hash(value), distinct.bits
  local register, rest, rank = h >> (64 - bits), h << bits, 1
  while rest > 0 do -- its first bit is 0: as a number it is not negative
    rest, rank = rest << 1, rank + 1
  end
  if rest == 0 then
    rank = 65 - bits
  end
  local ranks = distinct.ranks
  if rank > (ranks[register] or 0) then
    ranks[register] = rank
  end
end

local function sigma(x)
  if x == 1 then
    return math.huge
  end
  local y, z = 1, x
  local last
  repeat
    x, last = x * x, z
    z, y = z + x * y, y + y
  until z == last
  return z
end

local function tau(x)
  if x == 0 or x == 1 then
    return 0
  end
  local y, z = 1, 1 - x
  local last
  repeat
    x, last, y = math.sqrt(x), z, 0.5 * y
    z = z - (1 - x) ^ 2 * y
  until z == last
  return z / 3
end

--- About how many different values it was shown: by Ertl's estimator (arXiv 1702.01284), which
-- needs no correction at either end.
-- @treturn integer
function sketch.size(distinct)
  local m, highest, counts = 1 << distinct.bits, 65 - distinct.bits, {}
  local zeros = m
  for _, rank in next, distinct.ranks do
    counts[rank], zeros = (counts[rank] or 0) + 1, zeros - 1
  end
  local z = m * tau(1 - (counts[highest] or 0) / m)
  for rank = highest - 1, 1, -1 do
    z = 0.5 * (z + (counts[rank] or 0))
  end
  z = z + m * sigma(zeros / m)
  return math.floor(m * m / (2 * math.log(2) * z) + 0.5)
end

-- ---- how often a value comes ----

--- A sketch of how often each value came: `width` times `depth` counters of 8 bytes. An answer is
-- never too low; it is too high by more than 2.72 / width of all that was added with a probability
-- of 0.37 ^ depth.
-- @tparam[opt=1024] integer width
-- @tparam[opt=4] integer depth  1 to 16
function sketch.frequency(width, depth)
  width, depth = width or 1024, depth or 4
  assert(math.type(width) == "integer" and width >= 1 and width <= 1 << 20
    and math.type(depth) == "integer" and depth >= 1 and depth <= 16,
    "sketch.frequency: width must be an integer from 1 to 2^20, depth one from 1 to 16")
  local counts = {}
  for i = 1, width * depth do
    counts[i] = 0
  end
  return { width = width, depth = depth, counts = counts }
end

-- Row i looks at h + i * step: two halves of one hash are as good as `depth` hashes.
local function places(frequency, value)
  local h = hash(value)
  return h & 0xffffffff, (h >> 32) | 1, frequency.width
end

--- Counts `n` (default 1) of a value.
function sketch.add(frequency, value, n)
  local start, step, width = places(frequency, value)
  local counts = frequency.counts
  n = n or 1
  for row = 0, frequency.depth - 1 do
    local at = row * width + (start + row * step) % width + 1
    counts[at] = counts[at] + n
  end
end

--- How often a value came: that often at most.
-- @treturn integer
function sketch.often(frequency, value)
  local start, step, width = places(frequency, value)
  local counts, least = frequency.counts, math.maxinteger
  for row = 0, frequency.depth - 1 do
    least = math.min(least, counts[row * width + (start + row * step) % width + 1])
  end
  return least
end

-- ---- both ----

--- Adds what `other` was shown to `into`: two sketches of one kind and size.
-- @treturn table  into
function sketch.merge(into, other)
  assert(into.bits == other.bits and into.width == other.width and into.depth == other.depth,
    "sketch.merge: the sketches differ in kind or size")
  if into.bits then
    for register, rank in next, other.ranks do
      into.ranks[register] = math.max(rank, into.ranks[register] or 0)
    end
    return into
  end
  for i, n in ipairs(other.counts) do
    into.counts[i] = into.counts[i] + n
  end
  return into
end

local function pack_distinct(distinct)
  local bytes = {}
  for register = 0, (1 << distinct.bits) - 1 do
    bytes[register + 1] = string.char(distinct.ranks[register] or 0)
  end
  return string.pack("<c1 B", "d", distinct.bits) .. table.concat(bytes)
end

local function pack_frequency(frequency)
  local numbers = {}
  for i, n in ipairs(frequency.counts) do
    numbers[i] = string.pack("<i8", n)
  end
  return string.pack("<c1 I4 B", "f", frequency.width, frequency.depth) .. table.concat(numbers)
end

--- A sketch as a string, for emit: the same for the same values, whatever the order.
function sketch.pack(one)
  return one.bits and pack_distinct(one) or pack_frequency(one)
end

local function unpack_distinct(packed)
  local distinct = sketch.distinct(packed:byte(2))
  assert(#packed == 2 + (1 << distinct.bits), "sketch.unpack: cut short")
  for register = 0, (1 << distinct.bits) - 1 do
    local rank = packed:byte(3 + register)
    if rank > 0 then
      distinct.ranks[register] = rank
    end
  end
  return distinct
end

local function unpack_frequency(packed)
  local width, depth, at = unpack("<I4 B", packed, 2)
  local frequency = sketch.frequency(width, depth)
  assert(#packed == at - 1 + 8 * width * depth, "sketch.unpack: cut short")
  for i = 1, width * depth do
    frequency.counts[i] = unpack("<i8", packed, at + 8 * (i - 1))
  end
  return frequency
end

--- The sketch of such a string.
function sketch.unpack(packed)
  local kind = packed:sub(1, 1)
  assert(kind == "d" or kind == "f", "sketch.unpack: this is no packed sketch")
  return kind == "d" and unpack_distinct(packed) or unpack_frequency(packed)
end

return sketch

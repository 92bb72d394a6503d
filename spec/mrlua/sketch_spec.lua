local sketch = require "mrlua.sketch"
local texts = require "spec.support.texts"

local SEED = texts.seed(20261129)

local function distinct_of(from, to, bits)
  local distinct = sketch.distinct(bits)
  for i = from, to do
    sketch.see(distinct, "value " .. i)
  end
  return distinct
end

describe("mrlua/sketch distinct", function()
  it("is within 4 standard errors, few values or many", function()
    for _, bits in ipairs { 6, 10, 12, 14 } do
      local allowed = 4 * 1.04 / math.sqrt(1 << bits)
      for _, n in ipairs { 1, 10, 100, 3000, 20000, 200000 } do
        local size = sketch.size(distinct_of(1, n, bits))
        if math.abs(size - n) > math.max(1, allowed * n) then
          error(("%d of %d with %d bits"):format(size, n, bits))
        end
      end
    end
    assert.equal(0, sketch.size(sketch.distinct()))
  end)

  it("takes a value once, and 1.0 for 1", function()
    local distinct = sketch.distinct()
    for _ = 1, 3 do
      for _, value in ipairs { "a", "1", 1, 1.0, 1.5, true, false, "" } do
        sketch.see(distinct, value)
      end
    end

    assert.equal(7, sketch.size(distinct))
  end)

  it("merges to the bytes of one that saw all, SEED=" .. SEED, function()
    math.randomseed(SEED)
    for _ = 1, 10 do
      local cut, overlap = math.random(0, 3000), math.random(0, 500)
      local merged = sketch.merge(distinct_of(cut + 1, 3000, 8),
        sketch.unpack(sketch.pack(distinct_of(1, math.min(3000, cut + overlap), 8))))

      assert.equal(sketch.pack(distinct_of(1, 3000, 8)), sketch.pack(merged))
    end
  end)

  it("has 4 to 16 bits", function()
    assert.equal(2 + 16, #sketch.pack(sketch.distinct(4)))
    assert.equal(2 + 65536, #sketch.pack(sketch.distinct(16)))
    for _, bits in ipairs { 3, 17, 4.5, "8" } do
      assert.has_error(function() sketch.distinct(bits) end)
    end
  end)

  it("hashes the same in every version: what was packed yesterday merges", function()
    local distinct = sketch.distinct(4)
    for _, value in ipairs { "a", "eight by", "nine bytes", 7, 2.5, true } do
      sketch.see(distinct, value)
    end

    local packed = sketch.pack(distinct):gsub(".", function(byte)
      return ("%02x"):format(byte:byte())
    end)

    assert.equal("640401000002010001000000020100000000", packed)
  end)
end)

describe("mrlua/sketch frequency", function()
  it("is never too low, and seldom much too high, SEED=" .. SEED, function()
    math.randomseed(SEED)
    local frequency, true_counts, total = sketch.frequency(512, 4), {}, 0
    for _ = 1, 50000 do
      local value = math.floor(math.random() ^ 3 * 3000)
      sketch.add(frequency, value)
      true_counts[value], total = (true_counts[value] or 0) + 1, total + 1
    end
    local values, too_high = 0, 0
    for value, count in pairs(true_counts) do
      local often = sketch.often(frequency, value)
      assert.is_true(often >= count)
      values = values + 1
      too_high = too_high + (often > count + 2.72 / 512 * total and 1 or 0)
    end
    assert.is_true(too_high <= 0.37 ^ 4 * values, too_high .. " of " .. values)
  end)

  it("is exact for few values, and adds any number", function()
    local frequency = sketch.frequency()
    sketch.add(frequency, "a", 5)
    sketch.add(frequency, "b")
    sketch.add(frequency, "a")

    assert.equal(6, sketch.often(frequency, "a"))
    assert.equal(1, sketch.often(frequency, "b"))
    assert.equal(0, sketch.often(frequency, "c"))
  end)

  it("merges to the bytes of one that saw all", function()
    local whole = sketch.frequency(64, 3)
    local parts = { sketch.frequency(64, 3), sketch.frequency(64, 3) }
    for i = 1, 500 do
      sketch.add(whole, i % 77)
      sketch.add(parts[i % 2 + 1], i % 77)
    end
    local merged = sketch.merge(parts[1], sketch.unpack(sketch.pack(parts[2])))

    assert.equal(sketch.pack(whole), sketch.pack(merged))
  end)

  it("has limits of its size", function()
    assert.is_table(sketch.frequency(1, 1))
    for _, size in ipairs { { 0, 1 }, { 1 << 21, 1 }, { 8, 0 }, { 8, 17 }, { 1.5, 2 } } do
      assert.has_error(function() sketch.frequency(size[1], size[2]) end)
    end
  end)
end)

describe("mrlua/sketch", function()
  it("refuses values and sketches that it does not know", function()
    assert.error_matches(function() sketch.see(sketch.distinct(), {}) end, "not a table")
    assert.has_error(function() sketch.merge(sketch.distinct(4), sketch.distinct(5)) end)
    assert.has_error(function() sketch.merge(sketch.distinct(4), sketch.frequency(4, 4)) end)
    assert.has_error(function() sketch.unpack "" end)
    assert.has_error(function() sketch.unpack "x123" end)
    assert.has_error(function() sketch.unpack(sketch.pack(sketch.distinct()):sub(1, -2)) end)
    assert.has_error(function() sketch.unpack(sketch.pack(sketch.frequency()) .. "x") end)
  end)
end)

local stats = require "mrlua.stats"
local texts = require "spec.support.texts"

local SEED = texts.seed(20261129)

local function summary_of(numbers, from, to)
  local summary = stats.summary()
  for i = from or 1, to or #numbers do
    stats.add(summary, numbers[i])
  end
  return summary
end

local function random_numbers(count)
  local numbers = {}
  for i = 1, count do
    local size = math.exp(math.random() * 30 - 15)
    numbers[i] = math.random(4) == 1 and -size or math.random(20) == 1 and 0 or size
  end
  return numbers
end

local function near(expected, actual, relative)
  if math.abs(expected - actual) > relative * math.abs(expected) then
    error(("%.17g is not within %g of %.17g"):format(actual, relative, expected), 2)
  end
end

describe("mrlua/stats summary", function()
  it("has mean, variance, smallest and largest", function()
    local summary = summary_of { 2, 4, 4, 4, 5, 5, 7, 9 }

    assert.equal(8, summary.n)
    assert.equal(5.0, summary.mean)
    near(32 / 7, stats.variance(summary), 1e-15)
    near(math.sqrt(32 / 7), stats.deviation(summary), 1e-15)
    assert.same({ 2, 9 }, { summary.min, summary.max })
  end)

  it("has no variance of fewer than two numbers", function()
    assert.is_nil(stats.variance(stats.summary()))
    assert.is_nil(stats.deviation(summary_of { 3 }))
    assert.equal(0, stats.variance(summary_of { 3, 3 }))
  end)

  it("loses no digits where the mean is large", function()
    near(1, stats.variance(summary_of { 1e9 + 1, 1e9 + 2, 1e9 + 3 }), 1e-9)
  end)

  it("merges to what one pass gives, wherever it is cut, SEED=" .. SEED, function()
    math.randomseed(SEED)
    for _ = 1, 100 do
      local numbers = random_numbers(math.random(2, 60))
      local cut = math.random(0, #numbers)
      local whole = summary_of(numbers)
      local merged = stats.merge(summary_of(numbers, 1, cut), summary_of(numbers, cut + 1))

      assert.same({ whole.n, whole.min, whole.max }, { merged.n, merged.min, merged.max })
      near(stats.variance(whole), stats.variance(merged), 1e-9)
      assert.is_true(math.abs(whole.mean - merged.mean) <= 1e-12 * math.max(whole.max, -whole.min))
    end
  end)
end)

describe("mrlua/stats percentile()", function()
  it("lies between neighbours", function()
    local sorted = { 15, 20, 35, 40, 50 }

    assert.equal(15, stats.percentile(sorted, 0))
    assert.equal(35, stats.percentile(sorted, 0.5))
    near(29.0, stats.percentile(sorted, 0.4), 1e-15)
    assert.equal(50, stats.percentile(sorted, 1))
    assert.equal(7, stats.percentile({ 7 }, 0.3))
    assert.is_nil(stats.percentile({}, 0.5))
  end)
end)

describe("mrlua/stats histogram", function()
  it("has quantiles within its accuracy, SEED=" .. SEED, function()
    math.randomseed(SEED)
    for _, accuracy in ipairs { 0.001, 0.01, 0.1 } do
      local numbers, histogram = random_numbers(2000), stats.histogram(accuracy)
      for _, x in ipairs(numbers) do
        stats.count(histogram, x)
      end
      table.sort(numbers)
      for _, share in ipairs { 0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1 } do
        local rank = math.floor(share * (#numbers - 1)) + 1
        near(numbers[rank], stats.quantile(histogram, share), accuracy * (1 + 1e-9))
      end
    end
  end)

  it("merges to the same buckets, whatever the order, SEED=" .. SEED, function()
    math.randomseed(SEED)
    local numbers = random_numbers(500)
    local whole, parts = stats.histogram(), { stats.histogram(), stats.histogram() }
    for _, x in ipairs(numbers) do
      stats.count(whole, x)
      stats.count(parts[math.random(2)], x)
    end

    assert.same(whole, stats.merge(stats.merge(stats.histogram(), parts[2]), parts[1]))
  end)

  it("has buckets in order, each number in its own", function()
    local histogram, last = stats.histogram(0.05), -math.huge
    for _, x in ipairs { 3, -3, 0, 1e-301, 1000, 3 } do
      stats.count(histogram, x)
    end
    stats.count(histogram, 7, 5)
    local buckets, total = stats.buckets(histogram), 0
    for _, bucket in ipairs(buckets) do
      assert.is_true(bucket.low >= last and bucket.high >= bucket.low)
      last, total = bucket.high, total + bucket.n
    end

    assert.equal(5, #buckets)
    assert.equal(11, total)
    assert.equal(2, buckets[2].n)
    assert.is_nil(stats.quantile(stats.histogram(), 0.5))
  end)

  it("refuses what it cannot count or merge", function()
    assert.has_error(function() stats.count(stats.histogram(), 0 / 0) end)
    assert.has_error(function() stats.count(stats.histogram(), math.huge) end)
    assert.has_error(function() stats.histogram(0.6) end)
    assert.has_error(function() stats.histogram(0.00001) end)
    assert.has_error(function() stats.merge(stats.histogram(0.1), stats.histogram(0.2)) end)
  end)
end)

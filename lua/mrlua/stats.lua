--- Sums of many numbers, for jobs: mean, variance, percentiles, histograms.
--
--     local stats = require "mrlua.stats"
--
--     local summary = stats.summary()                one pass, constant memory
--     for value in values do stats.add(summary, value) end
--     summary.mean, stats.deviation(summary), summary.min, summary.max, summary.n
--
--     local histogram = stats.histogram(0.01)        percentiles within 1 % of their value
--     stats.count(histogram, value)
--     stats.quantile(histogram, 0.99)
--
-- Both are plain tables: emit them as values, and merge what other attempts emitted with
-- stats.merge(into, other). The order in which parts are merged changes a float in its last bits at
-- most; a histogram not at all.

local stats = {}

-- ---- mean and variance ----

--- A summary of no numbers: n, mean, m2 (the sum of squared distances from the mean), min, max.
function stats.summary()
  return { n = 0, mean = 0.0, m2 = 0.0, min = math.huge, max = -math.huge }
end

--- Adds a number (Welford's way, which loses no digits where the mean is large).
function stats.add(summary, x)
  local n, distance = summary.n + 1, x - summary.mean
  local mean = summary.mean + distance / n
  summary.n, summary.mean = n, mean
  summary.m2 = summary.m2 + distance * (x - mean)
  if x < summary.min then summary.min = x end
  if x > summary.max then summary.max = x end
end

local function merge_summaries(into, other)
  local n = into.n + other.n
  if other.n == 0 then
    return into
  end
  local distance = other.mean - into.mean
  into.m2 = into.m2 + other.m2 + distance * distance * into.n * other.n / n
  into.mean = into.mean + distance * other.n / n
  into.n, into.min, into.max = n, math.min(into.min, other.min), math.max(into.max, other.max)
  return into
end

--- Of a sample: divided by n - 1. nil for fewer than two numbers.
function stats.variance(summary)
  return summary.n > 1 and summary.m2 / (summary.n - 1) or nil
end

--- The square root of the variance.
function stats.deviation(summary)
  local variance = stats.variance(summary)
  return variance and math.sqrt(variance)
end

-- ---- percentiles of what fits into memory ----

--- The value below which a share of the numbers lies, between neighbours by their distance (as R,
-- NumPy and spreadsheets do by default).
-- @tparam {number,...} sorted  ascending
-- @tparam number share         0 to 1: 0.5 is the median
-- @treturn number              nil of no numbers
function stats.percentile(sorted, share)
  local place = 1 + (#sorted - 1) * share
  local below = math.floor(place)
  local low, high = sorted[below], sorted[below + 1]
  if not low or not high or place == below then
    return low
  end
  return low + (high - low) * (place - below)
end

-- ---- histograms ----

local TINY = 1e-300 -- nearer to 0 than this is 0: a bucket of its own

--- A histogram whose buckets grow with their values: each is 2 * accuracy wide, relative to what is
-- in it, so that a quantile is within `accuracy` of its true value, whatever the range (DDSketch).
-- At 0.01 there are 116 buckets for each factor of ten.
-- @tparam[opt=0.01] number accuracy  0.0001 to 0.5
function stats.histogram(accuracy)
  accuracy = accuracy or 0.01
  assert(accuracy >= 0.0001 and accuracy <= 0.5, "stats.histogram: accuracy must be 0.0001 to 0.5")
  return { accuracy = accuracy, n = 0, zero = 0, positive = {}, negative = {} }
end

local function base_of(histogram)
  return (1 + histogram.accuracy) / (1 - histogram.accuracy)
end

--- Counts a number, or `times` of it.
function stats.count(histogram, x, times)
  times = times or 1
  assert(x - x == 0, "stats.count: only finite numbers")
  histogram.n = histogram.n + times
  local size = math.abs(x)
  if size < TINY then
    histogram.zero = histogram.zero + times
    return
  end
  local side = x > 0 and histogram.positive or histogram.negative
  local bucket = math.ceil(math.log(size) / math.log(base_of(histogram)))
  side[bucket] = (side[bucket] or 0) + times
end

local function merge_histograms(into, other)
  assert(into.accuracy == other.accuracy, "stats.merge: histograms of different accuracy")
  for _, name in ipairs { "positive", "negative" } do
    local side = into[name]
    for bucket, times in next, other[name] do
      side[bucket] = (side[bucket] or 0) + times
    end
  end
  into.n, into.zero = into.n + other.n, into.zero + other.zero
  return into
end

local function sorted_buckets(side, before)
  local buckets = {}
  for bucket in next, side do
    buckets[#buckets + 1] = bucket
  end
  table.sort(buckets, before)
  return buckets
end

local function descending(a, b)
  return a > b
end

--- The buckets that are not empty, ascending.
-- @treturn {{low=,high=,n=},...}  numbers above low up to high (below 0: from low, below high)
function stats.buckets(histogram)
  local base, list = base_of(histogram), {}
  for _, bucket in ipairs(sorted_buckets(histogram.negative, descending)) do
    list[#list + 1] = { low = -base ^ bucket, high = -base ^ (bucket - 1),
      n = histogram.negative[bucket] }
  end
  if histogram.zero > 0 then
    list[#list + 1] = { low = 0.0, high = 0.0, n = histogram.zero }
  end
  for _, bucket in ipairs(sorted_buckets(histogram.positive)) do
    list[#list + 1] = { low = base ^ (bucket - 1), high = base ^ bucket,
      n = histogram.positive[bucket] }
  end
  return list
end

--- The number that a share of all is not above, within histogram.accuracy of it.
-- @tparam number share  0 to 1: 0.99 is the 99th percentile
-- @treturn number       nil of no numbers
function stats.quantile(histogram, share)
  local rank, seen = share * (histogram.n - 1), 0
  for _, bucket in ipairs(stats.buckets(histogram)) do
    seen = seen + bucket.n
    if seen > rank then
      local sum = bucket.low + bucket.high
      return sum == 0 and 0.0 or 2 * bucket.low * bucket.high / sum
    end
  end
  return nil
end

--- Adds what `other` has seen to `into`: two summaries, or two histograms of one accuracy.
-- @treturn table  into
function stats.merge(into, other)
  if into.accuracy then
    return merge_histograms(into, other)
  end
  return merge_summaries(into, other)
end

return stats

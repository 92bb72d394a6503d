--- The mean of numbers by key, their deviation, and a percentile: how long words are, by their
-- first letter.
--
--     mrlua run jobs/mean.lua --param percentile=90 /usr/share/common-licenses/GPL-3
--
-- Output: "letter <tab> text":
--
--     a       665 words, mean 3.83, deviation 3.08, 90 % up to 8.9
--     b       124 words, mean 2.78, deviation 1.44, 90 % up to 5.0
--     c       422 words, mean 7.39, deviation 2.87, 90 % up to 10.9
--
-- What the combiner makes of numbers is as large as ever, however many there are, and merges. A
-- percentile is within 1 % of its value.

local stats = require "mrlua.stats"
local text = require "mrlua.text"

local mean = { params = { percentile = 90 }, output = "tsv" }

function mean.map(_, line, emit)
  for word in text.words(line) do
    emit((word:match "^%a" or "other"):lower(), #word)
  end
end

-- What comes are numbers, and what a combiner made of them.
local function gather(values)
  local all = { summary = stats.summary(), histogram = stats.histogram(0.01) }
  for value in values do
    if type(value) == "table" then
      stats.merge(all.summary, value.summary)
      stats.merge(all.histogram, value.histogram)
    else
      stats.add(all.summary, value)
      stats.count(all.histogram, value)
    end
  end
  return all
end

function mean.combine(key, values, emit)
  emit(key, gather(values))
end

function mean.reduce(key, values, emit)
  local all = gather(values)
  emit(key, ("%d words, mean %.2f, deviation %.2f, %d %% up to %.1f"):format(all.summary.n,
    all.summary.mean, stats.deviation(all.summary) or 0, mr.params.percentile,
    stats.quantile(all.histogram, mr.params.percentile / 100)))
end

return mean

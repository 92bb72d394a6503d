--- How often each sequence of n words comes, ignoring case.
--
--     mrlua run jobs/ngrams.lua --param n=3 --param least=12 /usr/share/common-licenses/GPL-3
--
-- Output: "words <tab> count", of those that come at least `least` times:
--
--     a covered work  16
--     general public license  16
--     gnu general public      12
--     of this license 18
--     the object code 14
--
-- A sequence ends with its line. Most come once, and are dropped where all of them have met.

local text = require "mrlua.text"

local ngrams = { params = { n = 2, least = 1 }, combine = "sum" }

function ngrams.map(_, line, emit)
  local n, window = mr.params.n, {}
  for word in text.words(line) do
    window[#window + 1] = word:lower()
    if #window > n then
      table.remove(window, 1)
    end
    if #window == n then
      emit(table.concat(window, " "), 1)
    end
  end
end

function ngrams.reduce(words, counts, emit)
  local total = 0
  for count in counts do
    total = total + count
  end
  if total >= mr.params.least then
    emit(words, total)
  end
end

return ngrams

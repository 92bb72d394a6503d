-- jobs/wordcount.lua: counts the words of text files.
--
--     mrlua run jobs/wordcount.lua /usr/share/common-licenses/GPL-3
--
-- Output: "word <tab> count", a line per word, sorted by word in each part:
--
--     A       13
--     ABOVE   1
--     ABSOLUTELY      1
return {
  map = function(_, line, emit)
    for word in line:gmatch("%a+") do emit(word, 1) end
  end,
  combine = "sum",          -- a built-in, or a function like reduce
  reduce = function(word, counts, emit)
    local total = 0
    for n in counts do total = total + n end
    emit(word, total)
  end,
}

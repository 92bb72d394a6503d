--- MIT lab, nocrash: what crash.lua must answer in spite of its crashes.
--
--     mrlua run jobs/mit/nocrash.lua pg-*.txt
--
-- Output, four lines in 10 parts: the names, their lengths, the lengths of the contents, a word.
--
--     a pg-being_ernest.txt pg-dorian_gray.txt pg-frankenstein.txt ...
--     b 12 17 18 19 19 20 22 23
--     c 138885 139054 412665 441033 453168 540174 581863 594262
--     d xyzzy xyzzy xyzzy xyzzy xyzzy xyzzy xyzzy xyzzy

local lab = require "lab"

local nocrash = {
  input = "file", output = "lines", reducers = lab.REDUCERS, partition = lab.partition,
}

function nocrash.map(name, contents, emit)
  emit("a", name)
  emit("b", #name)
  emit("c", #contents)
  emit("d", "xyzzy")
end

function nocrash.reduce(key, values, emit)
  emit(key .. " " .. lab.join_sorted(values), true)
end

return nocrash

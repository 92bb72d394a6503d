--- Which files a word is in.
--
--     mrlua run jobs/inverted_index.lua /usr/share/common-licenses/GPL-[23]
--
-- Output: "word <tab> files", the names in order, separated by blanks:
--
--     A       /usr/share/common-licenses/GPL-2 /usr/share/common-licenses/GPL-3
--     ABOVE   /usr/share/common-licenses/GPL-2 /usr/share/common-licenses/GPL-3
--     ABSOLUTELY      /usr/share/common-licenses/GPL-2 /usr/share/common-licenses/GPL-3
--
-- A file is one record here, so it may have 16 MiB at most.

local inverted_index = { input = "file", output = "tsv" }

function inverted_index.map(name, contents, emit)
  local seen = {}
  for word in contents:gmatch("%a+") do
    if not seen[word] then
      seen[word] = true
      emit(word, name)
    end
  end
end

function inverted_index.reduce(word, names, emit)
  local list = {} -- as long as there are files, not as there are words
  for name in names do
    list[#list + 1] = name
  end
  table.sort(list)
  emit(word, table.concat(list, " "))
end

return inverted_index

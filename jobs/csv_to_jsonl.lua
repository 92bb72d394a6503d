--- Turns CSV with a header into JSON, a row a line.
--
--     printf 'name,id\nAnn,1\n"Zoe ""Z"" B",2\n' | mrlua run jobs/csv_to_jsonl.lua -
--
-- Output: each row as an object, its fields in the order of their names:
--
--     {"id":"1","name":"Ann"}
--     {"id":"2","name":"Zoe \"Z\" B"}
--
-- Fields of CSV are texts: "1" is not 1. As a field may hold a newline, a file is one split; if
-- yours have none, input = { format = "csv", quoted_newlines = false } is faster. What it writes
-- with -o is read again by input = "jsonl".

local cjson = require "cjson"

local csv_to_jsonl = { input = "csv", output = "lines" } -- no reduce: what map emits is the output

local function sorted_names(row)
  local names = {}
  for name in pairs(row) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

function csv_to_jsonl.map(offset, row, emit)
  local fields = {}
  for i, name in ipairs(sorted_names(row)) do
    fields[i] = cjson.encode(name) .. ":" .. cjson.encode(row[name])
  end
  emit(offset, "{" .. table.concat(fields, ",") .. "}")
end

return csv_to_jsonl

local agreement = require "spec.support.agreement"
local cjson = require "cjson"
local dryrun = require "mrlua.dryrun"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local FIELDS <const> = { "", "plain", "a,b", 'say "hi"', "two\nlines", "tab\there", "ä", "1" }

local function csv(rows)
  for i, row in ipairs(rows) do
    local fields = {}
    for j, field in ipairs(row) do
      fields[j] = '"' .. field:gsub('"', '""') .. '"'
    end
    rows[i] = table.concat(fields, ",") .. "\n"
  end
  return table.concat(rows)
end

describe("jobs/csv_to_jsonl", function()
  it("makes an object of a row, fields in the order of their names", function()
    assert.same({ { 4, '{"a":"2","b":"x\\"\\n"}' } },
      dryrun.run(meaning.load "jobs/csv_to_jsonl.lua", 'b,a\n"x""\n",2\n'))
  end)

  it("writes JSON that has every field of every row", function()
    math.randomseed(texts.seed(5))
    local rows, expected = { { "one", "two" } }, {}
    for i = 1, 200 do
      rows[i + 1] = { FIELDS[math.random(#FIELDS)], FIELDS[math.random(#FIELDS)] }
      expected[i] = { one = rows[i + 1][1], two = rows[i + 1][2] }
    end
    for i, record in ipairs(dryrun.run(meaning.load "jobs/csv_to_jsonl.lua", csv(rows))) do
      assert.same(expected[i], cjson.decode(record[2]))
    end
  end)

  it("means on dryrun what the engine does", function()
    math.randomseed(texts.seed(6))
    local folder, rows = temp.folder(), { { "b", "a", "c" } }
    for i = 1, 2000 do
      rows[i + 1] = { FIELDS[math.random(#FIELDS)], tostring(i), FIELDS[math.random(#FIELDS)] }
    end
    local path = temp.write(folder .. "/x.csv", csv(rows))
    local ok, message = pcall(function()
      agreement.check("jobs/csv_to_jsonl.lua", { path })
      agreement.check("jobs/csv_to_jsonl.lua", { path, path })
    end)
    temp.remove(folder)
    assert(ok, message)
  end)
end)

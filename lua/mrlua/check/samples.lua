--- Records to try a map on: those at the start of an input, or invented ones.

local formats = require "mrlua.formats"
local records = require "mrlua.records"

local samples = {}

samples.BYTES_MAX = 256 << 10 -- read of an input
local RECORDS_MAX <const> = 200

local LINES <const> = {
  "", " ", "a", "to be, or not to be", "To be is to do", "The quick brown fox jumps", "a\tb\tc",
  "1\t2\t3", "1,2,3", "ann,17,Rome", "key=value", "42", "-1.5e3 7 0x10", "a b c d e f g h i j",
  "2026-01-02 03:04:05 GET /index.html 200 17", "https://example.org/a?x=1",
  '127.0.0.1 - ann [10/Oct/2026:13:55:36 -0700] "GET /a?b=c HTTP/1.0" 200 2326',
  '127.0.0.1 - ann [10/Oct/2026:13:59:36 -0700] "GET /b HTTP/1.0" 404 26',
  '{"id": 1, "name": "ann"}', "\u{dc}n\u{ef}c\u{f6}d\u{e9} words", ("x"):rep(200),
  "root:x:0:0:root:/root:/bin/bash", "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
  "\255\254 no UTF-8", "[x](y) %d $1 ^.*", "Package: mrlua", "Depends: libc6 (>= 2.36), lua5.4",
}
local WORDS <const> = { "a", "be", "to", "or", "not", "rose", "is", "the", "17", "3.5", "x=1" }
local LINES_OF_WORDS <const> = 24

-- Chance that is the same each time, and not the job's.
local function chance()
  local state = 20261130
  return function(count)
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >> 8) % count + 1
  end
end

local function line_of_words(choose)
  local words = {}
  for i = 1, choose(6) do
    words[i] = WORDS[choose(#WORDS)]
  end
  return table.concat(words, " ")
end

local function lines()
  local list, at, choose = {}, 0, chance()
  for i = 1, #LINES + LINES_OF_WORDS do
    local line = LINES[i] or line_of_words(choose)
    list[i] = { at, line }
    at = at + #line + 1
  end
  return list
end

local TEXTS <const> = { "1", "2", "17", "3.5", "2026", "0", "ann", "rose", "", "a b" }
local NUMBERS <const> = { 1, 2, 17, 3.5, 2026, 0 }

-- Rows of texts; in most of them each reads as a number.
local function rows(columns)
  local list, choose = {}, chance()
  for i = 1, 40 do
    local row = {}
    for _, name in ipairs(columns) do
      row[name] = TEXTS[choose(i % 4 == 0 and #TEXTS or 6)]
    end
    list[i] = { i * 10, row }
  end
  return list
end

local function lists()
  local list, choose = {}, chance()
  for i = 1, 40 do
    local row = {}
    for column = 1, 8 do
      row[column] = TEXTS[choose(i % 4 == 0 and #TEXTS or 6)]
    end
    list[i] = { i * 10, row }
  end
  return list
end

local function objects(fields)
  local list, choose = {}, chance()
  for i = 1, 40 do
    local object = {}
    for _, name in ipairs(fields) do
      object[name] = i % 2 == 0 and TEXTS[choose(#TEXTS)] or NUMBERS[choose(#NUMBERS)]
    end
    list[i] = { i * 10, object }
  end
  return list
end

local function whole_file()
  local texts = {}
  for i, record in ipairs(lines()) do
    texts[i] = record[2]
  end
  return { { "a.txt", table.concat(texts, "\n") .. "\n" }, { "empty.txt", "" },
    { "b.txt", "to be, or not to be\n" } }
end

local function fixed(bytes)
  local list = {}
  for i = 1, 20 do
    list[i] = { (i - 1) * bytes, (("%d to be "):format(i % 5):rep(bytes // 8 + 1)):sub(1, bytes) }
  end
  return list
end

--- Invented records.
-- @param input               a job's field `input`
-- @tparam {string,...} fields  the names that the job asks of tables
-- @treturn {{key,value},...}   or nil: of this format there are none
function samples.invent(input, fields)
  local format, options = formats.input(input or "lines")
  if format == "lines" then
    return lines()
  elseif format == "file" then
    return whole_file()
  elseif format == "fixed" then
    return fixed(options.bytes)
  elseif format == "jsonl" then
    return objects(fields)
  elseif format and format:find "^csv" then
    local has_names = options.columns or options.header
    return has_names and rows(options.columns or fields) or lists()
  end
  return nil
end

--- The records at the start of an input.
-- @param input         a job's field `input`
-- @tparam string text  its first bytes
-- @tparam boolean is_whole  are they all of it?
-- @treturn {{key,value},...}  or nil and one line
function samples.read(input, text, is_whole)
  local format, options = formats.input(input or "lines")
  if format == "run" then
    return nil, "run files cannot be tried here"
  elseif format == "file" then
    return { { "sample", text } }
  elseif not is_whole and format == "fixed" then
    text = text:sub(1, #text - #text % options.bytes)
  elseif not is_whole then
    text = text:match "^(.*\n)" or text
  end
  local ok, list = pcall(records.of, input or "lines", text)
  if not ok then
    return nil, (tostring(list):gsub("^[^:]*:%d+: ", ""))
  end
  return { table.unpack(list, 1, RECORDS_MAX) }
end

return samples

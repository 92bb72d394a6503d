--- mrlua against what people would use instead, and against the limit.
--
--     cmake --build build --target all benches
--     lua5.4 ctest/bench/compare.lua [words] [sort] [grep] [log] [small] [bigsort]
--         [--rounds N] [--scale X]
--
-- The first five contests, 5 rounds, scale 1: 483 MB of text, 1 GB of records, 1 GB of text to
-- search, 500 MB of a web server's log; that takes about 30 minutes and 8 GB below $TMPDIR
-- (/var/tmp). The last sorts 8 GB and only runs when it is named: 20 minutes and 25 GB. Ratios of
-- times within one run are what counts: machines differ. Peers that are not installed are left out
-- by name.
--
-- The text is the kernel's documentation, repeated, where /usr/src/linux-source-*.tar.xz is (the
-- Debian package linux-source), else words drawn by Zipf's law. Records are those of bench_gensort.

package.path = "ctest/bench/?.lua;" .. package.path
local bench = require "bench"
local contest = require "contest"

local WORDS_BYTES, GREP_BYTES, LOG_BYTES, SMALL_BYTES = 483e6, 1e9, 500e6, 10 * 1000
local PIECE_BYTES = 24 * 1000 * 1000 -- large inputs made by Lua are this, repeated
local RECORD_COUNT, RECORD_BYTES = 10e6, 100

local tools = bench.engine:gsub("[^/]*$", "") .. "ctest/"
local folder = bench.folder()
local wanted, rounds, scale = {}, 5, 1.0

local function size_of(path)
  local file <close> = assert(io.open(path))
  return file:seek "end"
end

-- Makes `path` of the file `piece`, which goes.
local function write_repeated(path, piece, bytes)
  local count = math.max(1, math.ceil(bytes / size_of(piece)))
  assert(os.execute(("for i in $(seq %d); do cat %s; done | head -c %d > %s; rm %s"):format(count,
    piece, math.tointeger(bytes // 1), path, piece)))
end

-- Repeats a piece of real text, or one of Zipf's, until it has so many bytes.
local function write_text(path, bytes)
  local piece = folder .. "/piece"
  local archive = bench.capture "ls /usr/src/linux-source-*.tar.xz 2>/dev/null | tail -n 1"
  if archive ~= "" then
    os.execute(("tar -xOf %s --wildcards '*/Documentation/*.rst' > %s"):format(archive, piece))
  else
    bench.write_text(piece, PIECE_BYTES, 1)
  end
  write_repeated(path, piece, bytes)
end

-- A run of the engine into a folder, and how its answer is read.
local function engine(name, job, input, asked, flags)
  local out = folder .. "/out"
  return {
    name = name, asked = asked, result = "cat " .. out .. "/part-*", output = out,
    command = ("%s run %s --quiet --tmp %s -o %s %s %s"):format(bench.engine, job, folder, out,
      flags or "--slots 2", input),
  }
end

local function write_file(name, text)
  local path = folder .. "/" .. name
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  return path
end

local PYTHON_COUNT = [[
import re, sys
from collections import Counter
count = Counter()
for line in open(sys.argv[1], "rb"):
    count.update(re.findall(rb"[A-Za-z]+", line))
for word in count:
    sys.stdout.buffer.write(b"%s\t%d\n" % (word, count[word]))
]]
local MRJOB_COUNT = [[
import re
from mrjob.job import MRJob
class Count(MRJob):
    def mapper(self, _, line):
        for word in re.findall("[A-Za-z]+", line):
            yield word, 1
    def combiner(self, word, counts):
        yield word, sum(counts)
    def reducer(self, word, counts):
        yield word, sum(counts)
Count.run()
]]
local PYSPARK_COUNT = [[
import re, sys
from pyspark import SparkContext
context = SparkContext("local[2]")
context.setLogLevel("OFF")
counts = (context.textFile(sys.argv[1]).flatMap(lambda line: re.findall("[A-Za-z]+", line))
          .map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b).collect())
for word, count in counts:
    print(word, count, sep="\t")
]]

local LUA_GREP = [[
for line in io.lines(arg[1]) do
  if line:find(%q, 1, true) then print(line) end
end
]]

local LOG_JOB = [[
return {
  map = function(_, line, emit)
    local page = line:match('"%u+ (%S+)')
    if page then emit(page, 1) end
  end,
  combine = "sum", reduce = "sum",
}
]]
local LUA_LOG = [[
local count = {}
for line in io.lines(arg[1]) do
  local page = line:match('"%u+ (%S+)')
  if page then count[page] = (count[page] or 0) + 1 end
end
for page, n in pairs(count) do print(page .. "\t" .. n) end
]]

local contests = {}

-- All that count words, but for the engine.
local function word_peers(input)
  local counter = tools .. "bench_peer_words"
  local hadoop_out = folder .. "/hadoop"
  return {
    { name = "hand-written C, one thread", needs = counter, command = counter .. " " .. input },
    { name = "lua5.4", command = "lua5.4 ctest/bench/plain_wordcount.lua " .. input },
    { name = "mawk", needs = "mawk", command = [[mawk '{ gsub(/[^A-Za-z]+/, " "); ]]
      .. [[for (i = 1; i <= NF; i++) count[$i]++ } ]]
      .. [[END { for (word in count) print word "\t" count[word] }' ]] .. input },
    { name = "tr | sort | uniq -c", command = ([[export LC_ALL=C; tr -cs A-Za-z "\n" <%s ]]
      .. [[| sed /^$/d | sort -T %s | uniq -c | awk '{ print $2 "\t" $1 }']]):format(input,
        folder) },
    { name = "python3", needs = "python3",
      command = ("python3 %s %s"):format(write_file("count.py", PYTHON_COUNT), input) },
    { name = "mrjob", needs = "mrjob",
      command = ("python3 %s -r local --quiet %s | tr -d \\\""):format(
        write_file("mrjob_count.py", MRJOB_COUNT), input) },
    { name = "PySpark, local[2]", needs = "pyspark",
      command = ("python3 %s %s"):format(write_file("pyspark_count.py", PYSPARK_COUNT), input) },
    { name = "Hadoop streaming", needs = "hadoop", command = ("hadoop jar "
      .. "$HADOOP_HOME/share/hadoop/tools/lib/hadoop-streaming-*.jar -input %s -output %s "
      .. "-mapper 'tr -cs A-Za-z \\\\n' -reducer 'uniq -c'"):format(hadoop_out, input,
        hadoop_out),
      output = hadoop_out,
      result = ("awk 'NF == 2 { print $2 \"\\t\" $1 }' %s/part-*"):format(hadoop_out) },
  }
end

function contests.words()
  local input = folder .. "/text"
  write_text(input, WORDS_BYTES * scale)
  local builtin = write_file("words.lua",
    'return { map = "words", combine = "sum", reduce = "sum" }')
  local candidates = word_peers(input)
  table.move({
    engine("mrlua, --slots 1", "jobs/wordcount.lua", input, nil, "--slots 1"),
    engine("mrlua", "jobs/wordcount.lua", input,
      { { 0.33, "lua5.4" }, { 0.5, "mawk" }, { 1 / 1.85, "mrlua, --slots 1" } }),
    engine('mrlua, map = "words"', builtin, input, { { 0.75, "hand-written C, one thread" } }),
  }, 1, 3, #candidates + 1, candidates)
  contest.run("word count", candidates,
    { rounds = rounds, bytes = size_of(input), folder = folder })
  os.remove(input)
end

-- `memories`: what GNU sort is tried with; of the first, the engine may need `asked` of its time.
local function sort_records(count, memories, asked)
  local input, out = folder .. "/records", folder .. "/sorted"
  assert(os.execute(("%sbench_gensort %d 1 > %s"):format(tools, count, input)))
  local candidates = {}
  for _, memory in ipairs(memories) do
    candidates[#candidates + 1] = {
      name = "GNU sort --parallel=2 -S " .. memory, is_ordered = true, result = "cat " .. out,
      output = out,
      command = ("export LC_ALL=C; sort --parallel=2 -S %s -T %s -o %s %s && sync %s"):format(
        memory, folder, out, input, out),
    }
  end
  local ours = engine("mrlua", "jobs/sort.lua", input,
    { { asked, candidates[1].name } }, "--slots 2 --reducers 2 --sort-buffer 256M")
  ours.is_ordered = true
  candidates[#candidates + 1] = ours
  contest.run("sort", candidates,
    { rounds = rounds, bytes = count * RECORD_BYTES, folder = folder })
  os.execute("rm -f " .. input .. " " .. out)
end

function contests.sort()
  sort_records(math.floor(RECORD_COUNT * scale), { "100M", "400M" }, 0.45)
end

function contests.bigsort()
  sort_records(math.floor(8 * RECORD_COUNT * scale), { "1G" }, 0.6)
end

function contests.grep()
  local input = folder .. "/text"
  write_text(input, GREP_BYTES * scale)
  local literal = "spinlock"
  contest.run("grep", {
    { name = "GNU grep -F", command = ("LC_ALL=C grep -F %s %s"):format(literal, input) },
    { name = "mawk", needs = "mawk", command = ("mawk /%s/ %s"):format(literal, input) },
    { name = "lua5.4", command = ("lua5.4 %s %s"):format(write_file("grep.lua",
      LUA_GREP:format(literal)), input) },
    engine("mrlua", "jobs/grep.lua", input, { { 3.0, "GNU grep -F" } },
      "--slots 2 --param pattern=" .. literal),
  }, { rounds = rounds, bytes = size_of(input), folder = folder })
  os.remove(input)
end

-- Requests by page.
function contests.log()
  local input, piece = folder .. "/log", folder .. "/piece"
  bench.write_log(piece, PIECE_BYTES, 1)
  write_repeated(input, piece, LOG_BYTES * scale)
  os.execute("sed -i '$ d' " .. input) -- a line that was cut
  contest.run("requests by page", {
    { name = "lua5.4", command = ("lua5.4 %s %s"):format(write_file("log.lua", LUA_LOG), input) },
    { name = "mawk", needs = "mawk", command = [[mawk '{ count[$7]++ } ]]
      .. [[END { for (page in count) print page "\t" count[page] }' ]] .. input },
    engine("mrlua", write_file("log_job.lua", LOG_JOB), input),
    engine('mrlua, map = "field"', write_file("log_field.lua",
      'return { map = "field", params = { field = 7 }, combine = "count", reduce = "count" }'),
      input),
  }, { rounds = rounds, bytes = size_of(input), folder = folder })
  os.remove(input)
end

function contests.small()
  local input = folder .. "/small"
  bench.write_text(input, SMALL_BYTES, 1)
  contest.run("10 KB", {
    { name = "lua5.4", command = "lua5.4 ctest/bench/plain_wordcount.lua " .. input },
    { name = "python3", needs = "python3",
      command = ("python3 %s %s"):format(write_file("count.py", PYTHON_COUNT), input) },
    engine("mrlua", "jobs/wordcount.lua", input),
  }, { rounds = 4 * rounds, bytes = size_of(input), folder = folder })
  os.remove(input)
end

local ORDER, ONLY_NAMED = { "words", "sort", "grep", "log", "small", "bigsort" }, { bigsort = true }

local function parse()
  local at = 1
  while arg[at] do
    if arg[at] == "--rounds" then
      at, rounds = at + 1, math.tointeger(tonumber(arg[at + 1]))
    elseif arg[at] == "--scale" then
      at, scale = at + 1, tonumber(arg[at + 1])
    else
      assert(contests[arg[at]], "no such contest: " .. arg[at])
      wanted[arg[at]] = true
    end
    at = at + 1
  end
end

bench.finally_remove(folder, function()
  parse()
  for _, name in ipairs(ORDER) do
    if wanted[name] or next(wanted) == nil and not ONLY_NAMED[name] then
      contests[name]()
    end
  end
end)

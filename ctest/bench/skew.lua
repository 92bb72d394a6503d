--- A tenth of all records on one key, against the same job without.
--
--     lua5.4 ctest/bench/skew.lua [--rounds N] [--scale X]           5 rounds, 200 MB otherwise
--
-- Two texts of the same bytes, lines and words: in one every word is drawn from 100,000, in the
-- other every tenth is the same one. Whole processes are timed, all in turn within a round. With a
-- combiner the skewed text may take 1.1 times the time of the other at most, and the bench fails
-- when it does not; without one it takes what it takes, and the summary has to name the word and
-- its share.

package.path = "ctest/bench/?.lua;" .. package.path
local bench = require "bench"

local BYTES, PIECE_BYTES, WORD_COUNT = 200e6, 20e6, 100000
local HOT <const>, LETTERS <const> = "everywhere", 10 -- every word has as many
local RATIO_MAX <const> = 1.1
local REDUCERS <const> = 8

local folder = bench.folder()
local rounds, scale = 5, 1.0

local function read_arguments()
  local i = 1
  while arg[i] do
    local value = tonumber(arg[i + 1])
    if arg[i] == "--rounds" and value then
      rounds = math.tointeger(value)
    elseif arg[i] == "--scale" and value then
      scale = value
    else
      error("usage: lua5.4 ctest/bench/skew.lua [--rounds N] [--scale X]", 0)
    end
    i = i + 2
  end
end

local function make_words()
  local words = {}
  for i = 1, WORD_COUNT do
    local letters = {}
    for j = 1, LETTERS do
      letters[j] = string.char(math.random(97, 122))
    end
    words[i] = table.concat(letters)
  end
  return words
end

-- A piece of ten words a line, repeated.
local function write_text(name, words, hot)
  local path, line = folder .. "/" .. name, {}
  local piece <close> = assert(io.open(path .. ".piece", "wb"))
  for _ = 1, PIECE_BYTES // (10 * (LETTERS + 1)) do
    for i = 1, 10 do
      line[i] = words[math.random(#words)]
    end
    line[10] = hot or line[10]
    piece:write(table.concat(line, " "), "\n")
  end
  piece:close()
  local count = math.max(1, math.ceil(scale * BYTES / PIECE_BYTES))
  assert(os.execute(("for i in $(seq %d); do cat %s.piece; done > %s"):format(count, path, path)))
  return path
end

local function write_job(name, fields)
  local path = ("%s/%s.lua"):format(folder, name)
  local file <close> = assert(io.open(path, "w"))
  file:write(("return { map = \"words\", reduce = \"sum\", %s }\n"):format(fields))
  return path
end

local function command(job, input, flags)
  return ("%s run %s --tmp %s -o %s/out --overwrite --reducers %d --slots 2 %s %s"):format(
    bench.engine, job, folder, folder, REDUCERS, flags or "--quiet", input)
end

-- What the summary says of skew, or nil.
local function advice(job, input)
  return bench.capture(command(job, input, "") .. " 2>&1"):match("skew: [^\n]*")
end

-- Medians of all (job, text) pairs; they take turns.
local function measure(jobs, texts)
  local times = {}
  for round = 0, rounds do -- the first one warms up
    for _, job in ipairs(jobs) do
      for _, text in ipairs(texts) do
        local name = job.name .. text.name
        times[name] = times[name] or {}
        local seconds = bench.time(command(job.path, text.path))
        times[name][#times[name] + 1] = round > 0 and seconds or nil
      end
    end
  end
  for name, all in pairs(times) do
    times[name] = bench.median(all)
  end
  return times
end

local function main()
  read_arguments()
  math.randomseed(1)
  local words = make_words()
  local texts = {
    { name = "even", path = write_text("even", words) },
    { name = "skewed", path = write_text("skewed", words, HOT) },
  }
  local jobs = {
    { name = "built-in, with a combiner", path = write_job("combined", "combine = \"sum\"") },
    { name = "in Lua, with a combiner", path = "jobs/wordcount.lua" },
    { name = "built-in, without", path = write_job("plain", ""), is_free = true },
  }
  local times = measure(jobs, texts)

  bench.heading(("A tenth of all records on one key: %.0f MB, %d reducers, medians of %d"):format(
    scale * BYTES / 1e6, REDUCERS, rounds))
  print(("%-28s %8s %8s %8s"):format("", "even", "skewed", "ratio"))
  local is_good = true
  for _, job in ipairs(jobs) do
    local even, skewed = times[job.name .. "even"], times[job.name .. "skewed"]
    print(("%-28s %6.2f s %6.2f s %8.2f"):format(job.name, even, skewed, skewed / even))
    is_good = is_good and (job.is_free or skewed / even <= RATIO_MAX)
  end
  local said = advice(jobs[3].path, texts[2].path) or "nothing"
  print("\nsummary without a combiner: " .. said)
  is_good = is_good and said:find(('skew: key "%s" has 10.0 %%'):format(HOT), 1, true)
    and not advice(jobs[1].path, texts[2].path) and not advice(jobs[3].path, texts[1].path)
  if not is_good then
    error(("missed: with a combiner a ratio of %.1f at most, and the name of the key without, and"
      .. " only then"):format(RATIO_MAX), 0)
  end
end

bench.finally_remove(folder, main)

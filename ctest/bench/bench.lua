--- What the benchmarks share: temporary folders, times, medians, tables, and text to chew on.
--
-- They are run from the project's folder: lua5.4 ctest/bench/compare.lua

local bench = {}

bench.engine = os.getenv("MRLUA") or "build/mrlua"

function bench.capture(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read("a"):gsub("\n$", ""))
end

function bench.folder()
  return bench.capture("mktemp -d -p ${TMPDIR:-/var/tmp} mrlua-bench-XXXXXX")
end

--- Calls `work`, and removes the folder whatever comes of it.
function bench.finally_remove(folder, work)
  local ok, message = xpcall(work, debug.traceback)
  os.execute("rm -rf " .. folder)
  if not ok then
    error(message, 0)
  end
end

--- Runs a shell command; answers its seconds of wall time. Raises when it fails.
function bench.time(command)
  local folder <const> = bench.folder()
  local line = ("bash -c 'TIMEFORMAT=%%R; time { %s; } 2>%s/stderr' 2>%s/time"):format(
    command:gsub("'", "'\\''"), folder, folder)
  local ok = os.execute(line)
  local file <close> = assert(io.open(folder .. "/time"))
  local seconds = tonumber(file:read("a"):match("([%d.]+)%s*$"))
  if not ok then
    os.execute("cat " .. folder .. "/stderr >&2; rm -r " .. folder)
    error("failed: " .. command)
  end
  os.execute("rm -r " .. folder)
  return seconds
end

function bench.median(numbers)
  local sorted = table.move(numbers, 1, #numbers, 1, {})
  table.sort(sorted)
  local middle = (#sorted + 1) // 2
  return #sorted % 2 == 1 and sorted[middle] or (sorted[middle] + sorted[middle + 1]) / 2
end

--- Machine and date: numbers mean nothing without.
function bench.heading(what)
  local cpu = bench.capture("sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1")
  print(("%s\n%s, %s, %s\n"):format(what, bench.capture("date +%F"), cpu,
    bench.capture("nproc") .. " cores"))
end

-- Words with the lengths of English: the frequent ones are short.
local function make_words(count)
  local words, seen = {}, {}
  while #words < count do
    local letters, length = {}, math.random(2, 5) + math.min(#words // 50, 5)
    for i = 1, length do
      letters[i] = string.char(math.random(97, 122))
    end
    local word = table.concat(letters)
    if not seen[word] then
      seen[word] = true
      words[#words + 1] = word
    end
  end
  return words
end

-- A table to draw from: the word of rank r stands in it in proportion to 1 / r (Zipf's law).
local function make_urn(words, size)
  local total = 0.0
  for rank = 1, #words do
    total = total + 1 / rank
  end
  local urn, sum = {}, 0.0
  for rank, word in ipairs(words) do
    sum = sum + 1 / rank
    while #urn < sum / total * size do
      urn[#urn + 1] = word
    end
  end
  return urn
end

--- Writes `bytes` of text to `path`, ten words a line; the same bytes for the same seed.
function bench.write_text(path, bytes, seed)
  math.randomseed(seed)
  local urn = make_urn(make_words(100000), 1 << 20)
  local random, size, line = math.random, #urn, {}
  local file <close> = assert(io.open(path, "wb"))
  file:setvbuf("full", 1 << 20)
  local written = 0
  while written < bytes do
    for i = 1, 10 do
      line[i] = urn[random(size)]
    end
    local text = table.concat(line, " ")
    file:write(text, "\n")
    written = written + #text + 1
  end
end

--- Is this program here?
function bench.has(program)
  return os.execute("command -v " .. program .. " >/dev/null 2>&1") == true
end

return bench

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

-- Pages of a site: two words each, the frequent ones first.
local function make_pages(count)
  local words, pages = make_words(count // 10), {}
  for i = 1, count do
    pages[i] = ("/%s/%s.html"):format(words[1 + i % 97], words[1 + i * 31 % #words])
  end
  return pages
end

local function make_clients(count)
  local clients = {}
  for i = 1, count do
    clients[i] = ("%d.%d.%d.%d"):format(math.random(1, 223), math.random(0, 255),
      math.random(0, 255), math.random(1, 254))
  end
  return clients
end

--- Writes `bytes` of a web server's log, in the common format: clients and pages are drawn by
-- Zipf's law, so a tenth of the requests is for one page. The same bytes for the same seed.
function bench.write_log(path, bytes, seed)
  math.randomseed(seed)
  local pages = make_urn(make_pages(20000), 1 << 18)
  local clients = make_urn(make_clients(50000), 1 << 18)
  local random = math.random
  local file <close> = assert(io.open(path, "wb"))
  file:setvbuf("full", 1 << 20)
  local written, second = 0, 0
  while written < bytes do
    second = second + random(0, 1)
    local line = ('%s - - [29/Nov/2026:%02d:%02d:%02d +0000] "GET %s HTTP/1.1" %d %d\n'):format(
      clients[random(#clients)], second // 3600 % 24, second // 60 % 60, second % 60,
      pages[random(#pages)], random(50) == 1 and 404 or 200, random(100, 40000))
    file:write(line)
    written = written + #line
  end
end

--- Is this program here?
function bench.has(program)
  return os.execute("command -v " .. program .. " >/dev/null 2>&1") == true
end

return bench

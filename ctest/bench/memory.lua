--- Peak memory of attempts: a large input, many keys, many values of one key.
--
--     lua5.4 ctest/bench/memory.lua [SCALE]        1: 2 GB, 50,000,000 keys, 50,000,000 values
--
-- The promise: a vm child stays below sort buffer + 64 MB. Exit code 1 if one does not.

package.path = "ctest/bench/?.lua;" .. package.path
local bench = require "bench"
local peak = require "peak"

local scale = tonumber(arg[1] or 1)
local SORT_BUFFER_MB, ROOM_MB = 64, 64
local folder = bench.folder()
local input = folder .. "/input"

-- `line(i)` for i = 1 .. count, as a file.
local function write_lines(count, line)
  local file <close> = assert(io.open(input, "wb"))
  file:setvbuf("full", 1 << 20)
  for i = 1, count do
    file:write(line(i), "\n")
  end
end

local count = math.floor(50000000 * scale)
local inputs = { -- name, job, how to make the input
  { ("%.2f GB of text"):format(2 * scale), "jobs/wordcount.lua", function()
    bench.write_text(input, math.floor(2e9 * scale), 1)
  end },
  { ("%d distinct keys"):format(count), "jobs/sort.lua", function()
    write_lines(count, function(i)
      return ("%016x"):format(i * 0x9e3779b97f4a7c15)
    end)
  end },
  { ("one key, %d values"):format(count), "jobs/sort.lua", function()
    write_lines(count, function()
      return "key"
    end)
  end },
}

bench.heading(("Peak memory, MB (sort buffer %d MB)"):format(SORT_BUFFER_MB))
print(("%-26s %9s %9s %9s %9s"):format("", "child", "trusted", "nursery", "shell"))
local is_kept = true
for _, one in ipairs(inputs) do
  one[3]()
  local peaks, ok = peak.of(("%s run %s %s --quiet --slots 2 --reducers 1 --sort-buffer %dM"
    .. " --tmp %s -o %s/out"):format(bench.engine, one[2], input, SORT_BUFFER_MB, folder, folder))
  print(("%-26s %9.1f %9.1f %9.1f %9.1f"):format(one[1], peaks.child or 0, peaks.trusted or 0,
    peaks.nursery or 0, peaks.shell or 0))
  is_kept = is_kept and ok and peaks.child and peaks.child <= SORT_BUFFER_MB + ROOM_MB
  os.execute("rm -r " .. input .. " " .. folder .. "/out")
end
os.execute("rm -r " .. folder)
print(is_kept and "\nkept" or "\nNOT KEPT: a job failed, or a child is above sort buffer + 64 MB")
os.exit(is_kept)

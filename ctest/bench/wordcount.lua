--- Word count: the engine with one and two slots, a plain Lua script, mawk, tr | sort | uniq -c.
--
--     lua5.4 ctest/bench/wordcount.lua [MEGABYTES [ROUNDS]]     500 MB and 5 rounds otherwise
--
-- The candidates take turns, so that a slow minute of the machine is everybody's; the table has
-- their medians. All outputs are compared first: a wrong answer has no speed.

package.path = "ctest/bench/?.lua;" .. package.path
local bench = require "bench"

local megabytes, rounds = tonumber(arg[1] or 500), tonumber(arg[2] or 5)
local folder = bench.folder()
local input, output = folder .. "/text", folder .. "/output"

local engine = bench.engine .. " run jobs/wordcount.lua --quiet --tmp " .. folder .. " --slots "
local candidates = { -- name, command
  { "mrlua run --slots 1", engine .. "1 " .. input },
  { "mrlua run --slots 2", engine .. "2 " .. input },
  { "lua5.4, one table", "lua5.4 ctest/bench/plain_wordcount.lua " .. input },
  { "mawk", "mawk '{ gsub(/[^A-Za-z]+/, \" \"); for (i = 1; i <= NF; i++) count[$i]++ }"
    .. " END { for (word in count) print word \"\\t\" count[word] }' " .. input },
  { "tr | sort | uniq -c", "export LC_ALL=C; tr -cs A-Za-z \"\\n\" <" .. input
    .. " | sort -T " .. folder .. " | uniq -c | mawk '{ print $2 \"\\t\" $1 }'" },
}

local function checksum()
  return bench.capture("LC_ALL=C sort " .. output .. " | md5sum")
end

local function run_rounds()
  local times, expected = {}, nil
  for round = 1, rounds do
    for i, candidate in ipairs(candidates) do
      times[i] = times[i] or {}
      times[i][round] = bench.time(candidate[2] .. " >" .. output)
      local sum = checksum()
      expected = expected or sum
      assert(sum == expected, candidate[1] .. " counts something else")
      io.stderr:write(("round %d: %-20s %8.2f s\n"):format(round, candidate[1], times[i][round]))
    end
  end
  return times
end

local function print_table(times)
  local base = bench.median(times[1])
  print(("%-22s %9s %9s %9s %9s %8s"):format("", "median s", "min s", "max s", "MB/s", "ratio"))
  for i, candidate in ipairs(candidates) do
    local median = bench.median(times[i])
    print(("%-22s %9.2f %9.2f %9.2f %9.1f %8.2f"):format(candidate[1], median,
      math.min(table.unpack(times[i])), math.max(table.unpack(times[i])), megabytes / median,
      base / median))
  end
  print("\nratio: speed against mrlua with one slot; more is faster")
end

bench.write_text(input, megabytes * 1000 * 1000, 1)
local ok, answer = pcall(run_rounds)
os.execute("rm -r " .. folder)
if not ok then
  error(answer, 0)
end
bench.heading(("Word count, %d MB of text, %d rounds"):format(megabytes, rounds))
print_table(answer)

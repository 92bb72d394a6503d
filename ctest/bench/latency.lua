--- From start to exit of a job on 10 KB with one reducer.
--
--     lua5.4 ctest/bench/latency.lua [RUNS]                     20 otherwise

package.path = "ctest/bench/?.lua;" .. package.path
local bench = require "bench"

local runs = tonumber(arg[1] or 20)
local folder = bench.folder()
local input = folder .. "/text"
local command = ("%s run jobs/wordcount.lua --quiet --reducers 1 %s >%s/output"):format(
  bench.engine, input, folder)

bench.write_text(input, 10 * 1000, 1)
local times = {}
for i = 1, runs do
  times[i] = bench.time(command)
end
os.execute("rm -r " .. folder)
bench.heading(("Latency: 10 KB, 1 reducer, %d runs"):format(runs))
print(("median %.0f ms, min %.0f ms, max %.0f ms"):format(1000 * bench.median(times),
  1000 * math.min(table.unpack(times)), 1000 * math.max(table.unpack(times))))

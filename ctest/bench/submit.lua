--- `mrlua submit` of a job on 10 KB to a running cluster of one worker, from start to exit.
--
--     lua5.4 ctest/bench/submit.lua [RUNS]          20 otherwise

package.path = "ctest/bench/?.lua;" .. package.path
local bench = require "bench"
local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"

local runs = tonumber(arg[1] or 20)
local it_all = cluster.open()
local ok, answer = xpcall(function()
  it_all:start(1)
  local input, times = it_all.folder .. "/text", {}
  bench.write_text(input, 10 * 1000, 1)
  for i = 1, runs + 1 do
    local seconds = bench.time(engine.command { "submit", "jobs/wordcount.lua", input, "--quiet",
      "--reducers", "1", "-o", ("%s/out-%d"):format(it_all.folder, i), "--master", it_all.address,
      "--key-file", it_all.folder .. "/key" })
    times[i] = seconds * 1000
  end
  table.remove(times, 1) -- the first one ships the bundle and warms the caches
  return times
end, debug.traceback)
it_all:close()
if not ok then
  error(answer, 0)
end

bench.heading(("Latency of submit: 10 KB, 1 reducer, 1 worker, %d runs"):format(runs))
print(("median %.0f ms, min %.0f ms, max %.0f ms"):format(bench.median(answer),
  math.min(table.unpack(answer)), math.max(table.unpack(answer))))

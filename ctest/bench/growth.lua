--- How time and memory grow: input times 1, 4, 16, with one and two slots.
--
--     lua5.4 ctest/bench/growth.lua [MEGABYTES [ROUNDS]]      48 MB and 3 rounds otherwise
--
-- A straight line is expected: 16 times the input in at most 16 times the time, in the same memory.
-- The start of processes is in all of them, so the small one is a little slower per MB.

package.path = "ctest/bench/?.lua;" .. package.path
local bench = require "bench"
local peak = require "peak"

local megabytes, rounds = tonumber(arg[1] or 48), tonumber(arg[2] or 3)
local JOBS = { "jobs/wordcount.lua", "jobs/sort.lua" }
local folder = bench.folder()
local piece = folder .. "/piece"

local function command_of(job, slots, factor)
  local inputs = {}
  for i = 1, factor do
    inputs[i] = piece
  end
  return ("%s run %s --quiet --overwrite --slots %d --reducers 2 --tmp %s -o %s/out %s"):format(
    bench.engine, job, slots, folder, folder, table.concat(inputs, " "))
end

-- Median seconds, peak MB of all processes, peak MB of one attempt.
local function measure(job, slots, factor)
  local command, times = command_of(job, slots, factor), {}
  local peaks, ok = peak.of(command) -- and warms up
  assert(ok, "failed: " .. command)
  assert(peaks.child, "no attempt was met at work: take more megabytes")
  for round = 1, rounds do
    times[round] = bench.time(command)
  end
  return bench.median(times), peaks.all, peaks.child
end

local function print_job(job)
  print(("%-22s %6s %8s %9s %9s %9s %9s"):format(job, "slots", "MB", "median s", "MB/s", "all MB",
    "child MB"))
  for slots = 1, 2 do
    local one
    for _, factor in ipairs { 1, 4, 16 } do
      local seconds, all, child = measure(job, slots, factor)
      one = one or seconds
      print(("%-22s %6d %8.0f %9.2f %9.1f %9.1f %9.1f   %.2f of a straight line"):format("", slots,
        factor * megabytes, seconds, factor * megabytes / seconds, all, child,
        seconds / one / factor))
    end
  end
  print()
end

bench.finally_remove(folder, function()
  bench.write_text(piece, megabytes * 1e6, 1)
  bench.heading(("Growth, medians of %d"):format(rounds))
  for _, job in ipairs(JOBS) do
    print_job(job)
  end
end)

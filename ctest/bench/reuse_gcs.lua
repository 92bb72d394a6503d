--- `mrlua submit --reuse --shuffle gcs` with one changed object out of 100, against the same job
-- without --reuse, on a master, two workers and the storage of spec/gcs, all on this machine.
--
--     lua5.4 ctest/bench/reuse_gcs.lua [MEGABYTES] [RUNS]           800 and 3 otherwise
--
-- Exit code 1 if it takes more than a tenth, in the median, or runs more than one map. Before each
-- reusing run another object is replaced by a longer one. What is left is mostly the reduce, which
-- is never taken from another job.

package.path = "ctest/bench/?.lua;" .. package.path
local bench = require "bench"
local engine = require "spec.support.engine"
local gcs_cluster = require "spec.support.gcs_cluster"

local OBJECTS <const>, SHARE_MAX <const> = 100, 0.1

local megabytes, runs = tonumber(arg[1] or 800), tonumber(arg[2] or 3)
local it_all = gcs_cluster.open()
local folder, storage = it_all.folder, it_all.storage
local jobs = 0

-- Seconds, and how many maps were run.
local function submit(...)
  jobs = jobs + 1
  local argv = { "submit", "jobs/wordcount.lua", "gs://bkt/in/", "-o", "gs://bkt/out-" .. jobs,
    "--shuffle", "gcs", "--json", "--master", it_all.cluster.address, "--key-file",
    folder .. "/key", ... }
  local seconds = bench.time(engine.command(argv) .. " >" .. folder .. "/told")
  local told = bench.capture("cat " .. folder .. "/told")
  return seconds, tonumber(told:match('"split_count":(%d+)'))
    - (tonumber(told:match('"map_reused":(%d+)')) or 0)
end

local function put(i, file)
  assert(os.execute(("env %s %s fs cp -q %s gs://bkt/in/%02d"):format(
    storage.environment, bench.engine, file, i)))
end

local function change(i)
  local file <const> = ("%s/in/%02d"):format(folder, i % OBJECTS)
  assert(os.execute("echo changed >>" .. file))
  put(i % OBJECTS, file)
end

local function measure()
  local full, first, reused, count = {}, {}, {}, 0
  it_all:start(2)
  bench.write_text(folder .. "/text", megabytes * 1000000, 1)
  assert(os.execute(("mkdir %s/in; split -n l/%d -d %s/text %s/in/"):format(folder, OBJECTS, folder,
    folder)))
  for i = 0, OBJECTS - 1 do
    put(i, ("%s/in/%02d"):format(folder, i))
  end
  for i = 1, runs do
    full[i] = submit()
    assert(os.execute(("env %s %s cache clear --gcs gs://bkt >%s/told"):format(storage.environment,
      bench.engine, folder)))
    first[i] = submit "--reuse"
    change(i)
    local seconds, maps = submit "--reuse"
    reused[i], count = seconds, math.max(count, maps)
  end
  return bench.median(full), bench.median(first), bench.median(reused), count
end

local ok, full, first, reused, count = xpcall(measure, debug.traceback)
it_all:close()
if not ok then
  error(full, 0)
end
bench.heading(("Reuse on a cluster: wordcount of %d MB in %d objects, 2 workers, %d runs, medians")
  :format(megabytes, OBJECTS, runs))
print(("full %.2f s; first with --reuse %.2f s (%.0f %%); one object changed %.3f s (%.1f %%), "
  .. "%d map run"):format(full, first, 100 * first / full, reused, 100 * reused / full, count))
os.exit(reused <= SHARE_MAX * full and count == 1)

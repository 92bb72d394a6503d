--- `mrlua run --reuse` with one changed file out of 100, against the same job run in full.
--
--     lua5.4 ctest/bench/reuse.lua [MEGABYTES] [RUNS]           800 and 3 otherwise
--
-- Exit code 1 if it takes more than a tenth, in the median. Full runs are those without --reuse:
-- with it the first one reads its input a second time, to sum it up, and is told as well. Before
-- each reusing run a word is added to another file.

package.path = "ctest/bench/?.lua;" .. package.path
local bench = require "bench"

local FILES <const>, SHARE_MAX <const> = 100, 0.1

local megabytes, runs = tonumber(arg[1] or 800), tonumber(arg[2] or 3)
local folder = bench.folder()

local function run(flags)
  return bench.time(("XDG_CACHE_HOME=%s/cache %s run jobs/wordcount.lua --quiet %s %s/in >%s/out")
    :format(folder, bench.engine, flags, folder, folder))
end

local function change(i)
  local file <close> = assert(io.open(("%s/in/%02d"):format(folder, i % FILES), "a"))
  assert(file:write("changed\n"))
end

local function measure()
  local full, first, reused = {}, {}, {}
  bench.write_text(folder .. "/text", megabytes * 1000000, 1)
  assert(os.execute(("mkdir %s/in; split -n l/%d -d %s/text %s/in/"):format(folder, FILES, folder,
    folder)))
  for i = 1, runs do
    full[i] = run ""
    assert(os.execute("rm -rf " .. folder .. "/cache"))
    first[i] = run "--reuse"
    change(i)
    reused[i] = run "--reuse"
  end
  return bench.median(full), bench.median(first), bench.median(reused)
end

local full, first, reused
bench.finally_remove(folder, function()
  full, first, reused = measure()
end)
bench.heading(("Reuse: wordcount of %d MB in %d files, %d runs, medians"):format(megabytes, FILES,
  runs))
print(("full %.2f s; first with --reuse %.2f s (%.0f %%); one file changed %.3f s (%.1f %%)")
  :format(full, first, 100 * first / full, reused, 100 * reused / full))
os.exit(reused <= SHARE_MAX * full)

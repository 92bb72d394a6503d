--- Where the time of a job goes: nanoseconds per record and stage.
--
--     lua5.4 ctest/bench/profile.lua JOB.lua INPUT... [flags of mrlua run]
--
-- Runs the job under `perf record` (the Debian package linux-perf) and puts each sample into the
-- stage that its source file belongs to, by the engine's own debugging information. Time in all
-- processes counts, so with two slots a second has two seconds. "per record" is per record that map
-- emits, or that it reads where it emits fewer. What the kernel and libraries do is told apart by
-- library, not by who called it: memcpy() of a sort is in "bytes moved or compared". Libraries that
-- are linked into the executable have no source file there: their archives say whose a symbol is.
--
-- Addresses are not randomised for the run (setarch -R), so that one base is everybody's.

package.path = "ctest/bench/?.lua;" .. package.path
local bench = require "bench"

local PIE_BASE <const> = 0x555555554000 -- of executables on x86-64 Linux, without randomisation
local FREQUENCY <const> = 1999          -- samples a second; not a divisor of anybody's timer

-- The first pattern that a source path contains names its stage.
local STAGES_OF_FILES = {
  { "format/split", "plan" }, { "attempt/plan_task", "plan" },
  { "format/reader", "read and split into records" },
  { "format/source", "read and split into records" },
  { "record/words", "map built-in" }, { "record/grep", "map built-in" },
  { "record/field", "map built-in" }, { "attempt/map_", "map loop" },
  { "vm/pattern", "Lua library (gmatch, find)" }, { "vm/memory", "Lua memory" },
  { "vm/emit", "emit" }, { "vm/key_lua", "emit" }, { "vm/value_lua", "emit" },
  { "vm/", "Lua call" },
  { "record/sortbuf", "hash and combine" }, { "record/collector", "hash and combine" },
  { "record/partition", "hash and combine" }, { "xxhash", "hash and combine" },
  { "base/hash", "hash and combine" },
  { "record/cut_points", "hash and combine" }, { "record/hot_", "hash and combine" },
  { "record/entry_sort", "sort" },
  { "record/digit", "sort" }, { "record/segment_writer", "spill and write runs" },
  { "record/run_", "spill and write runs" }, { "record/segment", "read runs" },
  { "record/merge", "merge" }, { "record/gather", "merge" }, { "record/digest", "merge" },
  { "record/group", "group" }, { "record/combine", "group" },
  { "record/builtin", "reduce" }, { "attempt/reduce_task", "reduce" },
  { "attempt/fetch", "fetch" }, { "worker/", "fetch" },
  { "record/key", "encode keys and values" }, { "record/value", "encode keys and values" },
  { "format/", "write" }, { "store/", "write" },
  { "engine/", "the rest of the engine" },
}
local STAGES_OF_LIBRARIES = {
  { "liblua", "Lua (machine, library, collector)" }, { "liblz4", "compress" },
  { "libzstd", "compress" }, { "libisal", "checksum" }, { "libcrypto", "set-up" },
  { "ld%-linux", "set-up" }, { "%[vdso", "set-up" },
  { "%[kernel", "kernel (files, pages, processes)" }, { "%.a:", "other libraries" },
}
local ARCHIVES = { -- those that engine/CMakeLists.txt links; the first that has a symbol counts
  "lua5.4", "lua5.4-lpeg", "lua5.4-cjson", "lz4", "zstd", "crypto", "sqlite3", "event_core",
  "protobuf-c", "jansson", "seccomp",
}
local MEMORY = { "malloc", "free", "realloc", "calloc", "consolidate", "unlink_chunk", "tcache" }

local function stage_by(list, text)
  for _, one in ipairs(list) do
    if text:find(one[1]) then
      return one[2]
    end
  end
end

local function stage_of_libc(symbol)
  for _, name in ipairs(MEMORY) do
    if symbol:find(name, 1, true) then
      return "malloc and free"
    end
  end
  return "bytes moved or compared"
end

-- symbol -> the stage of the archive that defines it
local function read_archives()
  local stages = {}
  for _, name in ipairs(ARCHIVES) do
    local path = bench.capture(("cc -print-file-name=lib%s.a"):format(name))
    local pipe <close> = assert(io.popen(("nm -A --defined-only %s 2>/dev/null"):format(path)))
    for line in pipe:lines() do
      local symbol = line:match("%s[Ttiw]%s+(%S+)$")
      if symbol and not stages[symbol] then
        stages[symbol] = stage_by(STAGES_OF_LIBRARIES, line)
      end
    end
  end
  return stages
end

local function keys_of(list)
  local keys = {}
  for key in pairs(list) do
    keys[#keys + 1] = key
  end
  return keys
end

-- address -> samples of the executable: their count and symbol; stage -> those of libraries
local function read_samples(folder)
  local own, stages, total = {}, {}, 0
  local pipe <close> = assert(io.popen(("perf script -i %s/perf.data -F ip,sym,dso 2>%s/perf.err")
    :format(folder, folder)))
  for line in pipe:lines() do
    local address, symbol, library = line:match("^%s*(%x+)%s+(.-)%s+%((.-)%)%s*$")
    if address then
      total = total + 1
      local stage = stage_by(STAGES_OF_LIBRARIES, library)
      if library:find("libc[.]so") then
        stage = stage_of_libc(symbol)
      end
      if library:find("mrlua$") then
        local at = tonumber(address, 16) - PIE_BASE
        own[at] = own[at] or { count = 0, symbol = symbol }
        own[at].count = own[at].count + 1
      else
        stage = stage or "other libraries"
        stages[stage] = (stages[stage] or 0) + 1
      end
    end
  end
  return own, stages, total
end

-- Adds the samples of the executable, by the source line that the compiler says they are of.
local function add_own(folder, own, stages)
  local addresses, linked = keys_of(own), read_archives()
  local list = folder .. "/addresses"
  local file = assert(io.open(list, "w"))
  for _, at in ipairs(addresses) do
    file:write(("0x%x\n"):format(at))
  end
  file:close()
  local pipe <close> = assert(io.popen(("addr2line -e %s <%s"):format(bench.engine, list)))
  local i = 0
  for line in pipe:lines() do
    i = i + 1
    local samples = own[addresses[i]]
    local call = samples.symbol:match("^(.*)@plt$")
    local stage = stage_by(STAGES_OF_FILES, line) or linked[samples.symbol]
      or call and stage_of_libc(call) or "not known"
    stages[stage] = (stages[stage] or 0) + samples.count
  end
end

local function counter_of(outcome, name)
  return tonumber(outcome:match('"' .. name .. '":%s*(%d+)')) or 0
end

local function print_stages(stages, total, records)
  local names = keys_of(stages)
  table.sort(names, function(a, b)
    return stages[a] > stages[b] or stages[a] == stages[b] and a < b
  end)
  print(("%-36s %8s %12s %12s"):format("stage", "share", "seconds", "ns a record"))
  for _, name in ipairs(names) do
    local seconds = stages[name] / FREQUENCY
    print(("%-36s %7.1f%% %12.3f %12.1f"):format(name, 100 * stages[name] / total, seconds,
      1e9 * seconds / records))
  end
  print(("%-36s %7.1f%% %12.3f %12.1f"):format("all", 100.0, total / FREQUENCY,
    1e9 * total / FREQUENCY / records))
end

if not arg[2] then
  io.stderr:write("usage: lua5.4 ctest/bench/profile.lua JOB.lua INPUT... [flags of mrlua run]\n")
  os.exit(2)
end
assert(bench.has "perf", "profile needs perf: install linux-perf")
assert(bench.has "addr2line", "profile needs addr2line and nm: install binutils")
local folder = bench.folder()
bench.finally_remove(folder, function()
  local outcome = bench.capture(("setarch -R perf record -q -F %d -o %s/perf.data -- "
    .. "%s run %s -o %s/out --json --quiet"):format(FREQUENCY, folder, bench.engine,
    table.concat(arg, " "), folder))
  local own, stages, total = read_samples(folder)
  assert(total > 0, "perf took no samples")
  add_own(folder, own, stages)
  local records = math.max(counter_of(outcome, "map_records_out"),
    counter_of(outcome, "map_records_in"), 1)
  bench.heading(("Profile: %s, %d records"):format(table.concat(arg, " "), records))
  print_stages(stages, total, records)
end)

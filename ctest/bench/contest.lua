--- Several commands that do the same work, timed in turn.
--
--     contest.run("word count", candidates, { rounds = 5, bytes = 483e6 })
--
-- A candidate:
--
--     name
--     command   a shell command, whose time counts; without `result` its output goes to a file
--     result    prints the answer afterwards, where the command wrote it elsewhere
--     output    what it writes, removed before each run
--     needs     a program that must be installed; otherwise it is left out, by name
--     asked     { { 0.33, "lua5.4" }, ... }: at most so many times the time of the one of that name
--     is_ordered   the order of the answer counts too
--
-- Each runs once before, to warm memory and page cache; then they take turns, so that a slow
-- minute of the machine is everybody's. All answers are compared (their lines in any order, unless
-- is_ordered): a wrong one has no speed.

local bench = require "bench"

local contest = {}

local function answer_of(candidate, folder)
  return bench.capture((candidate.result or ("cat " .. folder .. "/output"))
    .. (candidate.is_ordered and "" or " | LC_ALL=C sort -S 512M -T " .. folder) .. " | md5sum")
end

-- Nobody starts with what others left to be written, or with an old output to replace.
local function seconds_of(candidate, folder)
  os.execute(("rm -rf %s; sync"):format(candidate.output or ""))
  return bench.time(candidate.command
    .. (candidate.result and "" or " >" .. folder .. "/output"))
end

-- Everybody once: what they answer is compared, their time is not kept.
local function warm_up(candidates, folder)
  local expected
  for _, candidate in ipairs(candidates) do
    seconds_of(candidate, folder)
    local answer = answer_of(candidate, folder)
    expected = expected or answer
    assert(answer == expected, candidate.name .. " answers something else")
  end
end

local function take_turns(title, candidates, options)
  for round = 1, options.rounds do
    for _, candidate in ipairs(candidates) do
      candidate.times = candidate.times or {}
      candidate.times[round] = seconds_of(candidate, options.folder)
      io.stderr:write(("%s, round %d: %-34s %8.2f s\n"):format(title, round, candidate.name,
        candidate.times[round]))
    end
  end
end

-- "0.31 of lua5.4, asked 0.33: reached"
local function print_asked(candidate, medians)
  for _, asked in ipairs(candidate.asked or {}) do
    local most, name = table.unpack(asked)
    if medians[name] then
      local ratio = medians[candidate.name] / medians[name]
      print(("    %.2f of %s, asked %.2f: %s"):format(ratio, name, most,
        ratio <= most and "reached" or "NOT REACHED"))
    end
  end
end

local function print_table(candidates, bytes)
  local medians = {}
  print(("%-40s %9s %9s %9s %9s"):format("", "median s", "min s", "max s", "MB/s"))
  for _, candidate in ipairs(candidates) do
    local median = bench.median(candidate.times)
    medians[candidate.name] = median
    print(("%-40s %9.2f %9.2f %9.2f %9.1f"):format(candidate.name, median,
      math.min(table.unpack(candidate.times)), math.max(table.unpack(candidate.times)),
      bytes / 1e6 / median))
    print_asked(candidate, medians)
  end
end

local function split_by_presence(candidates)
  local here, absent = {}, {}
  for _, candidate in ipairs(candidates) do
    if not candidate.needs or bench.has(candidate.needs) then
      here[#here + 1] = candidate
    else
      absent[#absent + 1] = ("%s (no %s)"):format(candidate.name, candidate.needs)
    end
  end
  return here, absent
end

--- Runs and prints. Those that are asked something stand behind those they are measured against.
-- @tparam table options  rounds; bytes, of the input; folder, for files on the way
function contest.run(title, candidates, options)
  local here, absent = split_by_presence(candidates)
  warm_up(here, options.folder)
  take_turns(title, here, options)
  bench.heading(("%s, %.0f MB, medians of %d"):format(title, options.bytes / 1e6, options.rounds))
  print_table(here, options.bytes)
  if #absent > 0 then
    print("not installed, left out: " .. table.concat(absent, ", "))
  end
  print()
end

return contest

-- Attempts that say nothing for long: who is alive is neither lost nor doubled, however long it
-- takes; who hangs is ended at the limit that is stated for it.

local cluster = require "spec.support.cluster"
local temp = require "spec.support.temp"

local SILENT_SECONDS <const> = 12 -- more than the lease of a worker, 10 s
local LIMIT_SECONDS <const> = 2
local LIMITS <const> = { "--limit-seconds", LIMIT_SECONDS, "--limit-seconds-per-record",
  LIMIT_SECONDS }

-- Sleeps params.naps times params.nap seconds: a map for each line at once, a reduce for each
-- value. Every attempt leaves a marker.
local JOB <const> = [[
local function nap(stage)
  if mr.params.naps_in ~= stage then return end
  local marker = ("%s/ran-%s-%d"):format(mr.params.folder, stage, mr.attempt)
  assert(io.open(marker, "w")):close()
  os.execute("sleep " .. mr.params.nap)
end

return {
  unsafe = true,
  params = { folder = "", naps_in = "", nap = "" },
  map = function(_, line, emit)
    nap "map"
    emit("all", line)
  end,
  reduce = function(key, values, emit)
    local count = 0
    for _ in values do
      nap "reduce"
      count = count + 1
    end
    emit(key, count)
  end,
}
]]

local it_all, path

local function submit(stage, nap, line_count, flags)
  local input = temp.write(("%s/%s-input"):format(it_all.folder, stage), ("line\n"):rep(line_count))
  local argv = { "--allow-unsafe", "--reducers", 1, "--param", "folder=" .. it_all.folder,
    "--param", "naps_in=" .. stage, "--param", "nap=" .. nap }
  return it_all:submit(path, { input }, table.move(flags, 1, #flags, #argv + 1, argv))
end

local function attempt_count(stage)
  local count = 0
  for _, name in ipairs(temp.list(it_all.folder)) do
    count = count + (name:find("^ran%-" .. stage) and 1 or 0)
  end
  return count
end

local function expect_hung(job, stage)
  assert.equal(1, job:wait(30), job:text "err")
  local said = job:text "err"
  assert.truthy(said:find(("longer than %d s"):format(LIMIT_SECONDS), 1, true), said)
  assert.equal(2, attempt_count(stage))
  assert.same({}, temp.list(job.out))
end

describe("an attempt that says nothing", function()
  before_each(function()
    it_all = cluster.open()
    path = temp.write(it_all.folder .. "/nap.lua", JOB)
    it_all:start(2, { slots = 2, flags = { "--allow-unsafe" } })
  end)

  after_each(function()
    it_all:close()
  end)

  it("while it works, beyond a lease and its limits, is neither lost nor doubled", function()
    local lines <const> = 2 * SILENT_SECONDS
    local mapped = submit("map", SILENT_SECONDS, 1, {})
    local folded = submit("reduce", "0.5", lines, LIMITS)
    it_all:wait("both jobs end", 60, function()
      for _, worker in ipairs(it_all.workers) do
        local known = it_all:worker_state(worker.id)
        assert.equal("ready", known and known.state)
      end
      return mapped:code() and folded:code()
    end)

    it_all:expect_parts(mapped, "== part-00000\nall\t1\n")
    it_all:expect_parts(folded, ("== part-00000\nall\t%d\n"):format(lines))
    assert.equal(1, attempt_count "map")
    assert.equal(1, attempt_count "reduce")
    assert.equal(2, select(2, it_all.master:text("err"):gsub("worker_joined", "")))
    it_all:expect_clean()
  end)

  it("because it hangs is ended at its limit, as often as it may be tried", function()
    local flags = table.move(LIMITS, 1, #LIMITS, 3, { "--attempts", 2 })
    local mapped, reduced = submit("map", 600, 1, flags), submit("reduce", 600, 1, flags)

    expect_hung(mapped, "map")
    expect_hung(reduced, "reduce")
    it_all:expect_clean()
  end)
end)

-- P1 and P3: processes of attempts are killed while a job runs; the job goes on, and its output
-- is what it would have been.

local daemon = require "spec.support.daemon"
local engine = require "spec.support.engine"
local session = require "spec.support.session"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local SLOTS = 2
local ROUNDS = 2 -- of kills, of all that runs; fewer than the attempts of a task
local PLAN_ATTEMPTS = 1 -- the first of all attempts makes the plan
local RECORD_MAX = 20 -- every split has as many lines, every part as many keys

-- The first attempts of a stage, as many as are to be killed, say so at a record in the middle and
-- stand there for ever. (Attempts are numbered as they begin, in the low 32 bits.)
local STANDING_JOB = [[
local count = 0

local function stand()
  count = count + 1
  if count == mr.params.record and mr.stage == mr.params.stage
    and mr.attempt & 0xffffffff <= mr.params.last then
    print "stands"
    while true do end
  end
end

return {
  params = { stage = "", last = 0, record = 0 },
  map = function(offset, line, emit)
    stand()
    for word in line:gmatch("%a+") do emit(word, offset) end
  end,
  reduce = function(word, offsets, emit)
    stand()
    local hash = 0
    for offset in offsets do hash = (hash * 31 + offset) & 0xffffffff end
    emit(word, hash)
  end,
}
]]

-- What /proc says of a process, "" if it is gone.
local function proc(pid, name)
  local file <close> = io.open("/proc/" .. pid .. "/" .. name)
  return file and file:read("a") or ""
end

local function is_nursery(pid)
  return proc(pid, "cmdline"):find("nursery", 1, true) ~= nil
end

-- The processes of attempts: "trusted", children of the shell, or "child", of the nursery.
local function victims(id, kind)
  local found = {}
  for _, pid in ipairs(session.processes(id)) do
    local parent = proc(pid, "stat"):match("%) %a (%d+)")
    local is_child = parent and parent ~= id and is_nursery(parent)
    local is_trusted = parent == id and not is_nursery(pid)
    if (kind == "child" and is_child) or (kind == "trusted" and is_trusted) then
      found[#found + 1] = pid
    end
  end
  return found
end

describe("a job whose attempts are killed", function()
  local folder, job

  before_each(function()
    folder, job = temp.folder(), nil
    temp.write(folder .. "/standing.lua", STANDING_JOB)
  end)

  after_each(function()
    if job then
      job:stop()
    end
    temp.remove(folder)
  end)

  local function argv(out, params)
    local words = { "run", folder .. "/standing.lua", "--quiet", "--slots", SLOTS,
      "--reducers", SLOTS, "--split-size", "16K", "--tmp", folder, "-o", out }
    for name, value in pairs(params) do
      table.move({ "--param", name .. "=" .. value }, 1, 2, #words + 1, words)
    end
    return table.move(texts.LICENSES, 1, #texts.LICENSES, #words + 1, words)
  end

  local function count_standing()
    return select(2, job:text("err"):gsub("stands\n", ""))
  end

  for _, kind in ipairs { "child", "trusted" } do
    for _, stage in ipairs { "map", "reduce" } do
      it(("has the same output: the %s of a %s"):format(kind, stage), function()
        local seed = texts.seed(7)
        math.randomseed(seed)
        engine.output(argv(folder .. "/expected", {}))
        local maps = tonumber(temp.read(folder .. "/expected/_SUCCESS"):match(
          '"split_count":%s*(%d+)'))
        local before = PLAN_ATTEMPTS + (stage == "reduce" and maps or 0)
        local out = folder .. "/out"
        job = daemon.start(engine.command(argv(out, { stage = stage,
          last = before + SLOTS * ROUNDS, record = math.random(RECORD_MAX) })), folder .. "/job")

        for round = 1, ROUNDS do
          assert(temp.wait_until(60, function()
            return count_standing() == SLOTS * round
          end), ("SEED=%d, round %d: %s"):format(seed, round, job:text "err"))
          local found = victims(job.pid, kind)
          assert.equal(SLOTS, #found)
          session.signal(table.concat(found, " "), "KILL")
        end

        assert.equal(0, job:wait(60), job:text "err")
        assert.equal(SLOTS * ROUNDS, count_standing())
        assert.is_true(engine.parts(folder .. "/expected") == engine.parts(out),
          ("SEED=%d: another output"):format(seed))
      end)
    end
  end
end)

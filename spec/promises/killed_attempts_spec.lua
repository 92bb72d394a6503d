-- P1 and P3: processes of attempts are killed while a job runs; the job goes on, and its output
-- is what it would have been.

local engine = require "spec.support.engine"
local session = require "spec.support.session"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local KILLS_PER_RUN = 3 -- fewer than the attempts of a task, were they all of one

-- Slow enough to be met: about 60 ms for a split of 16 KB.
local SLOW_JOB = [[
return {
  map = function(offset, line, emit)
    for i = 1, 6000 do local _ = line:find("x", 1, true) end
    for word in line:gmatch("%a+") do emit(word, offset) end
  end,
  reduce = function(word, offsets, emit)
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
  local folder

  before_each(function()
    folder = temp.folder()
    temp.write(folder .. "/slow.lua", SLOW_JOB)
  end)

  after_each(function()
    temp.remove(folder)
  end)

  local function argv(out)
    local words = { "run", folder .. "/slow.lua", "--quiet", "--slots", "2", "--reducers", "3",
      "--split-size", "16K", "--tmp", folder, "-o", out }
    return table.move(texts.LICENSES, 1, #texts.LICENSES, #words + 1, words)
  end

  for _, kind in ipairs { "child", "trusted" } do
    it("has the same output: " .. kind, function()
      local seed = texts.seed(7)
      math.randomseed(seed)
      engine.output(argv(folder .. "/expected"))
      local out, kills = folder .. "/out", 0
      local id = session.start(engine.command(argv(out)))

      temp.wait_until(30, function()
        local found = victims(id, kind)
        if #found > 0 and kills < KILLS_PER_RUN then
          session.signal(found[math.random(#found)], "KILL")
          kills = kills + 1
        end
        return kills == KILLS_PER_RUN or #session.processes(id) == 0
      end)

      assert.is_true(session.ends_within(id, 60), "it does not end")
      assert.equal(KILLS_PER_RUN, kills, "it ended too early to be killed")
      assert.is_true(temp.exists(out .. "/_SUCCESS"), ("SEED=%d: it failed"):format(seed))
      assert.is_true(engine.parts(folder .. "/expected") == engine.parts(out),
        ("SEED=%d: another output"):format(seed))
    end)
  end
end)

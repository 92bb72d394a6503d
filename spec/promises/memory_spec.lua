-- P9: an attempt's memory is bounded by its flags: sort buffer + 64 MB. The large version of this
-- is ctest/bench/memory.lua.

package.path = "ctest/bench/?.lua;" .. package.path

local engine = require "spec.support.engine"
local peak = require "peak"
local temp = require "spec.support.temp"

local SORT_BUFFER_MB, ROOM_MB = 8, 64
local LINE_COUNT = 4000000

describe("the memory of an attempt", function()
  local folder

  temp.each(function(path)
    folder = path
  end)

  local function check(line)
    if engine.has_option("SANITIZE") then
      return pending("a sanitizer has memory of its own")
    end
    local file = assert(io.open(folder .. "/input", "wb"))
    for i = 1, LINE_COUNT do
      file:write(line(i), "\n")
    end
    file:close()

    local peaks, is_done = peak.of(engine.command { "run", "jobs/sort.lua", "--quiet",
      "--slots", "2", "--reducers", "1", "--sort-buffer", SORT_BUFFER_MB .. "M",
      "--tmp", folder, "-o", folder .. "/out", folder .. "/input" })

    assert.is_true(is_done)
    for _, kind in ipairs { "child", "trusted", "nursery", "shell" } do
      assert.is_true(peaks[kind] and peaks[kind] <= SORT_BUFFER_MB + ROOM_MB,
        ("%s: %s MB"):format(kind, peaks[kind]))
    end
  end

  it("does not grow with the number of keys", function()
    check(function(i)
      return ("%016x"):format(i * 0x9e3779b97f4a7c15)
    end)
  end)

  it("does not grow with the number of values of one key", function()
    check(function()
      return "one and the same key"
    end)
  end)
end)

--- What every `mrlua run` pays before the first record.

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

-- Debian has archives of all of them.
local PART_OF_US = { "libcrypto", "libevent_core", "libjansson", "liblua5.4", "liblz4",
  "libprotobuf-c", "libseccomp", "libsqlite3", "libzstd" }

describe("a start", function()
  it("looks for no library that could be part of the executable", function()
    if engine.has_option("SHARED") then
      pending "libraries are not to be part of it"
    end
    local loaded = temp.capture("LD_TRACE_LOADED_OBJECTS=1 " .. engine.command {})

    assert.matches("libc.so", loaded, 1, true)
    for _, name in ipairs(PART_OF_US) do
      assert.not_matches(name, loaded, 1, true)
    end
  end)

  it("leaves Lua's API to be found by C modules of an unsafe job", function()
    local folder <const> = temp.folder()
    local job = temp.write(folder .. "/job.lua", [[
      return {
        unsafe = true,
        map = function(_, line, emit) emit(require("lfs").attributes("/", "mode"), line) end,
        reduce = function(key, _, emit) emit(key, "read by a C module") end,
      }]])
    local result = engine.run({ "run", job, "--allow-unsafe", "--quiet", "-" }, { input = "x\n" })
    temp.remove(folder)

    assert.equal("", result.stderr)
    assert.equal("directory\tread by a C module\n", result.stdout)
  end)
end)

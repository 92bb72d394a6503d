local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"

local it_all

describe("mrlua master", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("says where it listens, and ends at SIGTERM", function()
    it_all:start_master()
    it_all.master:signal "TERM"

    assert.equal(0, it_all.master:wait(20))
    assert.matches("^mrlua master listens on 127%.0%.0%.1:%d+\n$", it_all.master:text "out")
  end)

  it("refuses a state folder that another one has", function()
    it_all:start_master()
    local result = engine.run { "master", "--listen", "127.0.0.1:0", "--state",
      it_all.folder .. "/state", "--key-file", it_all.folder .. "/key" }

    assert.equal(2, result.code)
    assert.equal("", result.stdout)
    assert.matches(it_all.folder .. "/state", result.stderr, 1, true)
  end)

  it("refuses to listen beyond this machine without a key, or in plain text", function()
    for _, flags in ipairs { {}, { "--key-file", it_all.folder .. "/key" } } do
      local argv = { "master", "--listen", "0.0.0.0:0", "--state", it_all.folder .. "/state" }
      local result = engine.run(table.move(flags, 1, #flags, #argv + 1, argv),
        { environment = "XDG_STATE_HOME=" .. it_all.folder })

      assert.equal(2, result.code)
      assert.equal("", result.stdout)
    end
  end)
end)

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local folder

local function key(role)
  return engine.run({ "key", "--role", role }, { environment = "XDG_STATE_HOME=" .. folder })
end

describe("mrlua key", function()
  temp.each(function(path)
    folder = path
  end)

  it("is one line, the same each time and another for each role", function()
    local seen = {}
    for _, role in ipairs { "read", "submit", "worker" } do
      local result = key(role)

      assert.equal(0, result.code)
      assert.matches("^mrlua%-key 1 " .. role .. " " .. ("%x"):rep(64) .. "\n$", result.stdout)
      assert.equal(result.stdout, key(role).stdout)
      assert.is_nil(seen[result.stdout:sub(-65)])
      seen[result.stdout:sub(-65)] = true
    end
  end)

  it("makes the user's secret, for nobody else to read", function()
    key "read"

    assert.equal("600", temp.capture("stat -c %a " .. folder .. "/mrlua/secret"))
  end)

  it("knows no other role", function()
    assert.equal(2, key("master").code)
    assert.equal(2, engine.run({ "key" }).code)
  end)

  it("makes no key of a role from another role's key", function()
    local path = temp.write(folder .. "/read.key", key("read").stdout)
    assert(os.execute("chmod 600 " .. path))
    local result = engine.run { "key", "--role", "submit", "--key-file", path }

    assert.equal(2, result.code)
    assert.equal("", result.stdout)
  end)
end)

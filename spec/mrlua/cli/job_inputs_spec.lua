local job_inputs = require "mrlua.cli.job_inputs"

local PLAIN = { input = "lines" }
local NAMED = { input = "lines", inputs = {
  users = { paths = { "u1", "u2" }, input = "csv" },
  clicks = { paths = {}, input = "lines" },
} }

local function choose(view, flags, command)
  flags.inputs = flags.inputs or {}
  return job_inputs.choose(view, flags, "j.lua", command or "run")
end

local function complaint(...)
  local paths, message = choose(...)
  assert.is_nil(paths)
  return message
end

describe("mrlua/cli/job_inputs choose()", function()
  it("answers the arguments of a job whose inputs are all alike", function()
    local paths, groups = choose(PLAIN, { inputs = { "b", "a" } })

    assert.same({ "b", "a" }, paths)
    assert.same({}, groups)
  end)

  it("answers named inputs by name, those of the command line instead of the job's", function()
    local paths, groups = choose(NAMED,
      { named_inputs = { { "clicks", "c2" }, { "clicks", "c1" } } })

    assert.same({ "c2", "c1", "u1", "u2" }, paths)
    assert.same({ { name = "clicks", format = "lines", count = 2 },
      { name = "users", format = "csv", count = 2 } }, groups)
    assert.same({ "c", "u" }, (choose(NAMED, { named_inputs = { { "users", "u" },
      { "clicks", "c" } } })))
  end)

  it("shows the call where one is not what the job reads", function()
    assert.equal("'x' is for none of the inputs of j.lua: mrlua submit j.lua --input clicks=PATH "
      .. "[--input users=PATH]", complaint(NAMED, { inputs = { "x" } }, "submit"))
    assert.equal("input 'clicks' of j.lua has no path: mrlua run j.lua --input clicks=PATH "
      .. "[--input users=PATH]", complaint(NAMED, {}))
    assert.equal("option '--input': j.lua has no input 'a', it reads all alike: mrlua run j.lua "
      .. "INPUT...", complaint(PLAIN, { inputs = { "x" }, named_inputs = { { "a", "x" } } }))
    assert.equal("missing argument 'INPUT': mrlua run j.lua INPUT...", complaint(PLAIN, {}))
  end)

  it("suggests the nearest name", function()
    assert.equal("option '--input': unknown input 'user': did you mean 'users'?",
      complaint(NAMED, { named_inputs = { { "user", "x" } } }))
    assert.equal("option '--input': unknown input 'x': there are clicks, users",
      complaint(NAMED, { named_inputs = { { "x", "x" } } }))
  end)

  it("reads standard input once, where there is one", function()
    local named = { { "clicks", "-" }, { "users", "-" } }

    assert.equal("-", choose(PLAIN, { inputs = { "a", "-" } })[2])
    assert.equal("-", choose(NAMED, { named_inputs = { named[1] } })[1])
    assert.equal("standard input (-) can be read only once", complaint(PLAIN,
      { inputs = { "-", "-" } }))
    assert.equal("standard input (-) can be read only once", complaint(NAMED,
      { named_inputs = named }))
    assert.matches("^standard input %(%-%) is seen by no worker",
      complaint(NAMED, { named_inputs = { named[1] } }, "submit"))
  end)
end)

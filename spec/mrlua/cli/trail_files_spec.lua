package.loaded["mrlua.engine"] = package.loaded["mrlua.engine"] or {}

local engine = require "mrlua.engine"
local trail_files = require "mrlua.cli.trail_files"

-- A folder of one run with these files, the oldest first.
local function with_run(names)
  local was = {}
  local fakes = {
    trail_list = function() return { folder = "/nowhere", runs = { "r17", "r16" } } end,
    trail_names = function() return { names = names } end,
  }
  for name, f in pairs(fakes) do
    was[name], engine[name] = engine[name], f
  end
  finally(function()
    for name in pairs(fakes) do
      engine[name] = was[name]
    end
  end)
end

describe("lua/mrlua/cli/trail_files", function()
  it("knows runs of this machine and jobs of the master", function()
    assert.same({ id = "r17", run = "r17" }, trail_files.job "r17")
    assert.same({ id = "17", job = 17 }, trail_files.job "17")
    for _, text in ipairs { "", "r", "17x", "../r17", "-1", "1.5", "17/m3" } do
      assert.is_nil(trail_files.job(text), text)
    end
  end)

  it("knows tasks and attempts", function()
    assert.same({ id = "r17", run = "r17", task = "m3" }, trail_files.task "r17/m3")
    assert.same({ id = "17", job = 17, task = "r0", attempt = "33" }, trail_files.task "17/r0-33")
    assert.same({ id = "17", job = 17, task = "2.m3" }, trail_files.task "17/2.m3")
    for _, text in ipairs { "r17", "r17/x3", "17/2m3", "17/.m3", "17/2.2.m3",
      "r17/m", "r17/../m3", "a/r17/m3", "r17/m3/x" } do
      assert.is_nil(trail_files.task(text), text)
    end
  end)

  it("finds the newest capsule of a task", function()
    with_run { "m3-9.capsule", "log", "m3-10.capsule", "m4-11.capsule" }
    local open = stub(io, "open")
    local found, fault = trail_files.capsule(trail_files.task "r17/m3", {})
    open:revert()

    assert.stub(open).was.called_with("/nowhere/r17/m3-10.capsule", "rb")
    assert.is_nil(found)
    assert.matches("has gone meanwhile", fault.message)
  end)

  it("tells what there is instead", function()
    with_run { "m3-9.capsule", "log", "m3-99999999999999999999.capsule" }
    local _, fault = trail_files.capsule(trail_files.task "r17/m5", {})
    assert.equal("of r17 only m3 failed: mrlua replay r17/m3", fault.message)

    _, fault = trail_files.capsule(trail_files.task "r17/m3-4", {})
    assert.equal("r17 left no capsule of m3-4: there are m3-9", fault.message)
  end)

  it("says of a run that left no capsule that there is nothing to replay", function()
    with_run { "log" }
    local _, fault = trail_files.capsule(trail_files.task "r17/m0", {})

    assert.equal("there is nothing to replay of r17, no task left a capsule: 'mrlua show r17' tells"
      .. " how it ended", fault.message)
  end)

  it("names a task once of which several attempts failed", function()
    with_run { "m3-9.capsule", "m3-10.capsule", "r0-12.capsule" }
    local _, fault = trail_files.capsule(trail_files.task "r17/m5", {})

    assert.equal("of r17 only m3, r0 failed: mrlua replay r17/m3", fault.message)
  end)

  it("takes the number of an attempt as people see it, and whole", function()
    assert.equal(2, trail_files.attempt_number "4294967298")
    assert.equal(2, trail_files.attempt_number(4294967298))
    assert.is_nil(trail_files.attempt_number "99999999999999999999")
  end)

  it("knows a run that is not there", function()
    with_run {}
    local names, fault = trail_files.names(trail_files.job "r5", {})

    assert.is_nil(names)
    assert.is_true(fault.is_setup)
    assert.matches("nothing of run r5 in /nowhere", fault.message)
  end)
end)

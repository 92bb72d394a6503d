--- `mrlua cluster run` on a pretended cloud whose machines are real masters and workers: fleet.lua.

local cjson = require "cjson"
local daemon = require "spec.support.daemon"
local engine = require "spec.support.engine"
local fleet = require "spec.gce.fleet"
local temp = require "spec.support.temp"

local RUN = { "cluster", "run", "jobs/wordcount.lua", "README.md", "-o", "gs://data-1/out",
  "--workers", "2" }
local INSTANCES, GROUPS = "compute instances", "compute instance-groups managed"

local function run(project, argv)
  return project:inside(engine.command(argv))
end

-- What costs by the hour and will not end by itself: names.
local function endless(project)
  local names, resources = {}, project:state()
  for _, kind in ipairs { INSTANCES, "compute instance-templates" } do
    for _, one in pairs(resources[kind] or {}) do
      local ends = one.flags["max-run-duration"] and one.flags["instance-termination-action"]
      if not ends or ends[1] ~= "DELETE" then
        names[#names + 1] = one.name
      end
    end
  end
  return names
end

-- The master's idle watcher, half an hour after the last job; the master process need not be there.
local function half_an_hour_later(project)
  project:write("machine.json", cjson.encode { name = "mrlua-master", zone = "us-central1-a",
    project = "stub-project", token = "a-token" })
  project:write("fleet.env", "MRLUA_PROJECT=stub-project\nMRLUA_ZONE=us-central1-a\n"
    .. "MRLUA_INSTANCE=mrlua-master\nMRLUA_WORKERS=mrlua-workers\nMRLUA_MAX_IDLE=1800\n"
    .. "MRLUA_MAX_RUN=86400\n")
  local google = daemon.start("python3 -B spec/gce/machine.py " .. project.folder,
    project.folder .. "/google")
  local address = temp.wait_until(20, function()
    return google:text("out"):match("listens on (%S+)\n")
  end)
  os.execute(("touch -d '1801 seconds ago' %s/stamp"):format(project.folder))
  local result = engine.run_command(("GCE_METADATA_HOST=%s MRLUA_COMPUTE=http://%s MRLUA_STAMP=%s"
    .. "/stamp MRLUA_FLEET_SETTINGS=%s/fleet.env MRLUA=false gce/boot/idle.sh"):format(address,
    address, project.folder, project.folder))
  google:stop()
  return result
end

-- A call as a regular expression that finds it again, in another project.
local function pattern_of(call)
  local words = {}
  for word in call:gmatch("%S+") do
    if #words == 6 or word:find("^'") then
      break
    end
    words[#words + 1] = word:find("mrlua-tmp", 1, true) and ".*" or (word:gsub("[%^$.*+?()|]", "."))
  end
  return table.concat(words, " ")
end

describe("mrlua cluster run", function()
  local project

  before_each(function()
    project = fleet.open()
  end)

  after_each(function()
    fleet.close(project)
  end)

  it("starts nothing when the input cannot be uploaded", function()
    project:fault("storage cp", "denied")
    local result = run(project, RUN)

    assert.equal(2, result.code)
    assert.matches("the input was not uploaded; nothing else was started", result.stderr, 1, true)
    assert.same({}, project:names(INSTANCES))
  end)

  it("takes away what is half there when the fleet does not come up", function()
    project:fault("managed create", "quota")
    local result = run(project, RUN)

    assert.equal(2, result.code)
    assert.matches("the fleet did not come up", result.stderr, 1, true)
    assert.same({}, project:names(INSTANCES))
    assert.same({}, project:names("compute disks"))
  end)

  it("says so when it could not take the fleet away", function()
    project:fault("managed delete", "denied")
    local result = run(project, RUN)

    assert.not_equal(0, result.code)
    assert.matches("the fleet was not deleted by us; it ends by itself", result.stderr, 1, true)
  end)

  it("uses a fleet that is there, and leaves it", function()
    project:expect("up", { "--bucket", "data-1" })
    project:forget()
    local result = run(project, RUN)

    assert.matches("a fleet is there: it is used as it is, and stays", result.stderr, 1, true)
    assert.equal(5, #project:names(INSTANCES))
    assert.same({}, project:calls("instances create"))
  end)

  it("leaves a fleet that ends by itself, whichever call it is killed at", function()
    run(project, RUN)
    local patterns, ended_count = {}, 0
    for _, call in ipairs(project:changes()) do
      patterns[#patterns + 1] = pattern_of(call)
    end
    assert.is_true(#patterns > 30)
    for i, pattern in ipairs(patterns) do
      fleet.close(project)
      project = fleet.open()
      project:fault(pattern, "kill-after", 1)
      run(project, RUN)

      assert.same({}, endless(project), pattern)
      local group, master = project:find(GROUPS, "mrlua-workers"),
        project:find(INSTANCES, "mrlua-master")
      assert.is_true(not group or master ~= nil, "a group without its master after " .. pattern)
      if master then
        ended_count = ended_count + 1
        local result = half_an_hour_later(project)
        assert.equal(0, result.code, ("%d: %s\n%s"):format(i, pattern, result.stderr))
        assert.same({ "us-central1-a/mrlua-master" }, project:names(INSTANCES))
        assert.equal("TERMINATED", project:find(INSTANCES, "mrlua-master").status)
      end
    end
    assert.is_true(ended_count >= 3)
  end)
end)

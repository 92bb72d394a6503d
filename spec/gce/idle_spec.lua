local cjson = require "cjson"
local daemon = require "spec.support.daemon"
local engine = require "spec.support.engine"
local kit = require "spec.gce.kit"
local temp = require "spec.support.temp"

local BUSY, IDLE = [[echo '{"jobs":[{"id":2,"state":"running"},{"id":1,"state":"done"}]}']],
  [[echo '{"jobs":[{"id":1,"state":"done"}]}']]
local NO_ANSWER = "echo 'mrlua: connect to 127.0.0.1:7070: Connection refused' >&2; exit 1"

-- The master of a cluster that is up, and what it reaches.
local function open()
  local project = kit.open()
  project:expect("up", { "--bucket", "data-1" })
  project:write("machine.json", cjson.encode { name = "mrlua-master", zone = "us-central1-a",
    project = "stub-project", token = "a-token" })
  project:write("fleet.env", "MRLUA_PROJECT=stub-project\nMRLUA_ZONE=us-central1-a\n"
    .. "MRLUA_INSTANCE=mrlua-master\nMRLUA_WORKERS=mrlua-workers\nMRLUA_MAX_IDLE=1800\n"
    .. "MRLUA_MAX_RUN=86400\n")
  project.machine = daemon.start(("python3 -B spec/gce/machine.py %s"):format(project.folder),
    project.folder .. "/machine")
  project.address = temp.wait_until(20, function()
    return project.machine:text("out"):match("listens on (%S+)\n")
  end)
  return project
end

-- idle.sh on that master, which has run for `uptime` seconds and whose mrlua is this shell text.
local function idle(project, mrlua, uptime, argument)
  project:write("mrlua", "#!/bin/sh\n" .. mrlua .. "\n")
  project:write("uptime", ("%d.17 3.00\n"):format(uptime))
  os.execute("chmod +x " .. project.folder .. "/mrlua")
  return engine.run_command(("PATH=%s/bin:$PATH GCE_METADATA_HOST=%s MRLUA_COMPUTE=http://%s"
    .. " MRLUA_FLEET_SETTINGS=%s/fleet.env MRLUA_STAMP=%s/stamp MRLUA_UPTIME=%s/uptime"
    .. " MRLUA=%s/mrlua gce/boot/idle.sh %s"):format(project.folder, project.address,
    project.address, project.folder, project.folder, project.folder, project.folder,
    argument or ""))
end

-- A job was last seen that many seconds ago.
local function seen(project, seconds)
  os.execute(("touch -d '%d seconds ago' %s/stamp"):format(seconds, project.folder))
end

local function has_ended(project)
  return #project:names("compute instance-groups managed") == 0
    and project:find("compute instances", "mrlua-master").status == "TERMINATED"
    and #project:names("compute instances") == 1
end

describe("gce/boot/idle.sh", function()
  local project

  before_each(function()
    project = open()
  end)

  after_each(function()
    project.machine:stop()
    project:close()
  end)

  it("ends the fleet when no job has run for that long", function()
    seen(project, 1801)
    local result = idle(project, IDLE, 4000)

    assert.equal(0, result.code)
    assert.equal("", result.stderr)
    assert.matches("the fleet ends: no job for 180%d s", result.stdout)
    assert.is_true(has_ended(project))
  end)

  it("does nothing before, and counts from the first look", function()
    assert.equal(0, idle(project, IDLE, 4000).code)
    assert.is_true(temp.exists(project.folder .. "/stamp"))
    seen(project, 1700)
    assert.equal("", idle(project, IDLE, 4000).stdout)

    assert.is_false(has_ended(project))
  end)

  it("starts to count again after a job", function()
    seen(project, 5000)
    assert.equal("", idle(project, BUSY, 4000).stdout)
    assert.equal("", idle(project, IDLE, 4000).stdout)

    assert.is_false(has_ended(project))
  end)

  it("takes a master that does not answer for one that has no job", function()
    seen(project, 1801)
    idle(project, NO_ANSWER, 4000)

    assert.is_true(has_ended(project))
  end)

  it("ends the fleet before the machine ends, whatever runs", function()
    assert.equal("", idle(project, BUSY, 86400 - 601).stdout)
    assert.is_false(has_ended(project))
    local result = idle(project, BUSY, 86400 - 599)

    assert.matches("this machine has run for its 86400 s", result.stdout, 1, true)
    assert.is_true(has_ended(project))
  end)

  it("stops the machine also when the group is gone already", function()
    project:expect("down", { "--machines-only", "--keep-journal" })
    project:expect("up", { "--bucket", "data-1" })
    os.execute(("env %s gcloud compute instance-groups managed delete mrlua-workers"
      .. " --zone=us-central1-a"):format(project:environment()))
    seen(project, 1801)

    assert.equal(0, idle(project, IDLE, 4000).code)
    assert.is_true(has_ended(project))
  end)

  it("says so, and stops nothing, when the group cannot be deleted", function()
    project:write("machine.json", cjson.encode { name = "mrlua-master", zone = "us-central1-a",
      project = "stub-project", token = "" })
    seen(project, 1801)
    local result = idle(project, IDLE, 4000)

    assert.equal(1, result.code)
    assert.matches("the machine has no account", result.stderr, 1, true)
    assert.equal("RUNNING", project:find("compute instances", "mrlua-master").status)
  end)

  it("takes the group along when the machine goes down, and not when it restarts", function()
    os.execute("mkdir " .. project.folder .. "/bin")
    project:write("bin/systemctl", "#!/bin/sh\necho '123 reboot.target start waiting'\n")
    os.execute("chmod +x " .. project.folder .. "/bin/systemctl")
    assert.equal(0, idle(project, BUSY, 4000, "shutdown").code)
    assert.equal(5, #project:names("compute instances"))

    project:write("bin/systemctl", "#!/bin/sh\necho '123 poweroff.target start waiting'\n")
    assert.equal(0, idle(project, BUSY, 4000, "shutdown").code)
    assert.same({ "us-central1-a/mrlua-master" }, project:names("compute instances"))
  end)

  it("is nobody's business on a machine of no fleet", function()
    os.remove(project.folder .. "/fleet.env")
    seen(project, 9000)

    assert.equal("", idle(project, IDLE, 4000).stdout)
    assert.is_false(has_ended(project))
  end)
end)

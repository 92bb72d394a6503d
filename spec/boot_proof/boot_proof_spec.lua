--- The package in clean root file systems: machines boot by the boot script and run what their
-- units say, with a pretended Google beside them. It takes minutes and wants root, debootstrap and
-- Debian's mirror: so it is a target of its own, `cmake --build build --target boot_proof`.

local cjson = require "cjson"
local engine = require "spec.support.engine"
local machines = require "spec.boot_proof.machines"
local slow = require "spec.support.slow"
local temp = require "spec.support.temp"

local SECRET = "mrlua-secret 1 " .. temp.capture("od -An -v -tx1 -N32 /dev/urandom"):gsub("%s", "")
local JOB_SECONDS <const> = 120

local function worker_options(number)
  return { name = ("c-worker-%04d"):format(number), disk = "google-local-nvme-ssd-0",
    secrets = { ["c-secret"] = SECRET .. "\n" },
    attributes = { ["mrlua-role"] = "worker", ["mrlua-master"] = "c-master",
      ["mrlua-secret"] = "c-secret", ["mrlua-slots"] = "2" } }
end

local MASTER = { name = "c-master", disk = "google-mrlua-journal",
  secrets = { ["c-secret"] = SECRET .. "\n" },
  attributes = { ["mrlua-role"] = "master", ["mrlua-secret"] = "c-secret",
    ["mrlua-workers"] = "c-workers", ["mrlua-max-idle"] = "1800", ["mrlua-max-run"] = "86400" } }

describe("a cluster that booted from the package", function()
  local obstacle = machines.obstacle()
  if obstacle then
    it("is not proved here: " .. obstacle, function()
      pending(obstacle)
    end)
    return
  end

  local cloud, master, workers

  -- A client's command on a machine that is in the network and has the key of a role.
  local function ask(command, ...)
    return cloud:inside("%s %s --master %s:7070 --key-file %s/key", engine.path,
      command:format(...), master.address, cloud.folder)
  end

  local function await(what, seconds, condition)
    return temp.wait_until(seconds, condition) or error(("after %d s, still not: %s\n%s"):format(
      seconds, what, master.units["mrlua-master.service"]:text "err"), 2)
  end

  local function ready_count()
    local answer, count = cjson.decode(ask "workers --json"), 0
    for _, worker in ipairs(answer.workers) do
      count = count + (worker.state == "ready" and 1 or 0)
    end
    return count
  end

  local function start_all()
    master = cloud:boot(MASTER)
    workers = { cloud:boot(worker_options(1)), cloud:boot(worker_options(2)) }
    master:start "mrlua-master.service"
    for _, worker in ipairs(workers) do
      worker:start "mrlua-worker.service"
    end
    await("the master has made its journal", 30, function()
      return temp.exists(master.folder .. "/requests") and master:main_pid "master" ~= ""
    end)
    -- As gce/tunnel.sh does it.
    temp.write(cloud.folder .. "/key", master:shell("setpriv --reuid=mrlua --regid=mrlua"
      .. " --clear-groups mrlua key --role submit --key-file /run/mrlua/secret"))
    os.execute("chmod 600 " .. cloud.folder .. "/key")
    await("both workers are ready", 30, function()
      local answered, count = pcall(ready_count)
      return answered and count == 2
    end)
  end

  setup(function()
    cloud = machines.open()
    local is_up, message = pcall(start_all)
    if not is_up then
      cloud:close() -- teardown is not called then
      error(message, 0)
    end
  end)

  teardown(function()
    if cloud then
      cloud:close()
    end
  end)

  it("keeps the secret in memory, for its user only", function()
    for _, it_is in ipairs { master, workers[1] } do
      assert.equal("600 mrlua mrlua tmpfs\n", it_is:shell("printf '%%s ' $(stat -c '%%a %%U %%G'"
        .. " /run/mrlua/secret) && stat -f -c %%T /run/mrlua/secret"))
      assert.equal(SECRET .. "\n", it_is:shell "cat /run/mrlua/secret")
      -- Nowhere on the disks of the machine, and in no process's arguments or environment.
      temp.write(cloud.folder .. "/shared/hex", SECRET:match("%x+$"))
      assert.equal("1\n", it_is:shell "grep -c -f /srv/hex /run/mrlua/secret")
      assert.equal("0\n", it_is:shell("grep -r -l -f /srv/hex /etc /var /tmp /usr/share /root"
        .. " 2>/dev/null | wc -l"))
      assert.equal("0\n", it_is:shell("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ"
        .. " | grep -a -c -f /srv/hex || true"))
    end
  end)

  it("runs as its user, on its disk, with the limits of its unit", function()
    local pid = workers[1]:main_pid "worker"

    local user = workers[1]:shell("id -u mrlua"):match("%d+")
    local status, limits = temp.read(("/proc/%s/status"):format(pid)),
      temp.read(("/proc/%s/limits"):format(pid))
    assert.matches("NoNewPrivs:\t1", status)
    assert.matches(("Uid:\t%s\t%s\t%s\t%s\n"):format(user, user, user, user), status)
    local hard = math.min(65536, tonumber(temp.capture("ulimit -Hn")) or math.huge)
    assert.matches(("Max open files +%d +%d"):format(hard, hard), limits)
    assert.matches("/dev/loop%d+", workers[1]:shell "findmnt -n -o SOURCE /var/lib/mrlua/worker")
    assert.matches("/dev/loop%d+", master:shell "findmnt -n -o SOURCE /var/lib/mrlua/master")
  end)

  it("boots a second time without losing its journal or its disk", function()
    master:shell "touch /var/lib/mrlua/master/mark"
    master:run_unit "mrlua-boot.service"

    assert.equal("there\n", master:shell "test -e /var/lib/mrlua/master/mark && echo there")
  end)

  -- The input is where all machines see it; gs:// is in the specs of the store.
  it("runs a job to its end, over the loss of its master and a notice to a worker", function()
    local shared = cloud.folder .. "/shared"
    os.execute(("cp -rL /usr/share/common-licenses %s/input && mkdir -m 777 %s/parts")
      :format(shared, shared))
    local path, flags = slow.write(shared), table.concat(slow.FLAGS, " ")
    engine.output { "run", path, shared .. "/input", "-o", shared .. "/expected", "--quiet",
      table.unpack(slow.FLAGS) }
    local submit = cloud:start("submit", ("env -C %s %s submit slow.lua /srv/input -o"
      .. " /srv/parts/out %s --quiet --master %s:7070 --key-file %s/key"):format(shared,
      engine.path, flags, master.address, cloud.folder))

    local function maps_done()
      local answered, text = pcall(ask, "status 1 --json")
      for _, stage in ipairs(answered and cjson.decode(text).stages or {}) do
        if stage.name == "map" then
          return stage.tasks_done
        end
      end
      return 0
    end

    await("some maps are done", 60, function()
      return maps_done() >= 3
    end)
    local before = master:main_pid "master"
    os.execute("kill -KILL " .. before)
    await("the master is back, with its journal", 30, function()
      return master:main_pid "master" ~= before and maps_done() >= 3
    end)
    assert.equal(0, workers[2]:preempt "mrlua-worker.service")
    local code = temp.wait_until(JOB_SECONDS, function()
      return submit:code()
    end)

    assert.equal(0, code, submit:text "err")
    assert.equal(engine.parts(shared .. "/expected"), engine.parts(shared .. "/parts/out"))
    assert.is_true(temp.exists(shared .. "/parts/out/_SUCCESS"))
  end)

  it("says what happens as lines of JSON, and what is so as metrics", function()
    for line in master:shell("cat /var/log/mrlua/master.jsonl"):gmatch("[^\n]+") do
      assert.is_string(cjson.decode(line).severity)
    end
    assert.matches('"severity"', workers[1]:shell "cat /var/log/mrlua/worker.jsonl")
    assert.matches("\nmrlua_pending_tasks_per_slot 0\n",
      master:shell "curl -sS http://127.0.0.1:7080/metrics")
  end)

  it("tells Cloud Monitoring how many tasks are to do", function()
    local said = master:run_unit "mrlua-gauge.service"
    local requests = temp.read(master.folder .. "/requests")

    assert.equal("", said)
    assert.matches("POST /v3/projects/proof/timeSeries {", requests, 1, true)
    assert.matches('"type": "custom.googleapis.com/mrlua/tasks_open"', requests, 1, true)
    assert.matches('"int64Value": "0"', requests, 1, true)
  end)

  it("ends when it is told to, and is not started again", function()
    assert.equal(0, workers[1]:stop("mrlua-worker.service", 60))
  end)

  it("ends by itself when nobody uses it", function()
    temp.write(master.folder .. "/state.json", cjson.encode {
      ["compute instance-groups managed"] = { ["us-central1-a/c-workers"] = { name = "c-workers",
        zone = "us-central1-a" } },
      ["compute instances"] = { ["us-central1-a/c-master"] = { name = "c-master",
        zone = "us-central1-a", status = "RUNNING" } },
    })
    assert.equal("", master:run_unit "mrlua-idle.service")
    master:shell "touch -d '1801 seconds ago' /run/mrlua/busy"
    local said = master:run_unit "mrlua-idle.service"

    assert.matches("the fleet ends: no job for 180%d s", said)
    local state = cjson.decode(temp.read(master.folder .. "/state.json"))
    assert.is_nil(next(state["compute instance-groups managed"]))
    assert.equal("TERMINATED", state["compute instances"]["us-central1-a/c-master"].status)
  end)
end)

--- Pretended machines for the boot proof: each has a root file system with the package installed,
-- namespaces of its own, an address, a disk, its metadata.
--
--     local cloud = machines.open()
--     local master = cloud:boot { name = "c-master", attributes = {...}, disk = "..." }
--     master:start "mrlua-master.service"
--     cloud:close()
--
-- All addresses are in a network namespace of the cloud's own; nothing of this machine is touched
-- but loop devices, which are given back.

local cjson = require "cjson"
local daemon = require "spec.support.daemon"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local machines = {}
machines.__index = machines
local machine = {}
machine.__index = machine

local HERE <const> = temp.capture("pwd") .. "/spec/boot_proof" -- nsenter goes to the root
local START_SECONDS <const> = 60
local NOTICE_SECONDS <const> = 30 -- what a spot machine has left
local ZONE <const>, PROJECT <const> = "us-central1-a", "proof"

local function run(command, ...)
  local result = engine.run_command(command:format(...), { seconds = 600 })
  if result.code ~= 0 then
    error(("exit code %d of %s\n%s%s"):format(result.code, command:format(...), result.stdout,
      result.stderr), 2)
  end
  return result.stdout
end

-- The first child of a process: unshare forks.
local function child_of(pid)
  return temp.wait_until(START_SECONDS, function()
    local children = temp.capture(("cat /proc/%s/task/%s/children 2>/dev/null"):format(pid, pid))
    return children:match("%d+")
  end)
end

--- What stands in the way of the proof on this machine, or nil.
function machines.obstacle()
  if temp.capture("id -u") ~= "0" then
    return "it wants root"
  end
  for _, tool in ipairs { "debootstrap", "dpkg-deb", "cpack", "losetup", "nsenter", "ip" } do
    if temp.capture("command -v " .. tool) == "" then
      return tool .. " is not installed"
    end
  end
end

-- A Debian with the package, made once and kept in the build folder; made again when the package
-- is another one.
local function base_system()
  local build = engine.path:match("^(.*)/[^/]*$")
  local cache = build .. "/boot_proof"
  run("cd %s && cpack", build)
  local deb = temp.capture(("ls -t %s/mrlua_*.deb | head -n 1"):format(build))
  local sum = temp.capture("sha256sum < " .. deb)
  if not temp.exists(cache .. "/debian/etc/debian_version") then
    run("rm -rf %s/debian && mkdir -p %s && debootstrap --variant=minbase bookworm %s/debian",
      cache, cache, cache)
  end
  if not temp.exists(cache .. "/sum") or temp.read(cache .. "/sum") ~= sum then
    run("rm -rf %s/root %s/sum && cp -a %s/debian %s/root && cp %s %s/root/tmp/mrlua.deb", cache,
      cache, cache, cache, deb, cache)
    run("unshare --mount sh -c 'mount --bind /proc %s/root/proc && cp /etc/resolv.conf %s/root/etc/"
      .. " && DEBIAN_FRONTEND=noninteractive chroot %s/root sh -c \"apt-get -q update && apt-get -q"
      .. " install -y --no-install-recommends /tmp/mrlua.deb && rm /tmp/mrlua.deb\"'", cache, cache,
      cache)
    temp.write(cache .. "/sum", sum)
  end
  return cache .. "/root"
end

--- A cloud without machines: its network, its folder that all machines see as /srv.
function machines.open()
  local folder = temp.folder()
  local self = setmetatable({ folder = folder, base = base_system(), all = {}, started = {} },
    machines)
  run("chmod 755 %s && mkdir -m 1777 %s/shared", folder, folder)
  self.network = daemon.start("unshare --net tail -f /dev/null", folder .. "/network")
  self:inside("ip link add br0 type bridge && ip addr add 10.99.0.1/24 dev br0"
    .. " && ip link set br0 up && ip link set lo up")
  return self
end

--- The command line that runs a shell command in the cloud's network, as somebody outside of all
-- machines.
function machines:line(command)
  return ("nsenter --target %s --net sh -c %s"):format(self.network.pid, temp.quote(command))
end

--- Runs it to its end, and expects that it is well.
function machines:inside(command, ...)
  return run("%s", self:line(command:format(...)))
end

--- Starts it, and answers its process.
function machines:start(name, command)
  local process = daemon.start(self:line("exec " .. command), self.folder .. "/" .. name)
  self.started[#self.started + 1] = process
  return process
end

-- Its metadata server, as 169.254.169.254 would be: on an address that the machine reaches.
local function start_metadata(self, it)
  temp.write(it.folder .. "/machine.json", cjson.encode(it.identity))
  local process = self:start(it.name .. "-metadata", ("env MACHINE_HOST=10.99.0.1 python3 -B"
    .. " spec/gce/machine.py %s"):format(it.folder))
  it.google = temp.wait_until(START_SECONDS, function()
    return process:text("out"):match("listens on (%S+)\n")
  end)
  assert(it.google, process:text "err")
end

local function connect(self, it)
  self:inside("ip link add v%d type veth peer name eth0 netns %s && ip link set v%d master br0 up",
    it.number, it.pid, it.number)
  it:run("ip addr add %s/24 dev eth0 && ip link set eth0 up", it.address)
end

-- A disk that is empty at first: a loop device, under the name that Compute Engine gives it.
local function attach(it, name)
  run("truncate -s 200M %s/disk", it.folder)
  it.loop = run("losetup --find --show %s/disk", it.folder):match("%S+")
  it:run("mkdir -p %s/root/run/disks && ln -s %s %s/root/run/disks/%s", it.folder, it.loop,
    it.folder, name)
end

--- Makes a machine and runs the service that its image starts first.
-- @tparam table options  name, attributes, disk (its name), secrets
function machines:boot(options)
  local number = #self.all + 1
  local it = setmetatable({ cloud = self, name = options.name, number = number, units = {},
    folder = ("%s/%s"):format(self.folder, options.name), address = "10.99.0." .. 10 + number,
    identity = { name = options.name, zone = ZONE, project = PROJECT, token = "token-" .. number,
      attributes = options.attributes, secrets = options.secrets } }, machine)
  self.all[number] = it
  run("mkdir -p %s && chmod 755 %s", it.folder, it.folder)
  it.process = daemon.start(("unshare --mount --net --uts --pid --fork --kill-child"
    .. " sh spec/boot_proof/host.sh %s %s %s %s"):format(self.base, it.folder, it.name,
    self.folder .. "/shared"), it.folder .. "-host")
  it.pid = child_of(it.process.pid)
  assert(temp.wait_until(START_SECONDS, function()
    return temp.exists(it.folder .. "/ready")
  end), it.process:text "err")
  connect(self, it)
  start_metadata(self, it)
  if options.disk then
    attach(it, options.disk)
  end
  self:name_all()
  it:run_unit "mrlua-boot.service"
  return it
end

--- What the cloud's DNS does: NAME.ZONE.c.PROJECT.internal, on every machine.
function machines:name_all()
  local lines = { "127.0.0.1 localhost" }
  for _, it in ipairs(self.all) do
    lines[#lines + 1] = ("%s %s.%s.c.%s.internal"):format(it.address, it.name, ZONE, PROJECT)
  end
  for _, it in ipairs(self.all) do
    temp.write(it.folder .. "/hosts", table.concat(lines, "\n") .. "\n")
    it:run("cp %s/hosts %s/root/etc/hosts", it.folder, it.folder)
  end
end

--- Ends everything and gives the loop devices back.
function machines:close()
  for _, it in ipairs(self.all) do
    it.process:stop()
    os.execute("kill -KILL " .. it.pid .. " 2>/dev/null")
    if it.loop then
      temp.wait_until(20, function()
        return os.execute("losetup --detach " .. it.loop .. " 2>/dev/null")
      end)
    end
  end
  for _, process in ipairs(self.started) do
    process:stop()
  end
  self.network:stop()
  temp.remove(self.folder)
end

--- A shell command in the machine's namespaces; its root is FOLDER/root there.
function machine:run(command, ...)
  return run("nsenter --target %s --mount --net --uts --pid sh -c %s", self.pid,
    temp.quote(command:format(...)))
end

--- A shell command inside its root file system.
function machine:shell(command, ...)
  return self:run("chroot %s/root sh -c %s", self.folder, temp.quote(command:format(...)))
end

-- The command line of a service, which finds its Google where it is pretended.
local function unit_line(self, unit)
  return ("nsenter --target %s --mount --net --uts --pid python3 -B %s/run_unit.py %s/root %s"
    .. " GCE_METADATA_HOST=%s MRLUA_SECRETMANAGER=http://%s MRLUA_COMPUTE=http://%s"
    .. " MRLUA_MONITORING=http://%s MRLUA_DISKS=/run/disks"):format(self.pid, HERE, self.folder,
    unit, self.google, self.google, self.google, self.google)
end

--- Runs a service that ends (Type=oneshot); answers what it said.
function machine:run_unit(unit)
  return run("%s", unit_line(self, unit))
end

--- Starts a service, and restarts it as its unit says.
function machine:start(unit)
  local process = daemon.start(unit_line(self, unit), ("%s-%s"):format(self.folder, unit))
  self.units[unit] = process
  self.cloud.started[#self.cloud.started + 1] = process
  return process
end

--- Ends a service as systemd does; answers its exit code.
function machine:stop(unit, seconds)
  local process = self.units[unit]
  os.execute("kill -TERM " .. child_of(process.pid)) -- nsenter's child is the one that runs it
  return process:wait(seconds)
end

--- The number of the process of mrlua that runs as `command`, seen from outside.
function machine:main_pid(command)
  return temp.capture(("pgrep --ns %s --nslist pid --full '^/usr/bin/mrlua %s ' | head -n 1")
    :format(self.pid, command))
end

--- Tells the machine that it is about to be taken away; waits, as long as it has, until the
-- service has ended, and answers its exit code.
function machine:preempt(unit)
  temp.write(self.folder .. "/preempted", "")
  return self.units[unit]:wait(NOTICE_SECONDS)
end

return machines

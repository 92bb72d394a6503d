--- A process that goes on while a spec does other things: started, looked at, signalled, ended.
--
--     local process = daemon.start(command, folder .. "/worker-1")
--     process:signal "STOP"
--     process:wait(20)                 -- its exit code
--     process:stop()                   -- at the end of every spec, whatever it is doing
--
-- It is the first process of a session of its own, so that all it starts can be found. Its output
-- goes to the files NAME.out and NAME.err, its exit code to NAME.code.

local session = require "spec.support.session"
local temp = require "spec.support.temp"

local daemon = {}
daemon.__index = daemon

local KILLED = 20 -- seconds that a process may take to end once it must

--- Starts a shell command.
-- @tparam string command
-- @tparam string name             the beginning of the paths of its files
-- @tparam[opt] string folder      where it runs
-- @tparam[opt] string environment "A=1 B=2"
function daemon.start(command, name, folder, environment)
  local words = { name = temp.quote(name), folder = temp.quote(folder or "."),
    environment = environment or "", command = temp.quote("exec " .. command) }
  for _, suffix in ipairs { ".pid", ".code", ".out", ".err" } do
    os.remove(name .. suffix)
  end
  -- The shell that waits is outside of the session: what kills the one leaves the other.
  local script = temp.write(name .. ".sh", ([[
cd $folder
$environment setsid sh -c 'echo $$ >"$0.new"; mv "$0.new" "$0.pid"; eval "$1"' $name $command \
  </dev/null >$name.out 2>$name.err
echo $? >$name.new
mv $name.new $name.code
]]):gsub("%$(%a%w+)", words))
  os.execute(("sh %s >/dev/null 2>&1 &"):format(temp.quote(script)))
  assert(temp.wait_until(20, function()
    return temp.exists(name .. ".pid")
  end), name .. " does not start")
  return setmetatable({ name = name, pid = temp.read(name .. ".pid"):match("%d+") }, daemon)
end

--- What it has written: "out" or "err".
function daemon:text(kind)
  local path = self.name .. "." .. kind
  return temp.exists(path) and temp.read(path) or ""
end

--- Its exit code, 128 + n for signal n; nil while it runs.
function daemon:code()
  local path = self.name .. ".code"
  return temp.exists(path) and tonumber(temp.read(path)) or nil
end

--- Waits for its end.
-- @treturn integer  its exit code; raises at the deadline
function daemon:wait(seconds)
  return temp.wait_until(seconds, function()
    return self:code()
  end) or error(("%s does not end within %d s; it said\n%s"):format(self.name, seconds,
    self:text "err"), 2)
end

--- Sends a signal to it, not to what it has started.
function daemon:signal(name)
  os.execute(("kill -%s %s 2>/dev/null"):format(name, self.pid))
end

--- Kills it, alone, and waits until it and all that it had started are gone.
function daemon:kill()
  self:signal "KILL"
  self:wait(KILLED)
  self:expect_gone()
end

--- Raises if something of its session outlives it.
function daemon:expect_gone()
  if not session.ends_within(self.pid, KILLED) then
    error(("processes outlive %s: %s"):format(self.name, temp.capture("ps -o pid,stat,args -s "
      .. self.pid)), 2)
  end
end

--- Ends all of it in any state, and says nothing.
function daemon:stop()
  for _, pid in ipairs(session.processes(self.pid)) do
    os.execute(("kill -KILL %s 2>/dev/null"):format(pid))
  end
  session.ends_within(self.pid, KILLED)
  temp.wait_until(KILLED, function()
    return self:code() -- nobody writes to its folder any more
  end)
end

--- How many descriptors it has open.
function daemon:descriptor_count()
  return #temp.list(("/proc/%s/fd"):format(self.pid))
end

return daemon

--- Starts a command in a session of its own, so that everything it leaves behind can be found.

local temp = require "spec.support.temp"

local session = {}

--- Starts a shell command; its output goes nowhere. A shell waits for it, so that it does not
-- stay a zombie where the first process does not look after orphans.
-- @treturn string  the number of its session, and of the process itself
function session.start(command)
  local script = "setsid " .. command .. " >/dev/null 2>&1 & echo $!; exec >/dev/null; wait"
  return temp.capture("sh -c " .. temp.quote(script) .. " &")
end

--- The processes of a session that are alive (not zombies).
function session.processes(id)
  local alive = {}
  for line in temp.capture("cat /proc/[0-9]*/stat 2>/dev/null"):gmatch("[^\n]+") do
    local pid, state, of = line:match("^(%d+) %(.*%) (%a) %d+ %d+ (%d+)")
    if of == id and state ~= "Z" then
      alive[#alive + 1] = pid
    end
  end
  return alive
end

function session.signal(id, signal)
  os.execute(("kill -%s %s 2>/dev/null"):format(signal, id))
end

--- Waits until nothing of it is alive; answers whether that came true.
function session.ends_within(id, seconds)
  return temp.wait_until(seconds, function()
    return #session.processes(id) == 0
  end) ~= nil
end

return session

--- A TCP proxy before a port of this machine, which does harm when told to: proxy.py says which.
--
--     local bad_link = proxy.start(folder .. "/proxy", "127.0.0.1:7070")
--     bad_link.address                    what to connect to
--     bad_link:tell "cut"                 answers when it is done
--     bad_link:stop()

local daemon = require "spec.support.daemon"
local temp = require "spec.support.temp"

local proxy = {}
proxy.__index = proxy

--- Starts one; `name` begins the paths of its files. With `what` = "segments" `address` is that of
-- a master, and the harm is done between the workers that join it through here.
function proxy.start(name, address, what)
  assert(os.execute("mkfifo " .. temp.quote(name .. ".pipe")))
  local self = setmetatable({ name = name, told = 1 }, proxy)
  self.process = daemon.start(("python3 spec/support/proxy.py %s %s %s"):format(
    temp.quote(name .. ".pipe"), address, what or ""), name)
  local port = temp.wait_until(20, function()
    assert(not self.process:code(), self.process:text "err")
    return self.process:text("out"):match("^(%d+)\n")
  end)
  self.address = "127.0.0.1:" .. assert(port, "the proxy does not start")
  return self
end

--- Gives a command and waits until it is done.
function proxy:tell(command)
  self.told = self.told + 1
  temp.write(self.name .. ".pipe", command .. "\n")
  assert(temp.wait_until(20, function()
    return select(2, self.process:text("out"):gsub("\n", "")) >= self.told
  end), self.process:text "err")
end

function proxy:stop()
  self.process:stop()
end

return proxy

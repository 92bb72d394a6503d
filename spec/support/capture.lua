--- What goes over the link of a network (spec.support.network): capture.py says how it is put
-- together.
--
--     local wire = capture.start(folder .. "/wire", net)
--     local text = wire:finish()     all that TCP carried, both ways
--     wire:stop()                    after_each, whatever has happened

local daemon = require "spec.support.daemon"
local network = require "spec.support.network"
local temp = require "spec.support.temp"

local capture = {}
capture.__index = capture

--- Starts; answers when it listens. `name` begins the paths of its files.
function capture.start(name, net)
  local self = setmetatable({ path = name .. ".bytes" }, capture)
  self.process = daemon.start(("ip netns exec %s python3 spec/support/capture.py %s %s"):format(
    net.near.name, network.LINK, temp.quote(self.path)), name)
  assert(temp.wait_until(20, function()
    assert(not self.process:code(), self.process:text "err")
    return self.process:text("out"):find("ready", 1, true)
  end), "the capture does not start")
  return self
end

function capture:finish()
  self.process:signal "TERM"
  assert(self.process:wait(60) == 0, self.process:text "err")
  return temp.read(self.path)
end

function capture:stop()
  self.process:stop()
end

return capture

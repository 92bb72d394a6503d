--- Two network namespaces and the link between them, for specs that need hosts that are not
-- loopback. All that specs start is in the first one, unless the environment's NETNS names another.
--
--     local net = network.open(it_all.folder)     nil: needs root, namespaces, iproute2
--     net.near, net.far                           { name, ip }
--     it_all:start_worker { wrap = net:wrap(net.far), ... }
--     net:close()                                 after_each; a net that was not opened too

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local network = {}
network.__index = network

--- The link's name in both namespaces.
network.LINK = "v0"

local function ip(format, ...)
  return os.execute("ip " .. format:format(...) .. " 2>/dev/null")
end

local function make(near, far)
  return temp.capture "id -u" == "0" and ip("netns add %s", near.name)
    and ip("netns add %s", far.name)
    and ip("link add v0 netns %s type veth peer name v0 netns %s", near.name, far.name)
    and ip("-n %s addr add %s/30 dev v0", near.name, near.ip)
    and ip("-n %s addr add %s/30 dev v0", far.name, far.ip)
    and ip("-n %s link set lo up", near.name) and ip("-n %s link set lo up", far.name)
    and ip("-n %s link set v0 up", near.name) and ip("-n %s link set v0 up", far.name)
end

--- Makes them, and lets the engine run inside.
-- @tparam string folder  for the script that does so
function network.open(folder)
  local id = temp.capture "echo $$"
  local self = setmetatable({
    near = { name = "mrlua-m" .. id, ip = "10.213.7.1" },
    far = { name = "mrlua-w" .. id, ip = "10.213.7.2" },
    engine_path = engine.path,
  }, network)
  if not make(self.near, self.far) then
    self:close()
    return nil
  end
  engine.path = temp.write(folder .. "/in-netns", ('#!/bin/sh\nexec ip netns exec'
    .. ' ${NETNS:-%s} %s "$@"\n'):format(self.near.name, temp.quote(self.engine_path)))
  assert(os.execute("chmod +x " .. engine.path))
  return self
end

--- A wrapper of command lines (spec.support.cluster) that puts the engine into a namespace.
function network.wrap(_, place)
  return "env NETNS=" .. place.name .. " %s"
end

--- The same link, that swallows everything, or no longer does.
function network:black_hole(is_there)
  for _, place in ipairs { self.near, self.far } do
    assert(os.execute(("ip netns exec %s tc qdisc %s dev v0 root %s"):format(place.name,
      is_there and "add" or "del", is_there and "blackhole" or "")))
  end
end

function network:close()
  engine.path = self.engine_path
  ip("netns del %s", self.near.name)
  ip("netns del %s", self.far.name)
end

return network

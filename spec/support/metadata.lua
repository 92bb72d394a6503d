--- The metadata server of a machine that may be taken away (metadata.py).
--
--     local metadata = metadata.start(it_all)       in the folder of a cluster
--     metadata.environment                          of a worker on that machine
--     metadata:wait_until_asked()                   a worker waits for the notice
--     metadata:give_notice()
--     metadata:stop()

local daemon = require "spec.support.daemon"
local temp = require "spec.support.temp"

local metadata = {}
metadata.__index = metadata

--- Starts one, for one machine.
function metadata.start(it_all)
  local self = setmetatable({ it_all = it_all, folder = it_all.folder .. "/metadata" }, metadata)
  local folder = temp.quote(self.folder)
  assert(os.execute("mkdir -p " .. folder))
  self.server = daemon.start("python3 spec/support/metadata.py " .. folder, self.folder
    .. "/server")
  self.environment = "GCE_METADATA_HOST=127.0.0.1:"
    .. it_all:wait("the metadata server listens", 20, function()
      return self.server:text("out"):match("^(%d+)\n")
    end)
  return self
end

--- Waits until somebody waits for a change of what it tells.
function metadata:wait_until_asked()
  local path = self.folder .. "/asked"
  self.it_all:wait("the metadata server is asked", 20, function()
    return temp.exists(path) and temp.read(path):find "preempted HTTP"
  end)
end

--- The machine will be taken away within seconds.
function metadata:give_notice()
  temp.write(self.folder .. "/preempted", "")
end

function metadata:stop()
  self.server:stop()
end

return metadata

--- A pretended cloud whose machines do something: when gcloud makes a master or a group, real
-- masters and workers of mrlua start (machines_hook), and its bucket is spec/gcs. All of it is in a
-- network namespace of its own.
--
--     local project = fleet.open()              a project of kit.lua, and its bucket data-1
--     project:inside("build/mrlua cluster ...")     { code, stdout, stderr }
--     fleet.close(project)

local daemon = require "spec.support.daemon"
local engine = require "spec.support.engine"
local kit = require "spec.gce.kit"
local temp = require "spec.support.temp"

local fleet = {}

local STORAGE_PORT <const> = 9199 -- in its own network: nobody else's

-- Runs a shell command in that cloud, as the first process of a session: what kills the session
-- kills all that a user's terminal would have, and none of the machines.
local function inside(project, command, seconds)
  return engine.run_command(("%s setsid --wait sh -c %s"):format(project.line,
    temp.quote(command)), { seconds = seconds or 120 })
end

-- An ssh that reaches the master: it is asked for a key, and to close the tunnel. What forwards
-- the port is gcloud's ssh, and has nothing to do here.
local function write_ssh(project)
  os.execute(("cp spec/gce/machines_hook %s/hook && mkdir %s/bin"):format(project.folder,
    project.folder))
  project:write("bin/ssh", ("#!/bin/sh\ncase \"$*\" in *' -O exit '*) exit ;; esac\n"
    .. "exec %s key --role submit --key-file $GCLOUD_STUB/machines/key\n"):format(engine.path))
  os.execute(("chmod +x %s/bin/ssh"):format(project.folder))
end

local function start_storage(project)
  os.execute("mkdir " .. project.folder .. "/objects")
  project.storage = daemon.start(("%s python3 -B spec/gcs/server.py --dir %s/objects --port %d"
    .. " --bucket data-1 --ready-file %s/ready"):format(project.line, project.folder,
    STORAGE_PORT, project.folder), project.folder .. "/storage")
  assert(temp.wait_until(20, function()
    return temp.exists(project.folder .. "/ready")
  end), project.storage:text "err")
end

function fleet.open()
  local project = kit.open()
  project.inside = inside
  project.network = daemon.start("unshare --net tail -f /dev/null", project.folder .. "/network")
  project.line = ("nsenter --target %s --net env TMPDIR=%s MRLUA=%s STORAGE_EMULATOR_HOST="
    .. "http://127.0.0.1:%d GCLOUD_STUB_STORAGE=%s/spec/gce/storage_hook %s"):format(
    project.network.pid, project.folder, engine.path, STORAGE_PORT, kit.root,
    project:environment():gsub("PATH=", "PATH=" .. project.folder .. "/bin:", 1))
  write_ssh(project)
  project:inside "ip link set lo up"
  start_storage(project)
  return project
end

--- Ends all of it, whatever runs.
function fleet.close(project)
  for _, name in ipairs(temp.list(project.folder .. "/machines")) do
    local path = ("%s/machines/%s"):format(project.folder, name)
    if name:find("%.pid$") then
      os.execute(("kill -KILL %s 2>/dev/null"):format(temp.read(path):match("%d+")))
    end
  end
  project.storage:stop()
  project.network:stop()
  project:close()
end

return fleet

--- `mrlua cluster ...`: a cluster on Google Compute Engine. What there is to do is in scripts
-- (gce/*.sh) that call gcloud; here they are found, and run with the arguments as they are.
--
-- They lie beside the executable: in the tree it was built in, or where the package puts them.
--
-- Exit codes: those of the script; 2 for a command that is not there.

local commands = require "mrlua.cli.commands"
local engine = require "mrlua.engine"
local usage = require "mrlua.cli.usage"

local cluster = {}

cluster.examples = {
  { "mrlua cluster image --bucket my-bucket", "once: the image of all machines" },
  { "mrlua cluster run jobs/wordcount.lua README.md -o gs://my-bucket/words",
    "brings machines up for one job, and takes them away" },
  { "mrlua cluster down --dry-run", "what would be deleted" },
}

cluster.description = "A cluster on Google Compute Engine."
cluster.parsers = { run = "mrlua.cli.cluster_run" } -- of what is no script

cluster.commands = {
  { "image", "build the image of all machines" },
  { "up", "bring a cluster up" },
  { "status", "tell what runs, and what it costs" },
  { "run", "run a job on a cluster that is there only for it" },
  { "resize", "give the group of workers another size" },
  { "ssh", "open a shell on the master" },
  { "logs", "print the log of a machine" },
  { "tunnel", "open a way for 'mrlua submit' to the master" },
  { "down", "delete a cluster, and list what is left" },
}

-- From the folder of the executable.
local PLACES = { "../gce", "../share/mrlua/gce" }

local function exists(path)
  local file <close> = io.open(path, "rb")
  return file ~= nil
end

--- Where the scripts are.
-- @tparam string executable  its path
-- @treturn string            or nil and one line
function cluster.folder(executable)
  local beside = executable:match("^(.*)/[^/]*$")
  for _, place in ipairs(PLACES) do
    local path = ("%s/%s"):format(beside, place)
    if exists(path .. "/lib.sh") then
      return path
    end
  end
  return nil, ("the scripts of 'mrlua cluster' are not beside %s: neither %s nor %s is there")
    :format(executable, PLACES[1], PLACES[2])
end

local function help_text()
  return "Usage: mrlua cluster COMMAND ...\n\n" .. cluster.description .. " Commands:\n"
    .. commands.lines(cluster.commands) .. "\n"
    .. "'mrlua cluster COMMAND --help' tells its flags; with --dry-run each prints what it would"
    .. " do." .. usage.examples_text(cluster.examples) .. "\n"
end

local function run_script(name, argv)
  local folder, message = cluster.folder(assert(engine.environment()).executable)
  if not folder then
    return usage.complain("cluster", message)
  end
  local answer, why = engine.program_run {
    argv = { ("%s/%s.sh"):format(folder, name), table.unpack(argv) },
  }
  if not answer then
    io.stderr:write("mrlua: ", why, "\n")
    return usage.EXIT_CODE
  end
  return answer.code
end

function cluster.main(argv)
  local name = table.remove(argv, 1)
  if name == "--help" or name == "-h" then
    io.stdout:write(help_text())
    return 0
  elseif not name then
    io.stderr:write(help_text())
    return usage.EXIT_CODE
  end
  local found, hint = commands.find(cluster.commands, name)
  if not found then
    return usage.complain("cluster", ("unknown command '%s'%s"):format(name, hint))
  elseif cluster.parsers[name] then
    return require(cluster.parsers[name]).main(argv)
  end
  return run_script(name, argv)
end

return cluster

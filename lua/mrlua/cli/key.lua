--- `mrlua key --role read`: the key of a role, made from the cluster's secret, for people who are
-- not to hold the secret itself. It goes into a file of theirs, which --key-file names.

local cluster_options = require "mrlua.cli.cluster_options"
local engine = require "mrlua.engine"
local usage = require "mrlua.cli.usage"

local function new_parser()
  local parser = usage.parser("key", "Prints the key of a role.")
  parser:usage("Usage: mrlua key --role read|submit|worker [--key-file FILE] [--json]")
  parser:option("--role", "read: look at jobs, their code and params; submit: that, run"
    .. " jobs, and see the records on which they failed; worker: be a worker.")
    :argname("ROLE"):choices { "read", "submit", "worker" }:count(1)
  cluster_options.add_key_file(parser)
  parser:flag("--json", "One line of JSON.")
  parser:flag("-h --help", "This text.")
  parser:epilog("The key is a secret: make the file with umask 077.")
  return usage.examples(parser, {
    { "mrlua key --role read > read.key", "for who may look: mrlua jobs --key-file read.key" },
    { "mrlua key --role submit --key-file cluster.key > submit.key", "for who may run jobs" },
  })
end

local function act(flags)
  local answer, why = engine.role_key { role = flags.role, key_file = flags.key_file }
  if not answer then
    io.stderr:write("mrlua: ", why, "\n")
    if flags.json then
      io.stdout:write(require("mrlua.json").encode { ok = false,
        error = { kind = "setup", message = why } }, "\n")
    end
    return usage.EXIT_CODE
  elseif flags.json then
    io.stdout:write(require("mrlua.json").encode { role = flags.role,
      key = answer.key:match "^%s*(.-)%s*$" }, "\n")
    return 0
  end
  io.stdout:write(answer.key)
  return 0
end

return usage.command("key", new_parser, act)

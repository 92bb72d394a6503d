--- `mrlua completion bash|zsh`: prints the shell's completion of all commands, as their own parsers
-- have them (mrlua.cli.describe).

local cluster = require "mrlua.cli.cluster"
local describe = require "mrlua.cli.describe"
local engine = require "mrlua.engine"
local usage = require "mrlua.cli.usage"

local function new_parser()
  local parser = usage.parser("completion", "Prints what a shell needs to complete command lines of"
    .. " mrlua. The package installs it for both.")
  parser:usage("Usage: mrlua completion bash|zsh")
  parser:argument("SHELL", "The shell."):target("shell"):choices { "bash", "zsh" }
  parser:flag("-h --help", "This text.")
  return usage.examples(parser, {
    { "mrlua completion bash > ~/.local/share/bash-completion/completions/mrlua",
      "for the bash of one user, where bash-completion is installed; or read it in ~/.bashrc" },
    { "mrlua completion zsh > ~/.zfunc/_mrlua", "for a folder that is in fpath before compinit" },
  })
end

return usage.command("completion", new_parser, function(flags)
  local folder = cluster.folder(assert(engine.environment()).executable)
  local shell = require("mrlua.cli.completion_" .. flags.shell)
  io.stdout:write(shell.text(describe.all(folder)))
  return 0
end)

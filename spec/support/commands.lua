--- All commands of mrlua, as their modules describe them, without the engine that they are for.

local shell = require "spec.support.shell"

package.loaded["mrlua.engine"] = package.loaded["mrlua.engine"] or {}

local all = require("mrlua.cli.commands").all

local commands = {}

--- Iterates: a name as it is typed ("cluster run"), and its module. Scripts have none.
function commands.each()
  return coroutine.wrap(function()
    for _, command in ipairs(all) do
      coroutine.yield(command[1], require("mrlua.cli." .. command[1]))
    end
    coroutine.yield("cluster run", require "mrlua.cli.cluster_run")
  end)
end

--- Expects a line of shell to have a right command line of mrlua, first or behind a pipe.
-- @tparam string line
-- @tparam[opt] string expected  the command that it is about
function commands.check_line(line, expected)
  local words = shell.words(line:match "^mrlua .*" or line:match "|%s*(mrlua .*)" or line)
  assert(table.remove(words, 1) == "mrlua", line)
  local name = table.remove(words, 1)
  local module = require("mrlua.cli." .. name)
  if module.commands then
    local sub = table.remove(words, 1)
    assert(require("mrlua.cli.commands").find(module.commands, sub), line)
    module = sub == "run" and require "mrlua.cli.cluster_run" or {}
    name = expected ~= name and name .. " " .. sub or name
  end
  assert(not expected or name == expected, line)
  if module.parse then
    local flags, message = module.parse(words)
    assert(flags, ("%s: %s"):format(line, message))
  end
end

return commands

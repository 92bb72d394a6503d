--- `mrlua repl`: a Lua prompt (mrlua.repl.prompt).

local prompt = require "mrlua.repl.prompt"
local usage = require "mrlua.cli.usage"

local BANNER = "%s. Ctrl-D ends it.\n"

local function new_parser()
  local parser = usage.parser("repl", "A Lua prompt.")
  parser:usage("Usage: mrlua repl")
  parser:flag("-h --help", "This text.")
  return usage.examples(parser, {
    { "mrlua repl", "expressions are shown, statements run; Tab completes names" },
    { "mrlua repl <script.lua", "on a pipe: without prompts; exit code 1 if a line was wrong" },
  })
end

return usage.command("repl", new_parser, function()
  local code, fault = prompt.run {
    env = setmetatable({}, { __index = _G }), banner = BANNER:format(_VERSION),
  }
  if not code then
    io.stderr:write("mrlua: ", fault, "\n")
    return 1
  end
  return code
end)

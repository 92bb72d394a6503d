--- Completion in a real zsh, at its prompt, of half a line.

local completion_folder = require "spec.support.completion_folder"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local ZSH <const> = [[
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PATH=$PWD/bin:$PATH; PS1=; fpath=($PWD $fpath)"
zpty -w shell "autoload -U compinit; compinit -u -D"
zpty -w shell "mrlua() { print -r -- \"<\$*>\" }; print ready"
zpty -r shell text '*ready*ready*'
zpty -w -n shell $'%s\t\n'
zpty -r shell text '*<*>*'
print -r -- "$text"
zpty -d shell
]]

describe("mrlua/cli/completion_zsh", function()
  local folder
  setup(function() folder = completion_folder.new() end)
  teardown(function() temp.remove(folder) end)

  local has_zsh = os.execute "command -v zsh >/dev/null"

  local function completed(line)
    local script = temp.write(folder .. "/script", ZSH:format(line))
    local result = engine.run_command("zsh -f " .. script, { folder = folder, seconds = 60 })
    return result.stdout:match "<([^<>]*)>[^<>]*$" or result.stdout .. result.stderr
  end

  for line, expected in pairs {
    ["mrlua insp"] = "inspect", ["mrlua cluster tunn"] = "cluster tunnel",
    ["mrlua run words.lua --over"] = "run words.lua --overwrite",
    ["mrlua run wo"] = "run words.lua", ["mrlua run words.lua te"] = "run words.lua text file.txt",
    ["mrlua run -o o"] = "run -o out", ["mrlua master --log j"] = "master --log json",
    ["mrlua run --file list=wo"] = "run --file list=words.lua",
    ["mrlua status 1"] = "status 17", ["mrlua completion z"] = "completion zsh",
    ["mrlua diff 17 l"] = "diff 17 last",
    ["mrlua cluster run --max-u"] = "cluster run --max-usd",
  } do
    it("completes '" .. line .. "'", function()
      if not has_zsh then
        pending "zsh is not installed"
      end
      assert.equal(expected, (completed(line):gsub(" $", "")))
    end)
  end
end)

--- The man page, as tools for man pages read it.

local engine = require "spec.support.engine"
local kit = require "spec.support.commands"
local temp = require "spec.support.temp"

local function is_installed(tool)
  return (os.execute(("command -v %s >/dev/null"):format(tool)))
end

describe("the man page", function()
  local folder, path, page
  setup(function()
    folder = temp.folder()
    page = engine.output({ "help", "--man" }, { environment = "SOURCE_DATE_EPOCH=0" })
    path = temp.write(folder .. "/mrlua.1", page)
  end)
  teardown(function()
    temp.remove(folder)
  end)

  it("tells every command, every flag and every example", function()
    local plain = page:gsub("\\%-", "-"):gsub("\\%(aq", "'")
    for name, module in kit.each() do
      local parser = module.parser and module.parser()
      assert.is_truthy(plain:find("\n.Ss mrlua " .. name .. "\n", 1, true), name)
      for _, option in ipairs(parser and parser._options or {}) do
        local flag = option._aliases[#option._aliases]
        local is_there = flag == "--help" or plain:find("Fl " .. flag:sub(2), 1, true)
        assert.is_truthy(is_there, name .. " " .. flag)
      end
      for _, example in ipairs(parser and parser.examples or module.examples) do
        local line = example[1]:gsub("[~^]", { ["~"] = "\\(ti", ["^"] = "\\(ha" })
        assert.is_truthy(plain:find(line, 1, true), example[1])
      end
    end
  end)

  it("has the date that it is told, or today's", function()
    assert.matches("^.Dd January 1, 1970\n", page)
    assert.matches("^.Dd %u%l+ %d+, 2%d%d%d\n", engine.output { "help", "--man" })
  end)

  it("has no warnings of mandoc", function()
    if not is_installed "mandoc" then
      pending "mandoc is not installed"
    end
    assert.equal("", temp.capture("mandoc -Tlint -W warning " .. path .. " 2>&1"))
  end)

  it("has no warnings of man, and reads well", function()
    if not is_installed "man" or not is_installed "groff" then
      pending "man is not installed"
    end
    local result = engine.run_command("LC_ALL=C.UTF-8 MANWIDTH=90 man --warnings -l " .. path)

    assert.same({ 0, "" }, { result.code, result.stderr })
    local text = result.stdout:gsub(".\b", "")
    assert.matches("\n     mrlua — MapReduce for jobs written in Lua\n", text, 1, true)
    assert.matches("\n     -o, --output DIR\n             Write part files", text, 1, true)
    assert.matches("\n           mrlua run jobs/grep.lua --param pattern=main 'src/**/*.c' | head\n"
      , text, 1, true)
    for line in text:gmatch "[^\n]+" do
      assert.is_true(utf8.len(line) <= 100, line)
    end
  end)
end)

-- On a terminal: what is typed there, and what is to be seen. On a pipe: spec/cli/repl_spec.lua.
local temp = require "spec.support.temp"
local terminal = require "spec.support.terminal"

local folder
temp.each(function(path)
  folder = path
end)

local PROMPT <const> = { await = "Ctrl-D ends it.\n>" }
local END <const> = { { type = "\4" }, { await_end = true } }

-- Types at a prompt that waits, until Ctrl-D.
local function run(steps, options)
  local all = { PROMPT, table.unpack(steps) }
  table.move(END, 1, #END, #all + 1, all)
  options = options or {}
  options.folder, options.environment = folder, "XDG_STATE_HOME=" .. folder
    .. " HOME=" .. folder .. " " .. (options.environment or "")
  return terminal.run({ "repl", "--local" }, all, options)
end

-- The last lines of a screen, from the one that begins with `first` on.
local function from(screen, first)
  local at = assert(screen:find(first, 1, true), screen)
  return screen:sub(at)
end

describe("the prompt on a terminal", function()
  it("shows what expressions are, runs statements, and keeps the last value", function()
    local seen = run { { type = "1 + 1\r" }, { await = "\n2\n>" }, { type = "x = _ * 21\r" },
      { await = "21\n>" }, { type = "x\r" }, { await = "\n42\n>" }, { screen = true } }
    assert.equal("> 1 + 1\n2\n> x = _ * 21\n> x\n42\n>", from(seen.screens[1], "> 1"))
    assert.equal(0, seen.code)
  end)

  it("goes on in the next line until a statement is complete", function()
    local seen = run { { type = "for i = 1, 2 do\r" }, { await = "\n>>" },
      { type = "print(i * 111)\r" }, { await = ")\n>>" }, { type = "end\r" }, { await = "222\n>" },
      { screen = true } }
    assert.equal("> for i = 1, 2 do\n>> print(i * 111)\n>> end\n111\n222\n>",
      from(seen.screens[1], "> for"))
  end)

  it("tells errors, and goes on; the exit code is 0", function()
    local seen = run { { type = "nothing.x\r" }, { await = "a nil value (global 'nothing')\n>" },
      { type = "a b\r" }, { await = "syntax error near 'b'\n>" } }
    assert.equal(0, seen.code)
  end)

  it("completes globals, fields and paths with Tab, and lists what there is", function()
    temp.write(folder .. "/only_this.txt", "")
    local seen = run { { type = "str\t" }, { await = "> string" }, { type = ".re\t" },
      { await = "rep      reverse\n> string.re" }, { type = "p('x', 3)\r" }, { await = '"xxx"\n>' },
      { type = "y = 'onl\t" }, { await = "> y = 'only_this.txt" }, { type = "'\r" },
      { await = "txt'\n>" }, { screen = true } }
    assert.equal("rep      reverse\n> string.rep('x', 3)\n\"xxx\"\n> y = 'only_this.txt'\n>",
      from(seen.screens[1], "rep "))
  end)

  it("clears the line on Ctrl-C, and what began lines above", function()
    local seen = run { { type = "x = {\r" }, { await = "\n>>" }, { type = "1, 2" },
      { await = ">> 1, 2" }, { type = "\3" }, { await = "1, 2^C\n>" }, { type = "3\r" },
      { await = "\n3\n>" }, { screen = true } }
    assert.equal("> x = {\n>> 1, 2^C\n> 3\n3\n>", from(seen.screens[1], "> x"))
  end)

  it("interrupts what runs on Ctrl-C", function()
    local seen = run { { type = "print 'begun' while true do end\r" }, { await = "\nbegun" },
      { type = "\3" }, { await = "interrupted!\n>" }, { type = "1\r" }, { await = "\n1\n>" } }
    assert.equal(0, seen.code)
  end)

  it("brings lines back, those of the last time too", function()
    local second = { { type = "\27[A" }, { await = "> second = 2" }, { type = "\27[A" },
      { await = "> first = 1" }, { type = "0\r" }, { await = "first = 10\n>" },
      { type = "first\r" }, { await = "\n10\n>" } }
    run { { type = "first = 1\r" }, { await = "= 1\n>" }, { type = "second = 2\r" },
      { await = "= 2\n>" } }
    run(second)
    assert.equal("first = 1\nsecond = 2\nfirst = 10\nfirst\n",
      temp.read(folder .. "/mrlua/history"))
    assert.equal("600", temp.capture("stat -c %a " .. folder .. "/mrlua/history"))
  end)

  it("says once that there can be no history, and works", function()
    temp.write(folder .. "/mrlua", "no folder")
    local seen = run { { type = "1\r" }, { await = "\n1\n>" }, { type = "2\r" },
      { await = "\n2\n>" }, { screen = true } }
    local _, count = seen.screens[1]:gsub("no history", "")
    assert.equal(1, count)
  end)

  it("draws a line of several rows again when the terminal has another size", function()
    local long = ("x"):rep(50)
    local seen = run({ { type = "'" .. long }, { await = ("x"):rep(22) .. "\n" },
      { resize = { 60, 24 } }, { await = "> '" .. long }, { type = "'\r" },
      { await = '"' .. long .. '"\n>' }, { screen = true } }, { columns = 40 })
    assert.is_truthy(seen.screens[1]:find("> '" .. long .. "'\n\"" .. long .. '"\n', 1, true))
  end)

  it("stops on Ctrl-Z, and draws the line again when it goes on", function()
    local seen = run({ { type = "1 + " }, { await = "> 1 +" }, { type = "\26" },
      { await = "1 +\nthe shell" }, { await = "\n> 1 +" }, { type = "1\r" }, { await = "\n2\n>" } },
      { shell = 'set -m; "$@"; echo the shell; fg >fg' })
    assert.equal(0, seen.code)
  end)

  it("ends with the terminal as it was when it is told to", function()
    local steps = { PROMPT, { type = "half" }, { await = "> half" },
      { shell = ("kill -TERM $(cat %s/pid)"):format(folder) }, { await = "\ncode 143" },
      { await_end = true } }
    local seen = terminal.run({ "repl", "--local" }, steps, { folder = folder,
      environment = "XDG_STATE_HOME=" .. folder,
      shell = [[stty -g >before; sh -c 'echo $$ >pid; exec "$@"' sh "$@"; echo code $?
        stty -g >after; cmp before after]] })
    assert.equal(0, seen.code)
  end)

  it("does without a terminal that can do nothing", function()
    local seen = run({ { type = "1 + 1\n" }, { await = "\n2" } }, { environment = "TERM=dumb" })
    assert.equal(0, seen.code)
  end)
end)

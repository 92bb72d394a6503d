--- What README.md shows of a job of one's own and of the prompt is what one sees.

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

-- The blocks of code of a section, each a text.
local function blocks(section)
  local text = temp.read("README.md"):match("\n## " .. section .. "\n(.-)\n## ")
  local found = {}
  for block in text:gmatch("\n```%a*\n(.-\n)```\n") do
    found[#found + 1] = block
  end
  return found
end

describe("README.md", function()
  local folder

  before_each(function()
    folder = temp.folder()
  end)

  after_each(function()
    temp.remove(folder)
  end)

  -- Several commands, of one user.
  local function mrlua(argv, options)
    options = options or {}
    options.folder, options.environment = folder, "XDG_STATE_HOME=" .. folder .. "/state"
    return engine.run(argv, options)
  end

  it("leads from new to run, and from an error to a prompt in the record that failed", function()
    if engine.has_option "TINY" then
      pending "a tiny build makes many maps of this input, and another one may fail first"
    end
    local commands, message = table.unpack(blocks "A job of your own")
    for words in commands:gmatch("build/mrlua ([^#\n]+)") do
      local argv = {}
      for word in words:gmatch("%S+") do
        argv[#argv + 1] = word
      end
      local result = mrlua(argv)
      assert.equal(0, result.code, result.stderr)
    end
    temp.write(folder .. "/visits.lua",
      (temp.read(folder .. "/visits.lua"):gsub("emit%(word, 1%)", "emit(word:uper(), 1)")))
    local said = mrlua({ "run", "visits.lua", "/usr/share/common-licenses/GPL-3" }).stderr

    for line in message:gmatch("[^\n]+") do
      assert.matches(line, said, 1, true)
    end
    local replayed = mrlua({ "replay", "r2/m0", "--debug" }, { input = "word\n" })
    assert.matches("\n\"gnu\"\n", replayed.stdout)
  end)

  it("shows a job that is typed at the prompt", function()
    local typed, shown = {}, {}
    for line in blocks("At the prompt")[1]:gmatch("[^\n]+") do
      local input = line:match("^>>? (.*)")
      local to = input and typed or shown
      to[#to + 1] = input or line
    end
    local result = mrlua({ "repl" }, { input = table.concat(typed, "\n") .. "\n" })

    assert.equal(table.concat(shown, "\n") .. "\n", result.stdout)
  end)
end)

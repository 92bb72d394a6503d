local engine = require "spec.support.engine"
local kit = require "spec.support.commands"
local temp = require "spec.support.temp"

describe("mrlua help", function()
  it("tells of each command by its purpose, below headings", function()
    local text = engine.output { "help" }

    assert.matches("\nJobs on this machine:\n", text, 1, true)
    assert.matches("\n  inspect  +print a run file ", text)
  end)

  it("tells the help of a command, of one below 'cluster' too", function()
    for _, words in ipairs { { "run" }, { "jobs" }, { "help" }, { "cluster" },
      { "cluster", "run" } } do
      local by_help = engine.output { "help", table.unpack(words) }
      table.insert(words, "--help")

      assert.equal(engine.output(words), by_help)
      assert.matches("\nExamples:\n  mrlua " .. words[1], by_help)
    end
  end)

  it("says that a command is not there", function()
    local result = engine.run { "help", "rnu" }

    assert.equal(2, result.code)
    assert.equal("mrlua: unknown command 'rnu'; did you mean 'run'?\ntry 'mrlua --help'\n",
      result.stderr)
  end)

  it("is a way to a first job, in commands that are right", function()
    local count = 0
    for line in engine.output({ "help" }):gmatch "\n  (mrlua [^\n]*)" do
      kit.check_line(line)
      count = count + 1
    end
    assert.equal(9, count)
  end)

  it("leads to a job and its output on this machine", function()
    local folder <const> = temp.folder()
    finally(function() temp.remove(folder) end)
    local way = engine.output({ "help" }):match "The way to a first job:\n(.-)\n\n"
    local last
    for line in way:gmatch "  mrlua ([^\n]*)" do
      last = engine.run_command(temp.quote(engine.path) .. " " .. line, { folder = folder })
      assert.equal(0, last.code, line .. "\n" .. last.stderr)
    end
    assert.matches("^# output of job words ", last.stdout)
    assert.is_true(temp.exists(folder .. "/out/_SUCCESS"))
  end)
end)

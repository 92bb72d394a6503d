local engine = require "spec.support.engine"

describe("mrlua help", function()
  it("tells of each command by its purpose, below headings", function()
    local text = engine.output { "help" }

    assert.matches("\nJobs on this machine:\n", text, 1, true)
    assert.matches("\n  inspect  +print a run file or a capsule, or check an output folder\n", text)
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
end)

local engine = require "spec.support.engine"

describe("mrlua", function()
  it("tells its commands, on standard output when it is asked", function()
    for _, argv in ipairs { { "help" }, { "--help" }, { "-h" } } do
      local result = engine.run(argv)

      assert.equal(0, result.code)
      assert.equal("", result.stderr)
      assert.matches("\n  run  +run a whole job", result.stdout)
      assert.matches("\n  inspect ", result.stdout)
    end
  end)

  it("tells them as an error when it is given nothing", function()
    local result = engine.run {}

    assert.equal(2, result.code)
    assert.equal("", result.stdout)
    assert.matches("^Usage: mrlua COMMAND", result.stderr)
  end)

  it("tells the flags of a command in two ways", function()
    local by_flag, by_help = engine.run { "run", "--help" }, engine.run { "help", "run" }

    assert.equal(0, by_flag.code)
    assert.equal(by_flag.stdout, by_help.stdout)
    for _, flag in ipairs { "--output", "--overwrite", "--slots", "--reducers", "--param",
      "--input", "--split-size", "--sort-buffer", "--tmp", "--json", "--quiet", "--allow-unsafe",
      "--limit-memory", "--limit-seconds", "--limit-seconds-per-record", "--attempts" } do
      assert.matches(flag .. " ", by_flag.stdout, 1, true)
    end
  end)

  it("names the command that was probably meant", function()
    local result = engine.run { "rnu", "jobs/wordcount.lua" }

    assert.equal(2, result.code)
    assert.equal("mrlua: unknown command 'rnu'; did you mean 'run'?\ntry 'mrlua --help'\n",
      result.stderr)
  end)

  it("names the option that was probably meant", function()
    for _, case in ipairs { { "--verison", "--version" }, { "--hlep", "--help" } } do
      assert.equal(("mrlua: unknown option '%s'; did you mean '%s'?\ntry 'mrlua --help'\n")
        :format(case[1], case[2]), engine.run({ case[1] }).stderr)
    end
  end)

  it("says what is wrong with a command line, in one line and a hint", function()
    for _, case in ipairs {
      { { "run" }, "missing argument 'JOB.lua'" },
      { { "run", "x.lua", "y", "--reducer", "2" },
        "unknown option '--reducer'; did you mean '--reducers'?" },
      { { "run", "x.lua", "y", "--slots", "many" },
        "option '--slots': 'many' is not a whole number from 1 to 1024" },
    } do
      local result = engine.run(case[1])

      assert.equal(2, result.code)
      assert.equal(("mrlua: %s\ntry 'mrlua run --help'\n"):format(case[2]), result.stderr)
      assert.equal("", result.stdout)
    end
  end)

  it("tells its version, the Lua it runs and how it was built", function()
    local result = engine.run { "--version" }

    assert.equal(0, result.code)
    assert.matches("^mrlua %d+%.%d+%.%d+\nLua 5%.4%.%d+", result.stdout)
    assert.matches("\nbuilt with", result.stdout)
  end)

  it("does not write what is meant for a closed descriptor into a file", function()
    local path = engine.command { "help" }

    assert.is_falsy(os.execute(path .. " >&- 2>/dev/null"))
  end)
end)

local told

package.loaded["mrlua.engine"] = {
  environment = function()
    return { stderr_is_terminal = told.is_terminal, cpu_count = 1 }
  end,
}
local watch = require "mrlua.cli.watch"

describe("mrlua/cli/watch", function()
  before_each(function()
    told = { is_terminal = false }
  end)

  it("steps until a state is finished", function()
    local steps = 0
    watch.until_finished(function(args)
      assert.is_true(args.milliseconds > 0)
      steps = steps + 1
      return { finished = steps == 3, stages = {}, log = {}, notices = {}, columns = 80 }
    end, { quiet = true }, { draws = false })

    assert.equal(3, steps)
  end)

  it("raises what a step fails with", function()
    assert.error_matches(function()
      watch.until_finished(function()
        return nil, "it broke"
      end, { quiet = true }, { draws = false })
    end, "it broke")
  end)

  it("draws on no file", function()
    assert.is_falsy(watch.environment().draws)
  end)
end)

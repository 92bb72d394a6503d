local outcome = require "mrlua.cli.outcome"

local DONE <const> = {
  seconds = 1.5, job = "x", output = "out", input_bytes = 10, records = 2, bytes = 20, plan = {},
  parts = {}, counters = {},
}

describe("mrlua/cli/outcome", function()
  it("has the exit codes of the command", function()
    assert.equal(0, outcome.exit_code(DONE))
    assert.equal(1, outcome.exit_code { error = { kind = "job" } })
    assert.equal(2, outcome.exit_code { error = { kind = "input", is_setup = true } })
    assert.equal(130, outcome.exit_code { signal = 2 })
    assert.equal(143, outcome.exit_code { signal = 15 })
  end)

  it("is an object for programs", function()
    local object = outcome.object(DONE)

    assert.is_true(object.ok)
    assert.equal("out", object.output)
    assert.is_nil(object.error)
    assert.is_nil(object.id)
  end)

  it("tells programs what failed, and nothing else", function()
    assert.same({ ok = false, seconds = 0.5, id = 3,
      error = { kind = "job", message = "it raised", detail = "there" } },
      outcome.object { seconds = 0.5, id = 3,
        error = { kind = "job", message = "it raised", detail = "there" } })
    assert.same({ ok = false, seconds = 0.5,
      error = { kind = "interrupted", message = "interrupted" } },
      outcome.object { seconds = 0.5, signal = 2 })
  end)

  it("has the skew of the job for programs, as soon as there is any", function()
    local found = { records = 1, bytes = 2, partitions = 1, keys = {}, largest = {}, advice = {} }
    local ended = setmetatable({ skew = found }, { __index = DONE })

    assert.equal(found, outcome.object(ended).skew)
    assert.is_nil(outcome.object(setmetatable({ skew = {} }, { __index = DONE })).skew)
    assert.is_nil(outcome.object(DONE).skew)
  end)
end)

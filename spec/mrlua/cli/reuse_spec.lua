local reuse = require "mrlua.cli.reuse"

describe("mrlua/cli/reuse", function()
  it("gives the cache 10 GiB, or what the environment says, or the flag", function()
    assert.equal(10 << 30, reuse.bytes(nil, nil))
    assert.equal(10 << 30, reuse.bytes(nil, ""))
    assert.equal(3 << 20, reuse.bytes(nil, "3M"))
    assert.equal(0, reuse.bytes(nil, "0"))
    assert.equal(5, reuse.bytes(5, "3M"))
  end)

  it("names the variable that is no size", function()
    local bytes, message = reuse.bytes(nil, "much")

    assert.is_nil(bytes)
    assert.matches("^MRLUA_CACHE_SIZE: 'much' is not a size", message)
  end)

  it("takes jobs that say nothing against it", function()
    assert.is_nil(reuse.problem({ reduce = "sum", deterministic = true, unsafe = false }, "x.lua"))
    assert.is_nil(reuse.problem({ reduce = "sum", deterministic = true, skip_bad = 0 }, "x.lua"))
  end)

  it("takes the steps that read the inputs of the job", function()
    local view = { reduce = "sum", deterministic = true }

    assert.is_nil(reuse.problem({ deterministic = true, drive = true }, "x.lua"))
    assert.is_true(reuse.is_for_step { view = view })
    assert.is_false(reuse.is_for_step { view = view, steps = { 1 } })
    assert.is_false(reuse.is_for_step { view = { deterministic = true } })
  end)

  it("says why a job cannot take part", function()
    for field, view in pairs {
      ["deterministic = false"] = { reduce = "sum", deterministic = false },
      ["unsafe = true"] = { reduce = "sum", deterministic = true, unsafe = true },
      ["has no reduce"] = { deterministic = true },
      ["skip_bad"] = { reduce = "sum", deterministic = true, skip_bad = 3 },
    } do
      local problem = reuse.problem(view, "x.lua")

      assert.matches("^x%.lua ", problem)
      assert.is_truthy(problem:find(field, 1, true), problem)
    end
  end)
end)

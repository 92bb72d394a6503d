local engine = require "spec.support.engine"

-- What needs a cluster is in spec/cluster/submit_spec.lua.
describe("mrlua submit", function()
  it("tells its flags", function()
    local result = engine.run { "submit", "--help" }

    assert.equal(0, result.code)
    for _, flag in ipairs { "--output", "--overwrite", "--master", "--key-file", "--detach",
      "--priority", "--reducers", "--param", "--split-size", "--sort-buffer", "--json", "--quiet",
      "--allow-unsafe", "--limit-memory", "--attempts" } do
      assert.matches(flag .. " ", result.stdout, 1, true)
    end
  end)

  it("wants an output", function()
    local result = engine.run { "submit", "jobs/wordcount.lua", "README.md" }

    assert.equal(2, result.code)
    assert.matches("^mrlua: option '%-o' is missing", result.stderr)
  end)

  it("finds out about a wrong job without a master", function()
    local result = engine.run { "submit", "/nowhere/job.lua", "README.md", "-o", "/nowhere/out" }

    assert.equal(2, result.code)
    assert.equal("mrlua: /nowhere/job.lua: No such file or directory\n", result.stderr)
  end)
end)

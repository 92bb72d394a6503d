local engine = require "spec.support.engine"

describe("mrlua cluster", function()
  it("runs the script beside it, with the arguments as they are", function()
    local result = engine.run { "cluster", "ssh", "--dry-run", "--", "echo", "a b", "$HOME" }

    assert.equal(0, result.code)
    assert.equal("gcloud compute ssh mrlua-master --project=PROJECT --zone=us-central1-a"
      .. " --tunnel-through-iap -- echo 'a b' '$HOME'\n", result.stdout)
  end)

  it("ends as the script does", function()
    assert.equal(2, engine.run({ "cluster", "up", "--nonsense" }).code)
    assert.matches("brings a cluster up", engine.output({ "cluster", "up", "--help" }):lower(), 1,
      true)
  end)

  it("tells its commands", function()
    local result = engine.run { "cluster", "--help" }

    assert.equal(0, result.code)
    assert.matches("\n  down +delete a cluster", result.stdout)
    assert.equal(2, engine.run({ "cluster" }).code)
    assert.matches("unknown command 'don'; did you mean 'down'?",
      engine.run({ "cluster", "don" }).stderr, 1, true)
  end)
end)

local cluster_options = require "mrlua.cli.cluster_options"

describe("mrlua/cli/cluster_options complete()", function()
  it("takes the flag, then the environment, then this machine", function()
    assert.equal("a:1", cluster_options.complete({ master = "a:1" }, "b:2").master)
    assert.equal("b:2", cluster_options.complete({}, "b:2").master)
    assert.equal("127.0.0.1:7070", cluster_options.complete({}, nil).master)
    assert.equal("127.0.0.1:7070", cluster_options.complete({}, "").master)
  end)

  it("names the variable that is wrong", function()
    local flags, message = cluster_options.complete({}, "nowhere")

    assert.is_nil(flags)
    assert.equal("MRLUA_MASTER: 'nowhere' is not HOST:PORT", message)
  end)
end)

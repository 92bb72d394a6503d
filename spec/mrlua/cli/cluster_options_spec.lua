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

describe("mrlua/cli/cluster_options parse()", function()
  local function parse(...)
    return cluster_options.parse(cluster_options.parser("jobs", "Lists."), { ... })
  end

  it("leaves it to the address whether TLS is spoken, unless told", function()
    local flags = parse()

    assert.is_nil(flags.tls)
    assert.is_nil(flags.insecure_plain)
    assert.is_true(parse("--tls").tls)
    assert.is_true(parse("--insecure-plain").insecure_plain)
  end)

  it("takes one of the two at most", function()
    local flags, message = parse("--tls", "--insecure-plain")

    assert.is_nil(flags)
    assert.matches("can not be used together", message)
  end)
end)

describe("mrlua/cli/cluster_options name_master()", function()
  it("completes the command that looks into a failure", function()
    assert.equal("see: mrlua replay 1/m0 --key-file 100% --debug\n",
      cluster_options.name_master("see: mrlua replay 1/m0 --debug\n",
        { key_file = "100%", master = cluster_options.DEFAULT_ADDRESS }))
  end)
end)

describe("mrlua/cli/cluster_options text()", function()
  it("is what another command needs to ask the same master", function()
    assert.equal("", cluster_options.text({ master = cluster_options.DEFAULT_ADDRESS }))
    assert.equal("", cluster_options.text({ master = "a:1" }, "a:1"))
    assert.equal([[ --master a:1 --key-file '/a b/k'\''s' --tls]],
      cluster_options.text({ master = "a:1", key_file = "/a b/k's", tls = true }))
    assert.equal(" --insecure-plain",
      cluster_options.text({ master = "a:1", insecure_plain = true }, "a:1"))
  end)
end)

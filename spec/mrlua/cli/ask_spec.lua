local ask = require "mrlua.cli.ask"
local cluster_options = require "mrlua.cli.cluster_options"

local told, asked, reply

local main = ask.command("jobs", function()
  return cluster_options.parser("jobs", "Lists.")
end, function(args)
  asked = args
  return reply
end, function(answer)
  told = answer
end).main

describe("mrlua/cli/ask command()", function()
  before_each(function()
    told, asked, reply = nil, nil, { jobs = {} }
  end)

  it("asks the master that is named, and tells its answer", function()
    assert.equal(0, main { "--master", "there:70", "--key-file", "key" })
    assert.same({ master = "there:70", key_file = "key", tls = false, insecure_plain = false },
      asked)
    assert.equal(reply, told)
  end)

  it("passes on whether TLS is spoken", function()
    main { "--tls" }
    assert.is_true(asked.tls)
    main { "--insecure-plain" }
    assert.is_true(asked.insecure_plain)
  end)
end)

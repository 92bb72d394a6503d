local preemption = require "mrlua.cli.preemption"

local DEFAULT <const> = "metadata.google.internal:80"
local GCE <const> = "Google Compute Engine"

describe("--preemption", function()
  it("asks the metadata server on Compute Engine, and nobody elsewhere", function()
    assert.equal(DEFAULT, preemption.address(nil, nil, GCE))
    assert.equal(DEFAULT, preemption.address("auto", "", "Google"))
    assert.is_nil(preemption.address("auto", nil, "KVM"))
    assert.is_nil(preemption.address("auto", nil, nil))
  end)

  it("asks whom GCE_METADATA_HOST names", function()
    assert.equal("127.0.0.1:9000", preemption.address("auto", "127.0.0.1:9000", nil))
    assert.equal("169.254.169.254:80", preemption.address("gce", "169.254.169.254", nil))
  end)

  it("gce asks on any machine, off nowhere", function()
    assert.equal(DEFAULT, preemption.address("gce", nil, "KVM"))
    assert.is_nil(preemption.address("off", "127.0.0.1:9000", GCE))
  end)

  it("names a variable that is no address", function()
    local address, message = preemption.address("auto", "http://x/", nil)

    assert.is_nil(address)
    assert.matches("GCE_METADATA_HOST: 'http://x/'", message, 1, true)
  end)
end)

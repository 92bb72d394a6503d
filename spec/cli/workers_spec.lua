local cluster = require "spec.support.cluster"

local it_all

describe("mrlua workers", function()
  before_each(function()
    it_all = cluster.open()
    it_all:start_master()
  end)

  after_each(function()
    it_all:close()
  end)

  it("is a heading, or an empty list, when there is none", function()
    assert.matches("^WORKER  NAME  STATE [^\n]*\n$", it_all:run({ "workers" }).stdout)
    assert.equal('{"workers":[]}\n', it_all:run({ "workers", "--json" }).stdout)
  end)

  it("lists them with their slots", function()
    it_all:start_worker { slots = 3 }

    assert.matches("\n +1  %S+ +ready +0/3 [^\n]*\n$", it_all:run({ "workers" }).stdout)
    assert.equal(3, it_all:list_workers()[1].slots)
  end)
end)

local columns = require "mrlua.cli.columns"

describe("mrlua/cli/columns text()", function()
  it("aligns numbers to the right and names to the left", function()
    assert.equal(" JOB  NAME       OUT\n   1  wordcount  a\n1234  sort       b\n",
      columns.text({ { "JOB", "right" }, { "NAME" }, { "OUT" } },
        { { 1, "wordcount", "a" }, { 1234, "sort", "b" } }))
  end)

  it("is only the heading without rows", function()
    assert.equal("JOB  NAME\n", columns.text({ { "JOB" }, { "NAME" } }, {}))
  end)

  it("counts letters, not bytes", function()
    assert.equal("N    X\nä    1\nbcd  2\n",
      columns.text({ { "N" }, { "X" } }, { { "ä", 1 }, { "bcd", 2 } }))
  end)

  it("shows what is missing, and no control bytes", function()
    assert.equal("A  B\n-  x?[31m\n", columns.text({ { "A" }, { "B" } }, { { nil, "x\27[31m" } }))
  end)
end)

local options = require "mrlua.cli.cluster_run_options"

local function parse(...)
  return options.parse { "job.lua", ... }
end

describe("mrlua/cli/cluster_run_options", function()
  it("has a fleet without being told", function()
    local flags = assert(parse("a.txt", "-o", "gs://bucket/out/"))

    assert.equal("gs://bucket/out", flags.output)
    assert.equal("bucket", flags.bucket)
    assert.equal(1800, flags.max_idle)
    assert.same({ workers = 4, machine = "n2-standard-8", local_ssds = 1, is_spot = true,
      master_machine = "e2-standard-2" }, flags.fleet)
  end)

  it("takes what it is told of one", function()
    local flags = assert(parse("gs://bucket/in", "-o", "gs://bucket/out", "--workers", "9",
      "--machine", "n2-standard-16", "--local-ssds", "0", "--on-demand", "--max-usd", "2.5"))

    assert.equal(2.5, flags.usd_max)
    assert.same({ workers = 9, machine = "n2-standard-16", local_ssds = 0, is_spot = false,
      master_machine = "e2-standard-2" }, flags.fleet)
  end)

  it("says what cannot be", function()
    for _, case in ipairs {
      { { "a", "-o", "out" }, "'out' is not gs://BUCKET/FOLDER: the machines share nothing else" },
      { { "a", "-o", "gs://bucket" }, "'gs://bucket' is not gs://BUCKET/FOLDER" },
      { { "a" }, "option '-o'" },
      { { "a", "-o", "gs://bucket/out", "--max-usd", "0" }, "is not a number of dollars above 0" },
      { { "a", "-o", "gs://bucket/out", "--workers", "1001" }, "from 1 to 1000" },
      { { "a", "-o", "gs://bucket/out", "--local-ssds", "25" }, "from 0 to 24" },
      { { "a", "-o", "gs://bucket/out", "--max-idle", "59" }, "from 60 to 604800" },
    } do
      local flags, message = parse(table.unpack(case[1]))

      assert.is_nil(flags)
      assert.matches(case[2], message, 1, true)
    end
  end)

  it("knows where inputs are, all of them in one place", function()
    assert.is_true(options.are_remote { "gs://b/a", "gs://b/b" })
    assert.is_false(options.are_remote { "a", "/b" })
    assert.matches("either here or in a bucket, not both",
      select(2, options.are_remote { "a", "gs://bucket/b" }))
  end)

  it("knows the flags of every job", function()
    local flags = assert(parse("a", "-o", "gs://bucket/out", "--reducers", "3", "--param", "x=1",
      "--input", "users=gs://bucket/u"))

    assert.same({ { "users", "gs://bucket/u" } }, flags.named_inputs)
    assert.equal(3, flags.reducers)
    assert.same({ x = "1" }, flags.params)
    assert.matches("%-%-split%-size", assert(parse("--help")).help)
  end)
end)

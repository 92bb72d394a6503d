local run_options = require "mrlua.cli.run_options"

local function parse(...)
  return run_options.parse { "job.lua", "input", ... }
end

local function complaint(...)
  local flags, message = parse(...)
  assert.is_nil(flags)
  return message
end

describe("mrlua/cli/run_options parse()", function()
  it("answers just what was given", function()
    assert.same({ job = "job.lua", inputs = { "input" }, params = {}, files = {} }, parse())
  end)

  it("reads every flag", function()
    assert.same({
      job = "job.lua", inputs = { "input", "more", "-" }, files = {},
      params = { a = "1", b_2 = "x=y", c = "" },
      output = "out", overwrite = true, slots = 3, reducers = 7, split_bytes = 4096,
      sort_buffer_bytes = 32 << 20, tmp = "/var/tmp", json = true, quiet = true,
      allow_unsafe = true, limit_memory_bytes = 1 << 30, limit_seconds = 90.0,
      limit_seconds_per_record = 1.5, attempts = 2,
    }, parse("more", "-", "--param", "a=1", "--param", "b_2=x=y", "--param", "c=", "-o", "out",
      "--overwrite", "--slots", "3", "--reducers", "7", "--split-size", "4K", "--sort-buffer=32M",
      "--tmp", "/var/tmp", "--json", "--quiet", "--allow-unsafe", "--limit-memory", "1G",
      "--limit-seconds", "90", "--limit-seconds-per-record", "1.5", "--attempts", "2"))
  end)

  it("gives a cache a size only where there is one", function()
    local flags = parse("--reuse", "--cache-size", "2G")

    assert.is_true(flags.reuse)
    assert.equal(2 << 30, flags.cache_bytes)
    assert.equal("option '--cache-size' needs '--reuse'", complaint("--cache-size", "2G"))
    assert.equal("option '--cache-size': a size must be above 0",
      complaint("--reuse", "--cache-size", "0"))
  end)

  it("keeps outputs of maps for later jobs on this machine alone", function()
    assert.is_true(parse("--reuse", "--shuffle", "local").reuse)
    assert.equal("option '--reuse' keeps the outputs of maps on this machine: not with "
      .. "'--shuffle gcs'", complaint("--reuse", "--shuffle", "gcs"))
  end)

  it("refuses counts that are none, or out of their range", function()
    for _, flag in ipairs { "--slots", "--reducers", "--attempts" } do
      for _, text in ipairs { "0", "-1", "1.5", "x", "1000000", "99999999999999999999" } do
        assert.matches(("^option '%s': '%s' is not a whole number from 1 to "):format(
          flag:gsub("%-", "%%-"), text:gsub("%-", "%%-")), complaint(flag .. "=" .. text))
      end
    end
  end)

  it("refuses sizes and times that are none", function()
    for _, flag in ipairs { "--split-size", "--sort-buffer", "--limit-memory" } do
      assert.matches("'4Q' is not a size", complaint(flag, "4Q"))
    end
    assert.equal("option '--split-size': a size must be above 0", complaint("--split-size", "0"))
    assert.equal("option '--sort-buffer': a size must be above 0", complaint("--sort-buffer", "0"))
    assert.equal("option '--limit-memory': '1023K' is less than 1M",
      complaint("--limit-memory", "1023K"))
    assert.equal(1 << 20, parse("--limit-memory", "1M").limit_memory_bytes)
    for _, flag in ipairs { "--limit-seconds", "--limit-seconds-per-record" } do
      for _, text in ipairs { "0", "x", "1e3", "inf" } do
        assert.matches("is not a number of seconds above 0", complaint(flag, text))
      end
    end
  end)

  it("refuses parameters without a name, or given twice", function()
    assert.equal("option '--param': 'word' is not name=value: write --param word=VALUE",
      complaint("--param", "word"))
    assert.equal("option '--param': '=x' is not name=value", complaint("--param", "=x"))
    assert.equal("option '--param': 'a' is given twice",
      complaint("--param", "a=1", "--param", "a=1"))
  end)

  it("refuses what contradicts itself", function()
    assert.equal("option '--overwrite' needs '-o'", complaint("--overwrite"))
    assert.equal("an input is an empty name", complaint(""))
    assert.equal("option '-o': the folder's name is empty", complaint("-o", ""))
  end)

  it("names what is missing", function()
    assert.equal("missing argument 'JOB.lua'", select(2, run_options.parse {}))
  end)

  it("reads named inputs, as many as there are", function()
    assert.same({ job = "job.lua", inputs = {}, params = {}, files = {},
      named_inputs = { { "a", "x=1" }, { "b", "y" }, { "a", "-" } } },
      run_options.parse { "job.lua", "--input", "a=x=1", "--input", "b=y", "--input=a=-" })
    assert.equal("option '--input': 'users.csv' is not NAME=PATH",
      complaint("--input", "users.csv"))
    assert.equal("option '--input': 'users=' is not NAME=PATH", complaint("--input", "users="))
  end)

  it("answers its help", function()
    assert.matches("^Usage: mrlua run JOB.lua %[INPUT", run_options.parse({ "--help" }).help)
  end)
end)

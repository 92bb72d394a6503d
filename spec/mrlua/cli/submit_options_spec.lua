local submit_options = require "mrlua.cli.submit_options"

local function parse(...)
  return submit_options.parse({ "job.lua", "input", ... }, nil)
end

local function complaint(...)
  local flags, message = parse(...)
  assert.is_nil(flags)
  return message
end

describe("mrlua/cli/submit_options parse()", function()
  it("answers just what was given, and the master", function()
    assert.same({ job = "job.lua", inputs = { "input" }, params = {}, files = {}, output = "out",
      master = "127.0.0.1:7070" }, parse("-o", "out"))
  end)

  it("reads the flags of a cluster and those of run", function()
    assert.same({
      job = "job.lua", inputs = { "input", "more" }, files = {},
      params = { a = "1" }, output = "out",
      overwrite = true, reducers = 7, split_bytes = 4096, sort_buffer_bytes = 32 << 20,
      json = true, quiet = true, allow_unsafe = true, limit_memory_bytes = 1 << 30,
      limit_seconds = 90.0, limit_seconds_per_record = 1.5, attempts = 2,
      master = "host:1", key_file = "key", detach = true, priority = 5,
    }, parse("more", "--param", "a=1", "-o", "out", "--overwrite", "--reducers", "7",
      "--split-size", "4K", "--sort-buffer=32M", "--json", "--quiet", "--allow-unsafe",
      "--limit-memory", "1G", "--limit-seconds", "90", "--limit-seconds-per-record", "1.5",
      "--attempts", "2", "--master", "host:1", "--key-file", "key", "--detach",
      "--priority", "5"))
  end)

  it("takes the master from the environment", function()
    assert.equal("there:70",
      submit_options.parse({ "job.lua", "input", "-o", "out" }, "there:70").master)
  end)

  it("wants an output folder", function()
    assert.matches("^option '%-o' is missing", complaint())
    assert.matches("name is empty", complaint("-o", ""))
  end)

  it("takes --reuse where the outputs of maps are objects, and says so where not", function()
    assert.is_true(parse("-o", "out", "--reuse", "--shuffle", "gcs").reuse)
    assert.is_true(parse("-o", "out", "--reuse", "--shuffle", "gs://bucket/tmp").reuse)
    for _, flags in ipairs { {}, { "--shuffle", "local" } } do
      assert.matches("^submit %-%-reuse needs %-%-shuffle gcs: ",
        complaint("-o", "out", "--reuse", table.unpack(flags)))
    end
  end)

  it("refuses what only one machine has", function()
    assert.matches("unknown option '%-%-slots'", complaint("-o", "out", "--slots", "1"))
    assert.matches("unknown option '%-%-tmp'", complaint("-o", "out", "--tmp", "/tmp"))
    assert.matches("unknown option '%-%-cache%-size'", complaint("-o", "out", "--cache-size", "1"))
  end)

  it("shows its flags when it is asked", function()
    assert.matches("%-%-detach", submit_options.parse({ "--help" }, "no address").help)
  end)
end)

describe("mrlua/cli/submit_options absolute()", function()
  it("starts at the root", function()
    for path, expected in pairs {
      ["/a/b"] = "/a/b", ["a"] = "/home/me/a", ["./a/b"] = "/home/me/a/b", ["."] = "/home/me",
      ["./"] = "/home/me", ["../a"] = "/home/me/../a", ["gs://bucket/a"] = "gs://bucket/a",
    } do
      assert.equal(expected, submit_options.absolute(path, "/home/me"))
    end
    assert.equal("/a", submit_options.absolute("a", "/"))
  end)
end)

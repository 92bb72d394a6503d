-- Jobs whose inputs lie in Cloud Storage: the same output as on files, whatever goes wrong on the
-- way, or one clear error.

local daemon = require "spec.support.daemon"
local engine = require "spec.support.engine"
local gcs = require "spec.support.gcs"
local temp = require "spec.support.temp"

local COUNT = "jobs/wordcount.lua"
local LINES <const> = 40000 -- 1.3 MB: of several requests, and of many splits

local folder, storage, bytes, expected

-- Text in which a line that is cut, lost or read twice is seen.
local function text()
  local lines = {}
  for number = 1, LINES do
    lines[number] = ("line %d has the words alpha and w%s"):format(number,
      ("abcdefghij"):sub(number % 10 + 1, number % 10 + 1):rep(number % 7))
  end
  return table.concat(lines, "\n") .. "\n"
end

local function run(argv, options)
  options = options or {}
  options.environment = options.environment or storage.environment
  return engine.run({ "run", "--quiet", table.unpack(argv) }, options)
end

local function counts(input, ...)
  local result = run { COUNT, input, ... }
  assert.equal("", result.stderr)
  assert.equal(0, result.code)
  return result.stdout
end

local function same_after(rules)
  storage:faults(rules)
  assert.is_true(counts("gs://bkt/in/a.txt", "--split-size", "300K") == expected)
  local taken = 0
  for _, rule in ipairs(storage:rules()) do
    taken = taken + rule.taken
  end
  assert.is_true(taken > 0)
end

describe("an input in Cloud Storage", function()
  setup(function()
    folder = temp.folder()
    storage = gcs.start(folder .. "/gcs")
    bytes = text()
    expected = engine.output { "run", "--quiet", COUNT, temp.write(folder .. "/a.txt", bytes) }
  end)

  teardown(function()
    storage:stop()
    temp.remove(folder)
  end)

  before_each(function()
    for _, name in ipairs(storage:list()) do
      storage:remove(name)
    end
    storage:put("in/a.txt", bytes)
    storage:clear()
    storage:forget()
  end)

  it("is read like a file, wherever it is cut", function()
    for _, size in ipairs { "64M", "100K", "65537", "1300001" } do
      assert.is_true(counts("gs://bkt/in/a.txt", "--split-size", size) == expected, size)
    end
    assert.same({}, storage:violations())
  end)

  it("may be a prefix or a pattern, without hidden names", function()
    storage:put("in/b.txt", "alpha\n")
    storage:put("in/_SUCCESS", "{}")
    storage:put("in/.x/y", "hidden\n")
    local both = counts "gs://bkt/in"
    assert.matches("alpha\t40001\n", both)
    assert.not_matches("hidden", both)
    assert.equal(both, counts "gs://bkt/in/")
    assert.equal(both, counts "gs://bkt/in/*.txt")
    assert.equal(expected, counts "gs://bkt/i?/a*")
  end)

  it("is listed page by page, whatever happens to the pages", function()
    for number = 1, 7 do
      storage:put(("in/b/%d.txt"):format(number), "alpha\n")
    end
    storage:set { page_max = 2, empty_every = 3 }
    storage:faults { match = { operation = "objects.list" },
      actions = { { status = 503 }, {}, { reset = "before" }, { reset = "after" } } }
    local result = counts "gs://bkt/in/"
    storage:set { page_max = 1000, empty_every = 0 }
    assert.matches("alpha\t40007\n", result)
  end)

  it("is told to jobs by its URI", function()
    local job = temp.write(folder .. "/names.lua", [[
      return { input = "file", map = function(name, value, emit) emit(name, #value) end,
        reduce = function(name, sizes, emit) emit(name, sizes()) end }]])
    storage:put("in/b.txt", "12345")
    assert.equal(("gs://bkt/in/a.txt\t%d\ngs://bkt/in/b.txt\t5\n"):format(#bytes),
      run { job, "gs://bkt/in", }.stdout)
  end)

  it("may be compressed, by name or by Content-Encoding", function()
    os.execute(("gzip -k %s && zstd -q %s"):format(folder .. "/a.txt", folder .. "/a.txt"))
    local gzip, zstd = temp.read(folder .. "/a.txt.gz"), temp.read(folder .. "/a.txt.zst")
    storage:put("gz/a.txt.gz", gzip)
    storage:put("zst/a.txt.zst", zstd)
    storage:put("enc/a.txt", gzip, nil, { contentEncoding = "gzip" })
    for _, name in ipairs { "gz", "zst", "enc" } do
      assert.is_true(counts("gs://bkt/" .. name, "--split-size", "10K") == expected, name)
    end
  end)

  it("may be many small objects, and files beside them", function()
    for number = 1, 60 do
      storage:put(("many/%03d"):format(number), ("item %d\n"):format(number))
    end
    local result = run { COUNT, "gs://bkt/many", folder .. "/a.txt", "--reducers", "1" }
    assert.equal(0, result.code, result.stderr)
    assert.matches("\nitem\t60\n", result.stdout)
    assert.matches("alpha\t40000\n", result.stdout)
  end)

  it("may be a glob that reaches every folder below", function()
    for _, name in ipairs { "a.txt", "x/y/b.txt", "x/c.csv", "_x/d.txt" } do
      storage:put("deep/" .. name, name .. "\n")
    end
    local result = run { "jobs/sort.lua", "gs://bkt/deep/**/*.txt" }
    assert.equal(0, result.code, result.stderr)
    assert.equal("a.txt\nx/y/b.txt\n", result.stdout)
    result = run { "jobs/sort.lua", "gs://bkt/deep/**/*.none" }
    assert.equal("mrlua: input gs://bkt/deep/**/*.none matches nothing\n", result.stderr)
    assert.equal(2, result.code)
  end)

  it("is sampled, too", function()
    local sorted = engine.output { "run", "--quiet", "jobs/sort.lua", folder .. "/a.txt",
      "--reducers", "3" }
    local result = run { "jobs/sort.lua", "gs://bkt/in", "--reducers", "3" }
    assert.equal("", result.stderr)
    assert.is_true(result.stdout == sorted)
  end)

  describe("is read to the same end after", function()
    local media = { operation = "objects.get.media" }
    local cases = {
      ["503, twice"] = { match = media, actions = { { status = 503 }, { status = 503 } } },
      ["408"] = { match = media, actions = { { status = 408 } } },
      ["429 with Retry-After"] = { match = media, actions = { { status = 429, retry_after = 1 } } },
      ["a reset before the answer"] = { match = media, actions = { { reset = "before" } } },
      ["a reset of every second body"] = { match = { operation = "objects.get.media",
        probability = 0.5 }, action = { break_after = 70000, break_how = "reset" } },
      ["a body that ends early"] = { match = media,
        actions = { { break_after = 0 }, { break_after = 1000, break_how = "close" } } },
      ["an error of 3 MB"] = { match = media,
        actions = { { status = 500, body_bytes = 3 << 20 } } },
      ["a body without a length"] = { match = media, action = { chunked = true } },
      ["no checksum"] = { match = media, action = { no_hash = true } },
      ["the whole object for a range"] = { match = media, actions = { { ignore_range = true } } },
      ["another range"] = { match = media, actions = { { shift_range = 7 } } },
      ["503 for what is known of it"] = { match = { operation = "objects.get" },
        actions = { { status = 503 } } },
      ["a stalled body"] = { match = media,
        actions = { { stall_after = 5000, stall_seconds = 60 } } },
    }
    for name, rule in pairs(cases) do
      it(name, function()
        same_after(rule)
      end)
    end
  end)

  it("whose bytes are wrong once is read again", function()
    storage:faults { match = { operation = "objects.get.media" }, actions = { { corrupt = 5 } } }
    assert.is_true(counts("gs://bkt/in/a.txt", "--split-size", "64M") == expected)
  end)

  describe("ends the job with one clear error when", function()
    it("it is not there, or its bucket is not", function()
      local result = run { COUNT, "gs://bkt/none" }
      assert.equal(2, result.code)
      assert.equal("mrlua: input gs://bkt/none: no such object\n", result.stderr)
      result = run { COUNT, "gs://nobucket/x" }
      assert.equal(2, result.code)
      assert.matches("no such object", result.stderr)
    end)

    it("it may not be read", function()
      storage:faults { match = { operation = "objects.get.media" }, action = { status = 403 } }
      local result = run { COUNT, "gs://bkt/in/a.txt" }
      assert.is_true(result.code ~= 0)
      assert.matches("input gs://bkt/in/a.txt: HTTP 403 (the account lacks the permission",
        result.stderr, 1, true)
    end)

    it("it changed since the job was planned", function()
      -- The first read waits, and meanwhile the object is written again.
      storage:faults { match = { operation = "objects.get.media" }, action = { delay = 1 } }
      local job = daemon.start(engine.command { "run", "--quiet", COUNT, "gs://bkt/in/a.txt" },
        folder .. "/job", ".", storage.environment)
      temp.wait_until(20, function()
        return #storage:requests "objects.get" > 0
      end)
      storage:put("in/a.txt", bytes)
      assert.equal(1, job:wait(20))
      assert.matches("input gs://bkt/in/a.txt changed since the job was planned", job:text "err", 1,
        true)
    end)

    it("its bytes are wrong each time", function()
      storage:faults { match = { operation = "objects.get.media" }, action = { corrupt = 5 } }
      local result = run { COUNT, "gs://bkt/in/a.txt", "--split-size", "64M" }
      assert.equal(1, result.code)
      assert.matches("input gs://bkt/in/a.txt: wrong checksum", result.stderr, 1, true)
    end)
  end)
end)

describe("a token", function()
  local account

  setup(function()
    folder = temp.folder()
    storage = gcs.start(folder .. "/gcs", { auth = true })
    bytes = text()
    expected = engine.output { "run", "--quiet", COUNT, temp.write(folder .. "/a.txt", bytes) }
    storage:put("in/a.txt", bytes)
    account = ("CLOUDSDK_CONFIG=/nonexistent GCE_METADATA_HOST=%s "
      .. "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=%s/storage/v1/"):format(storage.host, storage.url)
  end)

  teardown(function()
    storage:stop()
    temp.remove(folder)
  end)

  it("comes from the metadata server, and again when it expires in mid-job", function()
    storage:set { token_requests = 3 } -- one attempt after the other, or they use up each other's
    local result = run({ COUNT, "gs://bkt/in/a.txt", "--split-size", "200K", "--slots", "1" },
      { environment = account })
    storage:set { token_requests = 0 }
    assert.equal("", result.stderr)
    assert.is_true(result.stdout == expected)
  end)

  it("that is refused twice ends the job", function()
    storage:faults { match = { operation = "objects.get" }, action = { status = 401 } }
    local result = run({ COUNT, "gs://bkt/in/a.txt" }, { environment = account })
    storage:clear()
    assert.is_true(result.code ~= 0)
    assert.matches("HTTP 401 (the credentials are not accepted)", result.stderr, 1, true)
  end)

  it("is asked for with a service account's key", function()
    local pem = temp.capture "openssl genrsa 2048 2>/dev/null" .. "\n"
    local key = { type = "service_account", client_email = "me@p.iam.gserviceaccount.com",
      private_key_id = "k1", private_key = pem, token_uri = storage.url .. "/token" }
    temp.write(folder .. "/key.json", require("cjson").encode(key))
    storage:account(key)
    local result = run({ COUNT, "gs://bkt/in/a.txt" }, { environment = account
      .. " GOOGLE_APPLICATION_CREDENTIALS=" .. folder .. "/key.json" })
    assert.equal("", result.stderr)
    assert.is_true(result.stdout == expected)
    assert.is_true(#storage:requests "oauth.token" > 0)
  end)

  it("of another kind of credentials is refused by its name", function()
    temp.write(folder .. "/other.json", '{"type":"external_account"}')
    local result = run({ COUNT, "gs://bkt/in/a.txt" }, { environment = account
      .. " GOOGLE_APPLICATION_CREDENTIALS=" .. folder .. "/other.json" })
    assert.equal(2, result.code)
    assert.matches('type "external_account" is not supported', result.stderr, 1, true)
  end)
end)

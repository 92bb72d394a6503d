-- Whole jobs with their output, and with outputs of their maps, on gs://, while the store does to
-- requests what Google's conformance tests for clients do, and worse: the parts are those of
-- `mrlua run` on files, and nothing else is left.

local gcs_cluster = require "spec.support.gcs_cluster"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local COUNT <const> = "jobs/wordcount.lua"
local COUNT_FLAGS <const> = { "--split-size", "32K", "--reducers", "3" }

-- Maps and reduces of 10 MiB: their results go up in pieces.
local LARGE <const> = [[
return {
  map = function(_, line, emit) emit(line, 1) end,
  reduce = "identity",
}
]]
local LARGE_FLAGS <const> = { "--split-size", "10M", "--reducers", "2" }

local it_all, storage

local function begin(options, environment)
  it_all = gcs_cluster.open(options, environment)
  storage = it_all.storage
  it_all:start(2)
end

local function finish()
  it_all:close()
end

local function argv_of(path, inputs, flags, shuffle)
  local argv = { path, "--overwrite", "--shuffle", shuffle }
  table.move(flags, 1, #flags, #argv + 1, argv)
  return table.move(inputs, 1, #inputs, #argv + 1, argv)
end

-- Each action once for each operation of those that any job makes.
local function everywhere(...)
  local rules = {}
  for _, operation in ipairs { "objects.list", "objects.get", "objects.get.media",
    "objects.insert.multipart", "objects.delete" } do
    rules[#rules + 1] = { name = operation, match = { operation = operation, after = 1 },
      actions = { ... } }
  end
  return rules
end

-- Runs the job once for each shuffle while the rules hold, and expects that they were followed.
local function expect(expected, count, argv, rules_of)
  for _, shuffle in ipairs { "local", "gcs" } do
    argv[4] = shuffle
    for _, rule in ipairs(rules_of(shuffle)) do
      if type(rule) == "string" then
        storage:preset(rule)
      else
        storage:faults(rule)
      end
    end
    it_all:wait_for_end(it_all:submit(argv))
    for _, rule in ipairs(storage:rules()) do
      assert(rule.taken > 0, rule.name .. " was not met with --shuffle " .. shuffle)
    end
    storage:clear()
    assert(it_all:parts(count) == expected, shuffle .. ": other parts")
  end
end

describe("a job on gs:// has the parts of mrlua run", function()
  local expected, argv

  setup(function()
    begin()
    expected = it_all.cluster:expected_parts(COUNT, texts.LICENSES, COUNT_FLAGS)
    argv = argv_of(COUNT, texts.LICENSES, COUNT_FLAGS, "")
  end)
  teardown(finish)
  after_each(function()
    storage:clear()
  end)

  local function through(rules)
    expect(expected, 3, argv, function()
      return rules
    end)
  end

  for _, preset in ipairs { "S1.503-503", "S1.reset-reset", "S1.reset-503", "S8.broken-broken" } do
    it("through " .. preset, function()
      through { preset }
    end)
  end

  it("through 503, a reset and 408 for every kind of request", function()
    through(everywhere({ status = 503 }, { reset = "before" }, { status = 408 }))
  end)

  it("through 429, whose Retry-After it obeys", function()
    storage:forget()
    through { { match = { operation = "objects.insert", object = "^out/_SUCCESS$" },
      actions = { { status = 429, retry_after = 1 }, { status = 429, retry_after = 1 } } } }
    assert.is_nil(storage:violations()["early-retry"])
  end)

  it("when connections end in the middle of uploads", function()
    through { { match = { operation = "objects.insert", min_bytes = 400 },
      actions = { { reset = "body", after_bytes = 300 }, { reset = "body", after_bytes = 1 } } } }
  end)

  it("when all is done and only the reply is lost", function()
    local lost = { {}, { status = 503, when = "after" }, { reset = "after" }, { reset = "after" } }
    through { { name = "insert", match = { operation = "objects.insert" }, actions = lost },
      { name = "delete", match = { operation = "objects.delete" }, actions = lost } }
  end)

  it("when bytes are turned on their way in and out", function()
    through { { name = "in", match = { operation = "objects.insert", object = "/part-" },
      actions = { { corrupt_stored = 7 } } },
      { name = "out", match = { operation = "objects.get.media", object = "/(part|map)-" },
        actions = { { corrupt = 7 } } } }
  end)

  it("when the store stops in the middle of a reply", function()
    expect(expected, 3, argv, function(shuffle)
      return { { actions = { { stall_after = 10, stall_seconds = 60 } },
        match = { operation = "objects.get.media",
          object = shuffle == "gcs" and "/map-" or "/part-00002" } } }
    end)
  end)
end)

describe("a job with large parts on gs:// has those of mrlua run", function()
  local expected, argv

  setup(function()
    begin()
    local path = temp.write(it_all.folder .. "/large.lua", LARGE)
    local input = it_all.folder .. "/large.txt"
    assert(os.execute("head -c 15M /dev/urandom | base64 -w 63 > " .. temp.quote(input)))
    expected = it_all.cluster:expected_parts(path, { input }, LARGE_FLAGS)
    argv = argv_of(path, { input }, LARGE_FLAGS, "")
  end)
  teardown(finish)
  after_each(function()
    storage:clear()
  end)

  -- The same for parts and, where they go there, too, for runs.
  local function through(...)
    local rules = { ... }
    expect(expected, 2, argv, function(shuffle)
      local all = {}
      for _, object in ipairs { "^out/part-", shuffle == "gcs" and "/map-" or nil } do
        for i, rule in ipairs(rules) do
          if rule.preset then
            all[#all + 1] = { preset = rule.preset, match = { object = object } }
          else
            all[#all + 1] = { name = i .. object, actions = rule.actions,
              match = { operation = rule.operation, object = object } }
          end
        end
      end
      return all
    end)
  end

  for _, preset in ipairs { "S7.reset-503", "S7.408", "S7.503-after-256K",
    "S7.503-after-8192K-408" } do
    it("through " .. preset, function()
      through { preset = preset }
    end)
  end

  it("when an upload is dropped: 503 after 256 KiB, then 410", function()
    through { operation = "objects.insert.resumable", actions = {
      { status = 503, persist_to = 256 << 10, crosses = 256 << 10 }, { gone = 410 } } }
  end)

  it("when an upload is dropped at its last bytes", function()
    through { operation = "objects.insert.resumable.final", actions = { { gone = 410 } } }
  end)

  it("when bytes of an upload are turned", function()
    through { operation = "objects.insert.resumable.chunk",
      actions = { { corrupt_stored = 1 << 20 } } }
  end)

  it("when the reply to its end is lost", function()
    through { operation = "objects.insert.resumable.final", actions = { { reset = "after" },
      { status = 503, when = "after" } } }
  end)
end)

describe("tokens", function()
  teardown(finish)

  it("that end in mid-job are asked for again", function()
    begin({ auth = true }, "CLOUDSDK_CONFIG=/nonexistent GCE_METADATA_HOST=%s "
      .. "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=http://%s/storage/v1/")
    local expected = it_all.cluster:expected_parts(COUNT, texts.LICENSES, COUNT_FLAGS)
    for _, shuffle in ipairs { "local", "gcs" } do
      storage:forget()
      storage:faults { match = { operation = "objects.insert", object = "/part-00001", count = 1 },
        action = { delay = 3 } } -- its token is looked at only then
      local id = it_all:submit(argv_of(COUNT, texts.LICENSES, COUNT_FLAGS, shuffle))
      it_all:wait_until_held()
      storage:tokens { revoke_all = true }
      it_all:wait_for_end(id)
      storage:clear()
      assert(it_all:parts(3) == expected, shuffle .. ": other parts")
      assert.is_true(#storage:requests "metadata.token" > 0)
    end
  end)
end)

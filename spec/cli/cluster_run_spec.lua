local engine = require "spec.support.engine"

local function dry_run(...)
  return engine.run { "cluster", "run", "--dry-run", "jobs/wordcount.lua", ... }
end

describe("mrlua cluster run --dry-run", function()
  it("predicts, and prints every step without a gcloud", function()
    local result = dry_run("README.md", "-o", "gs://bucket/out", "--workers", "2", "--download",
      "here")

    assert.equal(0, result.code)
    assert.matches("KB of input, 1 maps, 1 reduces; 2 workers n2-standard-8 (spot)", result.stderr,
      1, true)
    assert.matches("predicted: $0.0%d; the fleet costs $0.3%d an hour", result.stderr)
    local at = 1
    for _, step in ipairs { "gcloud storage buckets create gs://bucket",
      "gcloud storage cp --recursive README.md gs://bucket/mrlua-tmp/input-",
      "gcloud compute instances create mrlua-master", "managed create mrlua-workers", "--size=2",
      "gcloud compute ssh mrlua-master", "mrlua submit jobs/wordcount.lua gs://bucket/mrlua-tmp/",
      "gcloud storage cp --recursive gs://bucket/out/* here", "gcloud storage rm --recursive",
      "managed delete mrlua-workers", "instances delete mrlua-master" } do
      at = result.stdout:find(step, at, true)
      assert.is_number(at, step)
    end
  end)

  it("uploads each input of a job that names them into a folder of its own", function()
    local result = engine.run { "cluster", "run", "--dry-run", "jobs/join.lua", "-o",
      "gs://bucket/out", "--input", "users=README.md", "--input", "users=/etc/passwd" }

    assert.equal(0, result.code, result.stderr)
    for _, step in ipairs {
      "gcloud storage cp %-%-recursive /etc/group gs://bucket/mrlua%-tmp/input%-%S+/groups/\n",
      "gcloud storage cp %-%-recursive README.md /etc/passwd gs://%S+/users/\n",
      "mrlua submit jobs/join.lua %-%-input groups=gs://%S+/groups %-%-input users=gs://%S+/users ",
    } do
      assert.matches(step, result.stdout)
    end
    result = engine.run { "cluster", "run", "--dry-run", "jobs/join.lua", "-o", "gs://bucket/out",
      "--input", "users=gs://bucket/u*", "--input", "groups=gs://bucket/g" }
    assert.matches("mrlua submit jobs/join.lua --input groups=gs://bucket/g --input "
      .. "users=gs://bucket/u* ", result.stdout, 1, true)
  end)

  it("leaves the fleet with --keep-fleet", function()
    local result = dry_run("gs://bucket/in", "-o", "gs://bucket/out", "--keep-fleet")

    assert.equal(0, result.code)
    assert.is_nil(result.stdout:find("managed delete", 1, true))
    assert.matches("it ends by itself after 1800 s without a job", result.stderr, 1, true)
  end)

  it("lets no machine live longer than --max-usd pays", function()
    local result = dry_run("README.md", "-o", "gs://bucket/out", "--max-usd", "1.1")

    assert.equal(0, result.code)
    assert.matches("instances create mrlua%-master .*%-%-max%-run%-duration=3h", result.stdout)
  end)

  it("starts nothing that is predicted to cost more than it may", function()
    local result = dry_run("README.md", "-o", "gs://bucket/out", "--max-usd", "0.01")

    assert.equal(2, result.code)
    assert.matches("the prediction is above --max-usd 0.01: nothing was started", result.stderr, 1,
      true)
    assert.equal("", result.stdout)
  end)

  it("says what is wrong before anything costs", function()
    for _, case in ipairs {
      { { "README.md", "-o", "out" }, "is not gs://BUCKET/FOLDER" },
      { { "-o", "gs://bucket/out" }, "missing argument 'INPUT'" },
      { { "-", "-o", "gs://bucket/out" }, "standard input (-) is seen by no worker" },
      { { "README.md", "gs://bucket/b", "-o", "gs://bucket/out" }, "or in a bucket, not both" },
      { { "no-such-file", "-o", "gs://bucket/out" }, "how large is the input?" },
      { { "README.md", "-o", "gs://bucket/out", "--machine", "q-1" }, "no spot 'q-1'" },
    } do
      local result = dry_run(table.unpack(case[1]))

      assert.equal(2, result.code)
      assert.matches(case[2], result.stderr, 1, true)
    end
  end)
end)

package.loaded["mrlua.engine"] = package.loaded["mrlua.engine"] or {}
local cache = require "mrlua.cli.cache"

local function complaint(...)
  return select(2, cache.parse { ... })
end

describe("mrlua/cli/cache parse()", function()
  it("shows without an action and clears with one", function()
    assert.same({}, cache.parse {})
    assert.same({ json = true }, cache.parse { "--json" })
    assert.same({ action = "clear" }, cache.parse { "clear" })
    assert.same({ action = "clear", older_seconds = 7 * 86400 },
      cache.parse { "clear", "--older-than", "7d" })
    assert.same({ action = "clear", place = "gs://b/p" },
      cache.parse { "clear", "--gcs", "gs://b/p" })
  end)

  it("refuses what it cannot mean", function()
    assert.equal("'clean' is not an action; there is 'clear'", complaint "clean")
    assert.equal("option '--older-than' needs 'clear'", complaint("--older-than", "7d"))
    assert.matches("'soon' is not an age", complaint("clear", "--older-than", "soon"))
    assert.equal("option '--gcs': 'bucket' is no place in a store; write gs://BUCKET or"
      .. " gs://BUCKET/PREFIX", complaint("--gcs", "bucket"))
  end)
end)

describe("mrlua/cli/cache text()", function()
  it("tells place, size and age", function()
    assert.equal(table.concat({
      "folder:     /c/mrlua",
      "runs:       2 maps, 5.00 MB",
      "checksums:  1 file, 4.10 KB",
      "limit:      10.0 MB, 50 % in use",
      "last used:  5.0 s to 2 h 0 min ago",
      "",
    }, "\n"), cache.text({ folder = "/c/mrlua", files = 2, file_bytes = 5000000, sums = 1,
      sum_bytes = 4096, newest_seconds = 5.0, oldest_seconds = 7200.0 }, 10000000))
  end)

  it("tells of an empty one", function()
    assert.equal(table.concat({
      "folder:     /c/mrlua",
      "runs:       0 maps, 0 B",
      "checksums:  0 files, 0 B",
      "limit:      0 B, 0 % in use",
      "",
    }, "\n"), cache.text({ folder = "/c/mrlua", files = 0, file_bytes = 0, sums = 0,
      sum_bytes = 0 }, 0))
  end)
end)

describe("mrlua/cli/cache store_text()", function()
  it("tells place, size, limit and age", function()
    local use = { place = "gs://b/mrlua-tmp/cache/", files = 2, file_bytes = 5000000,
      limit_seconds = 7 * 86400, newest_seconds = 5.0, oldest_seconds = 7200.0 }

    assert.equal(table.concat({
      "place:      gs://b/mrlua-tmp/cache/",
      "runs:       2 maps, 5.00 MB",
      "limit:      7 days old",
      "made:       5.0 s to 2 h 0 min ago",
      "",
    }, "\n"), cache.store_text(use))
    use.oldest_seconds = nil
    assert.is_nil(cache.store_text(use):find "made")
  end)
end)

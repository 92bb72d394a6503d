local cjson = require "cjson"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local folder

local function mrlua(argv, more)
  return engine.run(argv, { environment = ("XDG_CACHE_HOME=%s/cache %s"):format(folder,
    more or "") })
end

local function fill()
  local input = temp.write(folder .. "/in", "some words\n")
  local result = mrlua { "run", "jobs/wordcount.lua", input, "--reuse", "--quiet" }
  assert.equal(0, result.code, result.stderr)
end

local function told()
  return cjson.decode(mrlua({ "cache", "--json" }).stdout)
end

describe("mrlua cache", function()
  temp.each(function(path)
    folder = path
  end)

  it("is empty before anything is kept, and makes nothing", function()
    local result = mrlua { "cache" }

    assert.equal(0, result.code)
    assert.equal(("folder:     %s/cache/mrlua\nruns:       0 maps, 0 B\n"):format(folder),
      result.stdout:match("^.-\n.-\n"))
    assert.is_false(temp.exists(folder .. "/cache"))
  end)

  it("tells what is kept, its limit and age", function()
    fill()
    local result = mrlua({ "cache" }, "MRLUA_CACHE_SIZE=1G")

    assert.matches("\nruns:       1 map, ", result.stdout)
    assert.matches("\nchecksums:  1 file, ", result.stdout)
    assert.matches("\nlimit:      1.07 GB, 0 %% in use\n", result.stdout)
    assert.matches("\nlast used:  [%d.]+ m?s to [%d.]+ m?s ago\n$", result.stdout)
  end)

  it("tells programs the same", function()
    fill()
    local object = told()

    assert.equal(folder .. "/cache/mrlua", object.folder)
    assert.equal(1, object.files)
    assert.equal(1, object.sums)
    assert.is_true(object.file_bytes > 0 and object.sum_bytes > 0)
    assert.equal(10 << 30, object.limit_bytes)
    assert.is_true(object.oldest_seconds >= object.newest_seconds)
  end)

  it("clears what is older, or all", function()
    fill()
    local kept = mrlua { "cache", "clear", "--older-than", "1h" }
    assert.equal("removed: 0 maps, 0 B; 0 checksums, 0 B\n", kept.stdout)
    assert.equal(1, told().files)

    local gone = mrlua { "cache", "clear" }
    assert.matches("^removed: 1 map, [%d.]+ KB; 1 checksum, [%d.]+ KB\n$", gone.stdout)
    assert.equal(0, told().files)
    assert.equal(0, told().sums)
  end)

  it("refuses a limit that is none, by its name", function()
    local result = mrlua({ "cache" }, "MRLUA_CACHE_SIZE=much")

    assert.equal(2, result.code)
    assert.matches("MRLUA_CACHE_SIZE: 'much' is not a size", result.stderr)
  end)

  it("explains itself", function()
    local result = mrlua { "cache", "--help" }

    assert.equal(0, result.code)
    assert.matches("Usage: mrlua cache %[clear%]", result.stdout)
    assert.matches("10G", result.stdout)
  end)
end)

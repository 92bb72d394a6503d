-- mrlua logs: what the functions of a job have printed.

local cjson = require "cjson"
local engine = require "spec.support.engine"
package.loaded["mrlua.engine"] = package.loaded["mrlua.engine"] or {}
local logs = require "mrlua.cli.logs"
local temp = require "spec.support.temp"

local folder

local function mrlua(argv)
  return engine.run(argv, { folder = folder,
    environment = "XDG_STATE_HOME=" .. temp.quote(folder) })
end

local JOB = [[return { reduce = function(key, values, emit) print("reducing", key) end,
  map = function(key, line, emit) print("mapping", line) emit(line, 1) end }]]

-- Maps of a line each: split at every third byte.
local function run(source, text)
  temp.write(folder .. "/job.lua", source)
  temp.write(folder .. "/in", text)
  return mrlua { "run", "job.lua", "in", "--slots", 1, "--reducers", 1, "--split-size", 2,
    "--tmp", folder, "--quiet" }
end

describe("mrlua logs", function()
  temp.each(function(path) folder = path end)

  it("prints what each attempt has printed, in order", function()
    run(JOB, "a\nb\n")

    assert.matches("^== map 0, attempt 1\nmapping\ta\n== map 1, attempt 1\nmapping\tb\n"
      .. "== reduce 0, attempt 1\nreducing\ta\nreducing\tb\n$", mrlua({ "logs", "r1" }).stdout)
  end)

  it("counts the attempts of a task", function()
    run([[return { attempts = 2, reduce = "sum",
      map = function() print "trying" local s = "x" while true do s = s .. s end end }]], "x\n")

    assert.equal("== map 0, attempt 1\ntrying\n== map 0, attempt 2\ntrying\n",
      mrlua({ "logs", "r1" }).stdout)
  end)

  it("prints one task's, when that is asked for", function()
    run(JOB, "a\nb\n")
    local result = mrlua { "logs", "r1", "--task", "m1" }

    assert.equal(0, result.code)
    assert.matches("^== map 1, attempt %d+\nmapping\tb\n$", result.stdout)
  end)

  it("prints an attempt as a line of JSON", function()
    run(JOB, "a\nb\n")
    local line = mrlua({ "logs", "r1", "--task", "r0", "--json" }).stdout
    local told = cjson.decode(line)

    assert.equal("r0", told.task)
    assert.same({ "reducing\ta", "reducing\tb" }, told.lines)
  end)

  it("keeps lines as they were, but obeys none on a terminal", function()
    run([[return { reduce = "sum", map = function() print("a\\b\nc\27[31m") end }]], "x\n")

    assert.matches("\na\\b\nc%?%[31m\n$", mrlua({ "logs", "r1" }).stdout)
    assert.same({ "a\\b\nc\27[31m" },
      cjson.decode(mrlua({ "logs", "r1", "--json" }).stdout).lines)
  end)

  it("says where an attempt was cut", function()
    run([[return { reduce = "sum", map = function()
      for i = 1, 1000 do print(("x"):rep(100)) end end }]], "x\n")
    local text = mrlua({ "logs", "r1" }).stdout

    assert.is_true(#text < 70000)
    assert.matches("the rest of what this attempt prints is dropped\n$", text)
  end)

  it("has what was printed before a failure", function()
    run([[return { reduce = "sum", map = function() print "before" error "no" end }]], "x\n")

    assert.matches("\nbefore\n$", mrlua({ "logs", "r1" }).stdout)
  end)

  it("tells the steps of a job apart", function()
    temp.write(folder .. "/job.lua", [[return { steps = {
      { map = function(key, line, emit) print("first", line) emit(1, 1) end, reduce = "sum" },
      { map = function(key, value) print("second", value) end, reduce = "sum" },
    } }]])
    temp.write(folder .. "/in", "a\n")
    mrlua { "run", "job.lua", "in", "--slots", 1, "--reducers", 1, "--tmp", folder }
    local text = mrlua({ "logs", "r1" }).stdout

    assert.matches("^== step 1, map 0, attempt %d+\nfirst\ta\n"
      .. "== step 2, map 0, attempt %d+\nsecond\t1\n$", text)
    assert.matches("^== step 2", mrlua({ "logs", "r1", "--task", "2.m0" }).stdout)
  end)

  it("has what a driver has printed", function()
    temp.write(folder .. "/job.lua", [[return { drive = function(mr)
      print "driving"
      return { map = function(key, line, emit) print("mapping", line) emit(1, 1) end,
        reduce = "sum" }
    end }]])
    temp.write(folder .. "/in", "a\n")
    mrlua { "run", "job.lua", "in", "--slots", 1, "--reducers", 1, "--tmp", folder }

    assert.matches("== driver 0, attempt 1\ndriving\n", mrlua({ "logs", "r1" }).stdout)
  end)

  it("says when there is nothing", function()
    run([[return { reduce = "sum", map = function() error "no" end }]], "a\nb\n")
    local result = mrlua { "logs", "r1" }

    assert.equal("mrlua: nothing was printed\n", result.stderr)
    assert.equal("", result.stdout)
    assert.equal(0, result.code)
  end)

  it("knows neither jobs that are not there nor what is none", function()
    assert.matches("there is nothing of run r1", mrlua({ "logs", "r1" }).stderr)
    local result = mrlua { "logs", "x1" }
    assert.equal(2, result.code)
    assert.matches("'x1' is neither the number of a job, nor a run %(r17%), nor 'last'",
      result.stderr)
  end)

  it("finds the newest run as 'last', and the run that wrote an output", function()
    run(JOB, "a\n")
    mrlua { "run", "job.lua", "in", "-o", folder .. "/out", "--tmp", folder, "--quiet" }
    local nobody = { "--master", "127.0.0.1:1" }
    local expected = mrlua({ "logs", "r2" }).stdout

    assert.matches("mapping\ta\n", expected)
    for _, name in ipairs { "last", "out" } do
      assert.equal(expected, mrlua({ "logs", name, table.unpack(nobody) }).stdout)
    end
  end)

  it("is a command with help and an example", function()
    assert.matches("mrlua logs r17 %-%-task m3", engine.output { "logs", "--help" })
  end)
end)

describe("lua/mrlua/cli/logs", function()
  it("takes lines apart by attempt, in the order of first lines", function()
    local list = logs.attempts_of("m1-2\tone\nm0-1\ttwo\nm1-2\ta\\\\b\\nc\\rd\ndamaged\n"
      .. "x\ty\nm0\ty\nword-1\ty\nm0-99999999999999999999\ty\n")

    assert.same({
      { task = "m1", attempt = 2, lines = { "one", "a\\b\nc\rd" } },
      { task = "m0", attempt = 1, lines = { "two" } },
    }, list)
  end)
end)

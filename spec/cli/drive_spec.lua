-- Jobs of several steps in `mrlua run`.

local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

-- Lengths of words and how often: a map, a map with reduce, and a map with reduce.
local STEPS <const> = [[
  return { params = { least = 1 }, steps = {
    { map = "words" },
    { map = function(word, n, emit) emit(#word, n) end, reduce = "sum" },
    { map = function(length, n, emit)
        mr.count "lengths"
        if n >= mr.params.least then emit(n, length) end
      end, reduce = "identity" },
  } }]]

-- The same, and then halved until all are 0.
local DRIVER <const> = [[
  local job = { params = { by = { default = 2, min = 2 } }, steps = {} }
  local steps = job.steps
  function steps.length(word, n, emit) emit(#word, n) end
  function steps.halve(length, n, emit)
    mr.count("left", n // mr.params.by)
    emit(length, n // mr.params.by)
  end
  function job.drive(mr, params)
    local step, rounds = mr.run { map = "words", reduce = "sum", combine = "sum" }, 0
    step = mr.run { map = steps.length, reduce = "sum", inputs = step, reducers = 3 }
    repeat
      step, rounds = mr.run { map = steps.halve, reduce = "sum", inputs = step }, rounds + 1
    until step:counter "left" == 0
    print("rounds", rounds)
    return { map = "identity", reduce = "max", inputs = step }
  end
  return job]]

describe("a job of several steps", function()
  local folder

  temp.each(function(path)
    folder = path
    temp.write(folder .. "/steps.lua", STEPS)
    temp.write(folder .. "/driver.lua", DRIVER)
    os.execute("mkdir " .. folder .. "/tmp")
  end)

  local function run(name, flags)
    return engine.run { "run", folder .. "/" .. name, texts.GPL, "--tmp", folder .. "/tmp",
      table.unpack(flags or {}) }
  end

  local function is_clean()
    return #temp.list(folder .. "/tmp") == 0
  end

  it("means with steps what dryrun says, however it is cut", function()
    local expected = meaning.output(folder .. "/steps.lua", { texts.GPL })

    for _, flags in ipairs { {}, { "--split-size", "1K" }, { "--param", "least=1" } } do
      local ended = run("steps.lua", flags)
      assert.equal(0, ended.code, ended.stderr)
      assert.equal(expected, ended.stdout)
    end
    assert.is_true(is_clean())
  end)

  it("means with drive what dryrun says", function()
    local ended = run "driver.lua"

    assert.equal(0, ended.code, ended.stderr)
    assert.equal(meaning.output(folder .. "/driver.lua", { texts.GPL }), ended.stdout)
    assert.matches("param 'by' must be an integer of at least 2, not '1'",
      run("driver.lua", { "--param", "by=1" }).stderr, 1, true)
    assert.is_true(is_clean())
  end)

  it("tells of each step, and which it is", function()
    local stderr = run("steps.lua").stderr

    assert.matches("step 1/2, map: %d+ tasks?, 35.1 KB, ", stderr)
    assert.matches("step 2/2, reduce: 1 task, ", stderr)
    stderr = run("driver.lua").stderr
    assert.matches("step 1, map: %d+ tasks?, ", stderr)
    assert.matches("\nrounds\t11\n", stderr)
    assert.equal("", run("driver.lua", { "--quiet" }).stderr:gsub("rounds\t11\n", ""))
  end)

  it("commits the last step's output, with what that counted, and no other", function()
    local out = folder .. "/out"
    local ended = run("steps.lua", { "-o", out, "--json", "--quiet", "--param", "least=100" })
    local outcome = require("mrlua.json").decode(ended.stdout)

    assert.same({ "_SUCCESS", "part-00000" }, temp.list(out))
    assert.same({ true, 2, out, 35149 },
      { outcome.ok, outcome.steps, outcome.output, outcome.input_bytes })
    assert.is_true(outcome.counters["user.lengths"] > 10)
    assert.equal(outcome.records, #dryrun.run(meaning.load(folder .. "/steps.lua"),
      temp.read(texts.GPL), { least = 100 }))
    assert.is_true(is_clean())
  end)

  it("keeps the outputs of its steps when it is asked to", function()
    local kept = folder .. "/kept"
    local ended = run("driver.lua", { "--quiet", "--keep", kept })

    assert.equal(0, ended.code, ended.stderr)
    assert.equal(13, #temp.list(kept))
    assert.same({ "_SUCCESS", "part-00000", "part-00001", "part-00002" },
      temp.list(kept .. "/step-2"))
  end)

  it("is over with the first step that fails, which is named", function()
    temp.write(folder .. "/bad.lua", [[
      return { steps = { { map = "words", reduce = "sum" },
        { map = function(word) error("boo " .. word) end, reduce = "sum" } } }]])
    local ended = run("bad.lua", { "-o", folder .. "/out" })

    assert.equal(1, ended.code)
    assert.matches("^step 1/2, .*\nmrlua: step 2/2: .*bad.lua:2: boo %u%w*, at key \"%u%w*\" "
      .. "%(number %d+%)\n", ended.stderr)
    assert.is_false(temp.exists(folder .. "/out/_SUCCESS"))
    assert.same({}, temp.list(folder .. "/out"))
    assert.is_true(is_clean())
  end)

  it("is over when its driver raises, and says where", function()
    temp.write(folder .. "/bad.lua", [[
      local job = {}
      function job.drive(mr)
        mr.run { map = function() end }
      end
      return job]])
    local ended = run("bad.lua", { "-o", folder .. "/out" })

    assert.equal(1, ended.code)
    assert.matches("bad.lua:3: mr.run: field 'map' is a function that is not in the job table "
      .. "%(it begins at [^ ]*bad.lua:3%)", ended.stderr)
    assert.matches("\nstack traceback:\n\t[^ ]*bad.lua:3: in function <[^ ]*bad.lua:2>\n$",
      ended.stderr)
    assert.same({}, temp.list(folder .. "/out"))
    assert.is_true(is_clean())
  end)

  it("finds an output that is there before its first step", function()
    os.execute("mkdir " .. folder .. "/out")
    temp.write(folder .. "/out/part-00007", "")
    local ended = run("driver.lua", { "-o", folder .. "/out" })

    assert.equal(2, ended.code)
    assert.matches("^mrlua: output [^\n]* is not empty", ended.stderr)
  end)

  it("replaces an output with --overwrite when the last step is committed", function()
    os.execute("mkdir " .. folder .. "/out")
    temp.write(folder .. "/out/part-00007", "")
    local ended = run("driver.lua", { "-o", folder .. "/out", "--overwrite", "--quiet" })

    assert.equal(0, ended.code, ended.stderr)
    assert.same({ "_SUCCESS", "part-00000" }, temp.list(folder .. "/out"))
  end)

  it("reads standard input with one step, and says so to a second", function()
    temp.write(folder .. "/twice.lua", [[
      local job = {}
      function job.drive(mr)
        mr.run { map = "words", reduce = "sum" }
        return { map = "words", reduce = "sum" }
      end
      return job]])
    local once = engine.run({ "run", folder .. "/driver.lua", "-", "--quiet" }, { input = "a b b" })
    local twice = engine.run({ "run", folder .. "/twice.lua", "-", "--quiet" }, { input = "a b b" })

    assert.equal("1\t0\n", once.stdout)
    assert.equal(1, twice.code)
    assert.matches("step 2: standard input %(%-%) can be read by one step only", twice.stderr)
  end)

  it("leaves nothing when it is interrupted, whenever that is", function()
    temp.write(folder .. "/endless.lua", [[
      local job = {}
      function job.drive(mr)
        while true do mr.run { map = "words", reduce = "sum" } end
      end
      return job]])
    for delay = 1, 8 do
      local command = ("timeout -s INT -k 20 %.2f %s"):format(0.1 + delay * 0.037, engine.command {
        "run", folder .. "/endless.lua", texts.GPL, "--tmp", folder .. "/tmp", "-o",
        folder .. "/out", "--quiet" })
      local ended = engine.run_command(command)

      assert.equal(124, ended.code, ended.stderr) -- timeout's word for it
      assert.same({}, temp.list(folder .. "/out"))
      assert.is_true(is_clean())
    end
  end)
end)

-- P2: output is committed once; whoever looks sees complete parts, and _SUCCESS last. Here the
-- whole engine is killed at random moments.

local engine = require "spec.support.engine"
local session = require "spec.support.session"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local ROUNDS = 12

describe("kill -9 of the engine", function()
  local folder, out, expected, milliseconds

  local function argv(more)
    local words = { "run", "jobs/wordcount.lua", "--quiet", "--slots", "2", "--reducers", "4",
      "--split-size", "8K", "--tmp", folder, "-o", out, table.unpack(more or {}) }
    return table.move(texts.LICENSES, 1, #texts.LICENSES, #words + 1, words)
  end

  before_each(function()
    folder = temp.folder()
    out = folder .. "/out"
    local start = tonumber(temp.capture("date +%s%3N"))
    engine.output(argv())
    milliseconds = tonumber(temp.capture("date +%s%3N")) - start
    expected = {}
    for _, name in ipairs(temp.list(out)) do
      expected[name] = temp.read(out .. "/" .. name)
    end
    temp.remove(out)
  end)

  after_each(function()
    temp.remove(folder)
  end)

  local function count_parts()
    local count = 0
    for _, name in ipairs(temp.list(out)) do
      if name:find("^part%-") then
        assert.is_true(temp.read(out .. "/" .. name) == expected[name], name .. " is not complete")
        count = count + 1
      end
    end
    return count
  end

  it("leaves no process, no incomplete part, and nothing that a second run minds", function()
    local seed = texts.seed(2)
    math.randomseed(seed)
    for round = 1, ROUNDS do
      local delay = math.random(0, milliseconds) / 1000
      local what = ("SEED=%d, round %d, killed after %.3f s"):format(seed, round, delay)
      local id = session.start(engine.command(argv()))
      os.execute(("sleep %.3f"):format(delay))
      session.signal(id, "KILL")

      assert.is_true(session.ends_within(id, 10), what .. ": a process is left")
      local parts = count_parts()
      if temp.exists(out .. "/_SUCCESS") then
        assert.equal(4, parts, what)
      end
      engine.output(argv { "--overwrite" })
      assert.equal(4, count_parts(), what)
      assert.is_true(temp.exists(out .. "/_SUCCESS"), what)
      assert.same({ "_SUCCESS", "part-00000", "part-00001", "part-00002", "part-00003" },
        temp.list(out), what)
      temp.remove(out)
    end
  end)
end)

describe("kill -9 of the engine while it overwrites", function()
  it("leaves all of the old output or all of the new one", function()
    local folder = temp.folder()
    local out = folder .. "/out"
    local function argv(job)
      return { "run", job, "--quiet", "--overwrite", "--reducers", "4", "--split-size", "8K",
        "--tmp", folder, "-o", out, texts.GPL }
    end
    engine.output(argv "jobs/sort.lua")
    local old = engine.parts(out)
    local start = tonumber(temp.capture("date +%s%3N"))
    engine.output(argv "jobs/wordcount.lua")
    local milliseconds = tonumber(temp.capture("date +%s%3N")) - start
    local new = engine.parts(out)
    local seed = texts.seed(3)
    math.randomseed(seed)
    local seen_count = { [old] = 0, [new] = 0 }

    for round = 1, ROUNDS do
      engine.output(argv "jobs/sort.lua")
      local delay = math.random(0, milliseconds * 5 // 4) / 1000
      local id = session.start(engine.command(argv "jobs/wordcount.lua"))
      os.execute(("sleep %.3f"):format(delay))
      session.signal(id, "KILL")
      assert(session.ends_within(id, 10))

      local left = engine.parts(out)
      assert.truthy(seen_count[left], ("SEED=%d, round %d, killed after %.3f s: neither")
        :format(seed, round, delay))
      seen_count[left] = seen_count[left] + 1
    end
    engine.output(argv "jobs/wordcount.lua")
    local at_last, names = engine.parts(out), temp.list(folder)
    temp.remove(folder)

    assert.is_true(at_last == new)
    for _, name in ipairs(names) do
      assert.is_nil(name:find("^%.out"), name .. " is left")
    end
  end)
end)

describe("an output folder", function()
  it("that is not empty is refused before anything runs, and stays as it was", function()
    local folder = temp.folder()
    temp.write(folder .. "/mine", "keep")

    local result = engine.run { "run", "jobs/wordcount.lua", "-o", folder, texts.GPL }

    local names, contents = temp.list(folder), temp.read(folder .. "/mine")
    temp.remove(folder)
    assert.equal(2, result.code)
    assert.same({ "mine" }, names)
    assert.equal("keep", contents)
  end)
end)

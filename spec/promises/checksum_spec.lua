-- P5: one flipped byte in what mrlua wrote is found, and no job sees it.

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local COUNT_JOB = [[
return {
  input = "run",
  map = function(key, value, emit) emit(key, value) end,
  reduce = "sum",
}
]]

local RUN_JOB = [[
return {
  map = function(_, line, emit)
    for word in line:gmatch("%a+") do emit(word, 1) end
  end,
  reduce = "sum", output = "run",
}
]]

describe("one flipped byte", function()
  local folder, out

  before_each(function()
    folder = temp.folder()
    out = folder .. "/out"
    temp.write(folder .. "/count.lua", COUNT_JOB)
    temp.write(folder .. "/run.lua", RUN_JOB)
  end)

  after_each(function()
    temp.remove(folder)
  end)

  local function run_file_argv()
    return { "run", folder .. "/run.lua", "--quiet", "--reducers", "1", "-o", out, texts.GPL }
  end

  local function flip(path, at, bit)
    local bytes = temp.read(path)
    temp.write(path, bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ (1 << bit))
      .. bytes:sub(at + 1))
    return bytes
  end

  -- Flips a random bit of a file, `rounds` times, undoing each; answers what `see` says each time.
  local function each_flip(path, rounds, see)
    local seed = texts.seed(5)
    math.randomseed(seed)
    for _ = 1, rounds do
      local at, bit = math.random(#temp.read(path)), math.random(0, 7)
      local was = flip(path, at, bit)
      see(("SEED=%d, bit %d of byte %d"):format(seed, bit, at))
      temp.write(path, was)
    end
  end

  it("in a committed part is found through its manifest", function()
    engine.output { "run", "jobs/wordcount.lua", "--quiet", "--reducers", "2", "-o", out,
      texts.GPL }
    engine.output { "inspect", out }

    each_flip(out .. "/part-00001", 20, function(what)
      local result = engine.run { "inspect", out }

      assert.equal(1, result.code, what)
      assert.truthy(result.stdout:find("part%-00001\t[^\n]*checksum"), result.stdout)
    end)
  end)

  it("in a run file is found before map sees a record of it", function()
    engine.output(run_file_argv())
    local argv = { "run", folder .. "/count.lua", "--quiet", out .. "/part-00000" }
    local expected = engine.output(argv)

    each_flip(out .. "/part-00000", 30, function(what)
      local result = engine.run(argv)

      assert.equal(1, result.code, what)
      assert.equal("", result.stdout, what)
      assert.truthy(result.stderr:find("part-00000", 1, true), what .. ": " .. result.stderr)
    end)
    assert.equal(expected, engine.output(argv))
  end)

  it("in a cut run file is found too", function()
    engine.output(run_file_argv())
    local path = out .. "/part-00000"
    local bytes = temp.read(path)

    for _, length in ipairs { 0, 1, #bytes // 2, #bytes - 1 } do
      temp.write(path, bytes:sub(1, length))
      local result = engine.run { "run", folder .. "/count.lua", "--quiet", path }

      assert.equal(1, result.code, length .. " bytes")
      assert.equal("", result.stdout)
    end
  end)
end)

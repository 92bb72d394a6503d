-- The built-in maps against the same in Lua, written here: the engine leaves the same parts, byte
-- for byte, whatever the text, the plan, the combiner and the compression.

local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

-- name, what a job says, what it means.
local CASES = {
  { "words", [[map = "words"]], [[map = function(_, line, emit)
      for word in line:gmatch("%a+") do emit(word, 1) end
    end]] },
  { "grep for a fixed string", [[map = "grep", params = { pattern = "a b" } ]],
    [[map = function(at, line, emit)
      if line:find("a b", 1, true) then emit(at, line) end
    end]] },
  { "grep for a carriage return", [[map = "grep", params = { pattern = "\r" } ]],
    [[map = function(at, line, emit)
      if line:find("\r", 1, true) then emit(at, line) end
    end]] },
  { "grep for a pattern", [[map = "grep", params = { pattern = "%d.-the" } ]],
    [[map = function(at, line, emit)
      if line:find("%d.-the") then emit(at, line) end
    end]] },
  { "grep for everything", [[map = "grep", params = { pattern = "" } ]],
    [[map = function(at, line, emit) emit(at, line) end]] },
  { "field by blanks", [[map = "field", params = { field = 2 } ]],
    [[map = function(_, line, emit)
      emit(line:match("^[ \t]*[^ \t]+[ \t]+([^ \t]+)") or "", line)
    end]] },
  { "field by a byte", [[map = "field", params = { field = 3, separator = "a" } ]],
    [[map = function(_, line, emit)
      emit(line:match("^[^a]*a[^a]*a([^a]*)") or "", line)
    end]] },
  { "field 0", [[map = "field", params = { field = 0 } ]],
    [[map = function(_, line, emit) emit(line, true) end]], keys_are_lines = true },
}

local SUMMED = [[combine = "sum", reduce = "sum"]]
local COUNTED = [[combine = "count", reduce = "count"]]
local KEPT = [[reduce = "identity"]]

local function inputs()
  local seed = texts.seed(20261123)
  local long = ("word "):rep(60000) .. ("x"):rep(50000)
  return {
    { "text", temp.read(texts.GPL) },
    { "odd", texts.generate(seed, 3000) },
    { "ends in a newline", texts.generate(seed + 1, 300) .. "\n" },
    { "ends in a carriage return", "a b\ra\r\n\r\n\0\0\n\na b\r" },
    { "long lines", long .. "\r\n" .. long .. " the\n1 a b the" .. long, has_long_lines = true },
    { "empty", "" },
  }
end

describe("a built-in map", function()
  local folder

  temp.each(function(path)
    folder = path
  end)

  local function parts(map, ending, input, flags)
    local job = temp.write(folder .. "/job.lua", ("return { %s, %s }"):format(map, ending))
    local argv = { "run", job, "--quiet", "--overwrite", "-o", folder .. "/out",
      table.unpack(flags) }
    argv[#argv + 1] = input
    engine.output(argv)
    return engine.parts(folder .. "/out")
  end

  -- Not assert.equal: a difference of 100 KB helps nobody.
  local function agrees(case, ending, input, flags, what)
    local expected = parts(case[3], ending, input, flags)
    local found = parts(case[2], ending, input, flags)
    assert(found == expected, ("%s, %s, %s: %d bytes came and %d were expected"):format(case[1],
      ending, what, #found, #expected))
  end

  for _, case in ipairs(CASES) do
    it("leaves what its Lua leaves: " .. case[1], function()
      for _, input in ipairs(inputs()) do
        if not (case.keys_are_lines and input.has_long_lines) then -- a key has 64 KiB at most
          local path = temp.write(folder .. "/input", input[2])
          agrees(case, KEPT, path, { "--reducers", "2" }, input[1])
          agrees(case, COUNTED, path, { "--reducers", "1", "--split-size", "7000" }, input[1])
        end
      end
    end)
  end

  it("leaves the same through combiners, reducers, splits and compression", function()
    local words = CASES[1]
    local path = temp.write(folder .. "/input", texts.generate(texts.seed(7), 2000))
    temp.capture(("gzip -k %s"):format(temp.quote(path)))
    for _, reducers in ipairs { 1, 2, 5 } do
      for _, ending in ipairs { SUMMED, COUNTED, KEPT, [[reduce = "count"]],
        [[combine = "max", reduce = "max"]] } do
        agrees(words, ending, path, { "--reducers", reducers, "--split-size", "3001" }, "text")
        agrees(words, ending, path .. ".gz", { "--reducers", reducers }, "gzip")
      end
    end
  end)

  it("means on dryrun what its Lua means", function()
    local text = texts.generate(texts.seed(11), 300)
    for _, case in ipairs(CASES) do
      local function meant(map)
        return dryrun.run(load(("return { %s, %s }"):format(map, KEPT))(), text)
      end
      assert.same(meant(case[3]), meant(case[2]), case[1])
    end
  end)

  it("maps whole files too, with input = \"file\"", function()
    local path = temp.write(folder .. "/input", "b a\nb\n")
    assert.matches("== part%-00000\na\t1\nb\t2\n$",
      parts([[input = "file", map = "words"]], SUMMED, path, {}))
  end)
end)

describe("a built-in map whose params are wrong", function()
  local function message_of(job, ...)
    local folder <const> = temp.folder()
    local path = temp.write(folder .. "/job.lua", job)
    local result = engine.run { "run", path, texts.GPL, ... }
    temp.remove(folder)
    assert.not_equal(0, result.code)
    return result.stderr
  end

  it("is refused before anything runs", function()
    assert.matches("job.lua: job field 'map' is \"grep\" and needs params.pattern, a string",
      message_of [[return { map = "grep", reduce = "identity" }]])
    assert.matches("job field 'map' is \"field\" and needs params.field, an integer",
      message_of [[return { map = "field", reduce = "identity", params = { field = "2" } }]])
  end)

  it("is refused when a run makes them so", function()
    local job = [[return { map = "field", reduce = "identity",
      params = { field = 1, separator = "" } }]]
    assert.matches("needs params.field, an integer", message_of(job, "--param", "field=-1"))
    assert.matches("needs as params.separator a string of one byte",
      message_of(job, "--param", "separator=::"))
  end)
end)

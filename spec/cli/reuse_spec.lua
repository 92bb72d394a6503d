local cjson = require "cjson"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local folder

local JOB = [[
return {
  params = { least = 1 },
  map = function(_, line, emit)
    for word in line:gmatch("%a+") do
      if #word >= mr.params.least then emit(word, 1) end
    end
  end,
  combine = "sum", reduce = "sum", reducers = 3,
}
]]

local FILES <const> = 12

local function write(name, text)
  return temp.write(folder .. "/" .. name, text)
end

-- The i-th input: words that only it has, and words that all have.
local function input_text(i)
  local lines = {}
  for n = 1, 40 do
    lines[n] = ("all words of %s and %s"):format(("f"):rep(i), ("x"):rep(n))
  end
  return table.concat(lines, "\n") .. "\n"
end

local function environment(more)
  return ("XDG_CACHE_HOME=%s/cache TMPDIR=%s/tmp %s"):format(folder, folder, more or "")
end

local function mrlua(argv, more)
  return engine.run(argv, { environment = environment(more) })
end

local count = 0

-- Runs the job, a map per input unless flags say otherwise, and answers its output and what --json
-- tells.
local function run(flags, more)
  count = count + 1
  local out = ("%s/out-%d"):format(folder, count)
  local argv = { "run", folder .. "/job.lua", folder .. "/in", "-o", out, "--json",
    table.unpack(flags) }
  if not table.concat(flags, " "):find("--split-size", 1, true) then
    table.move({ "--split-size", "1M" }, 1, 2, #argv + 1, argv)
  end
  local result = mrlua(argv, more)
  assert.equal(0, result.code, result.stderr)
  assert.same({}, temp.list(folder .. "/tmp"))
  local told = cjson.decode(result.stdout)
  return engine.parts(out), told.counters.map_reused, told, result.stderr
end

-- The same on standard input: the records, and the counter.
local function run_on(text)
  local result = engine.run({ "run", folder .. "/job.lua", "-", "--reuse", "--json",
    "--split-size", "1M" }, { environment = environment(), input = text })
  assert.equal(0, result.code, result.stderr)
  return result.stdout, cjson.decode(result.stderr:match("({.*})\n$")).counters.map_reused
end

-- The files below the cache that have this name.
local function kept(name)
  local paths = {}
  local found = temp.capture(("find %s/cache -name %s | sort"):format(folder, name))
  for path in found:gmatch("%S+") do
    paths[#paths + 1] = path
  end
  return paths
end

describe("mrlua run --reuse", function()
  temp.each(function(path)
    folder = path
    os.execute(("mkdir -p %s/in %s/tmp"):format(folder, folder))
    write("job.lua", JOB)
    for i = 1, FILES do
      write(("in/%02d"):format(i), input_text(i))
    end
  end)

  it("says on a pipe how many maps were taken", function()
    local argv = { "run", folder .. "/job.lua", folder .. "/in", "--reuse", "--split-size", "1M" }
    mrlua(argv)
    local maps, line = mrlua(argv).stderr:match "^map: (%d+) tasks.-\n(reused: [^\n]+)\n$"

    assert.equal(("reused: %s of %s maps"):format(maps, maps), line)
  end)

  it("gives the same output, run or reused", function()
    local without, none = run {}
    local first, made = run { "--reuse" }
    local second, reused = run { "--reuse" }

    assert.is_nil(none)
    assert.equal(0, made)
    assert.equal(FILES, reused)
    assert.equal(without, first)
    assert.equal(without, second)
  end)

  it("says in the manifest how many maps were not run", function()
    run { "--reuse" }
    run { "--reuse" }

    local manifest = temp.read(("%s/out-%d/_SUCCESS"):format(folder, count))
    assert.matches('"map_reused":12', manifest)
  end)

  it("runs only the maps of what has changed", function()
    run { "--reuse" }
    write("in/03", input_text(33))
    os.execute(("touch -d yesterday %s/in/05"):format(folder)) -- but its content is the same
    local output, reused = run { "--reuse" }

    assert.equal(FILES - 1, reused)
    assert.equal(run {}, output)
  end)

  it("sees a change that keeps size and time", function()
    run { "--reuse" }
    local same_size = input_text(3):gsub("words", "worms")
    os.execute(("touch -r %s/in/03 %s/time"):format(folder, folder))
    write("in/03", same_size)
    os.execute(("touch -r %s/time %s/in/03"):format(folder, folder))
    local output, reused = run { "--reuse" }

    assert.equal(FILES - 1, reused)
    assert.equal(run {}, output)
  end)

  it("takes what an input had before when it has it again", function()
    run { "--reuse" }
    write("in/03", input_text(33))
    run { "--reuse" }
    write("in/03", input_text(3))

    assert.equal(FILES, (select(2, run { "--reuse" })))
  end)

  it("keeps the others when an input comes or goes", function()
    run { "--reuse" }
    write("in/00", input_text(40))
    assert.equal(FILES, (select(2, run { "--reuse" })))
    os.remove(folder .. "/in/04")
    assert.equal(FILES, (select(2, run { "--reuse" })))
  end)

  it("runs all maps again for another job, param, format or plan", function()
    run { "--reuse" }
    for _, flags in ipairs {
      { "--param", "least=3" }, { "--reducers", "2" }, { "--sort-buffer", "2M" },
      { "--split-size", "600" },
    } do
      assert.equal(0, (select(2, run { "--reuse", table.unpack(flags) })), flags[1])
    end
    write("job.lua", "-- another source\n" .. JOB)
    assert.equal(0, (select(2, run { "--reuse" })))
    write("job.lua", JOB)
    assert.equal(FILES, (select(2, run { "--reuse" })))
  end)

  it("takes maps of a range partition, whose cuts are those of the whole input", function()
    write("job.lua", (JOB:gsub("return {", 'return { partition = "range",', 1)))
    local first = run { "--reuse" }
    local second, reused = run { "--reuse" }

    assert.equal(FILES, reused)
    assert.equal(first, second)
    assert.equal(run {}, second)
  end)

  it("takes pieces of a large file", function()
    local _, _, first = run { "--reuse", "--split-size", "600" }
    local output, reused = run { "--reuse", "--split-size", "600" }

    assert.is_true(first.plan.split_count > FILES)
    assert.equal(first.plan.split_count, reused)
    assert.equal(run { "--split-size", "600" }, output)
  end)

  it("reads standard input again and takes its maps", function()
    local first, none = run_on(input_text(5))
    local second, reused = run_on(input_text(5))

    assert.equal(0, none)
    assert.equal(1, reused)
    assert.equal(first, second)
  end)

  it("finds damaged runs and notes, and makes them again (P5)", function()
    local good = run { "--reuse" }
    local runs, notes = kept "file", kept "note"
    assert.equal(FILES, #runs)
    local file <close> = assert(io.open(runs[2], "r+b"))
    file:seek("set", 70)
    file:write("damage")
    file:flush()
    temp.write(notes[5], "no note")
    os.execute(": >" .. temp.quote(runs[7]))
    local output, reused, _, stderr = run { "--reuse" }

    assert.equal(FILES - 3, reused)
    assert.equal(good, output)
    assert.matches("mrlua: cache: the kept run %x+ is damaged", stderr)
    output, reused = run { "--reuse" }
    assert.equal(FILES, reused)
    assert.equal(good, output)
  end)

  it("takes no run in the place of another", function()
    local good = run { "--reuse" }
    local runs = kept "file"
    os.rename(runs[1], folder .. "/aside")
    os.rename(runs[2], runs[1])
    os.rename(folder .. "/aside", runs[2])
    local output, reused = run { "--reuse" }

    assert.equal(FILES - 2, reused)
    assert.equal(good, output)
  end)

  it("removes the longest unused when it is larger than its limit", function()
    run { "--reuse" }
    local bytes = tonumber(temp.capture("du -s -B1 " .. folder .. "/cache/mrlua/files | cut -f1"))
    write("in/01", input_text(50))
    run({ "--reuse" }, "MRLUA_CACHE_SIZE=" .. bytes // 2)
    local told = cjson.decode(mrlua({ "cache", "--json" }).stdout)

    assert.is_true(told.file_bytes + told.sum_bytes <= bytes // 2)
    run { "--reuse", "--cache-size", "1" }
    assert.same({}, kept "file")
  end)

  it("may be used by many at once", function()
    local good = run {}
    local lines = {}
    for i = 1, 3 do
      lines[i] = ("%s %s &"):format(environment(), engine.command { "run", folder .. "/job.lua",
        folder .. "/in", "--reuse", "--split-size", "1M", "--quiet", "-o",
        ("%s/at-once-%d"):format(folder, i) })
    end
    lines[4] = ("%s %s &"):format(environment(), engine.command { "cache", "clear" })
    local result = engine.run_command("{ " .. table.concat(lines, "\n") .. "\nwait; }")

    assert.equal("", result.stderr)
    for i = 1, 3 do
      assert.equal(good, engine.parts(("%s/at-once-%d"):format(folder, i)))
    end
    assert.same({}, temp.list(folder .. "/cache/mrlua/tmp"))
  end)

  it("counts what the functions counted, though they did not run", function()
    write("job.lua", (JOB:gsub("emit%(word, 1%)", 'mr.count("words"); emit(word, 1)')))
    local _, _, first = run { "--reuse" }
    local _, reused, second = run { "--reuse" }
    first.counters.map_reused, second.counters.map_reused = nil, nil

    assert.equal(FILES, reused)
    assert.is_true(first.counters["user.words"] > 1000)
    assert.same(first.counters, second.counters)
  end)

  it("takes maps that write several outputs", function()
    write("job.lua", [[
      return { outputs = { long = "tsv" }, reduce = "sum",
        map = function(_, line, emit)
          emit(#line % 5, 1)
          if #line > 60 then mr.emit_to("long", #line, line) end
        end }]])
    local without = run {}
    run { "--reuse" }
    local output, reused = run { "--reuse" }

    assert.equal(FILES, reused)
    assert.equal(without, output)
    assert.is_truthy(temp.capture(("ls -R %s/out-%d"):format(folder, count)):find("long", 1, true))
  end)

  it("takes the maps of the first of several steps", function()
    write("job.lua", [[
      return { steps = {
        { map = function(_, line, emit) emit(#line, line) end, reduce = "list" },
        { map = function(length, lines, emit) emit(length % 5, #lines) end, reduce = "sum" },
      } }]])
    local without = run {}
    run { "--reuse" }
    write("in/03", input_text(33))
    write("in/03", input_text(3))
    local output, _, told = run { "--reuse" }

    assert.equal(without, output)
    assert.same({ count = FILES, maps = FILES }, told.reused)
  end)

  it("refuses jobs whose maps do not answer the same each time", function()
    write("job.lua", (JOB:gsub("return {", "return { deterministic = false,", 1)))
    local result = mrlua { "run", folder .. "/job.lua", folder .. "/in", "--reuse" }

    assert.equal(2, result.code)
    assert.matches("says deterministic = false", result.stderr)
    assert.is_false(temp.exists(folder .. "/cache"))
  end)

  it("says what to do where there is no cache to be", function()
    write("cache", "in the way")
    local result = mrlua { "run", folder .. "/job.lua", folder .. "/in", "--reuse" }

    assert.equal(2, result.code)
    assert.matches("/cache", result.stderr)
  end)
end)

--- Jobs with further outputs: what the engine writes to each is what dryrun says, in its order.

local cjson = require "cjson"
local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

-- Numbers are summed by their last digit; lines that are none go to errors, odd sums to rejected.
local BOTH <const> = [[
return {
  outputs = { errors = "jsonl", rejected = "jsonl" },
  output = "jsonl",
  combine = "sum",
  map = function(at, line, emit)
    local n = math.tointeger(tonumber(line))
    if n then emit(n % 10, n) else mr.emit_to("errors", at, line) end
  end,
  reduce = function(key, values, emit)
    local total = 0
    for value in values do total = total + value end
    if total % 2 == 0 then emit(key, total) else mr.emit_to("rejected", key, total) end
    if key == 3 then mr.emit_to("errors", "three", true) end
  end,
}
]]

local MAP_ONLY <const> = [[
return {
  outputs = { other = "jsonl" },
  output = "jsonl",
  map = function(at, line, emit)
    if #line % 2 == 0 then emit(at, line) else mr.emit_to("other", at, line) end
  end,
}
]]

local folder

temp.each(function(path)
  folder = path
end)

-- Lines of a file: numbers, and some that are none.
local function numbers(count)
  local lines = {}
  for i = 1, count do
    lines[i] = i % 97 == 0 and "what is " .. i or tostring(i * 7919 % 1000)
  end
  return lines
end

-- The records of all parts of an output, in the order of their names.
local function written(out, output)
  local records = {}
  for _, name in ipairs(temp.list(out)) do
    if name:find("^" .. output .. "%-%d+$") then
      for line in io.lines(out .. "/" .. name) do
        records[#records + 1] = cjson.decode(line)
      end
    end
  end
  return records
end

-- Runs the job over these lines, and expects of every output what dryrun says.
local function check(source, lines, flags)
  local path = temp.write(folder .. "/job.lua", source)
  local out = folder .. "/out"
  local input = temp.write(folder .. "/in", table.concat(lines, "\n") .. "\n")
  local records, _, _, further = dryrun.run(dofile(path), lines)

  engine.output(table.move(flags, 1, #flags, 7,
    { "run", path, input, "--quiet", "-o", out }))
  assert.same(records, written(out, "part"))
  for name, expected in pairs(further) do
    assert.same(expected, written(out, name))
  end
  return out, further
end

describe("a job with further outputs", function()
  it("writes to each what dryrun says, in order", function()
    local out, further = check(BOTH, numbers(5000), { "--reducers", 1 })

    assert.is_true(#further.errors > 50 and #further.rejected > 0)
    assert.same({ "_SUCCESS", "errors-00000", "errors-00001", "part-00000", "rejected-00000" },
      temp.list(out))
    assert.equal("", engine.run({ "inspect", out }).stderr)
  end)

  it("keeps the order of the input whatever the plan, and is combined beside them", function()
    check(BOTH, numbers(60000), { "--reducers", 1, "--split-size", "10K", "--sort-buffer", "1M",
      "--slots", 2 })
  end)

  it("writes the same bytes for any number of slots", function()
    local path = temp.write(folder .. "/job.lua", BOTH)
    local input = temp.write(folder .. "/in", table.concat(numbers(20000), "\n"))
    local function run(slots)
      local out = ("%s/out-%d"):format(folder, slots)
      engine.output { "run", path, input, "--quiet", "-o", out, "--slots", slots, "--reducers", 3,
        "--split-size", "8K" }
      return engine.parts(out)
    end

    assert.equal(run(1), run(3))
  end)

  it("writes them from its maps where it has no reduce", function()
    local out = check(MAP_ONLY, numbers(4000), { "--split-size", "4K" })

    assert.is_true(#temp.list(out) > 4)
  end)

  it("has no file of an output that nobody wrote to", function()
    local out = check(MAP_ONLY, { "ab", "cdef" }, {})

    assert.same({ "_SUCCESS", "part-00000" }, temp.list(out))
  end)

  it("compresses what says so, with a suffix, in the manifest too", function()
    local path = temp.write(folder .. "/job.lua", [[return {
      outputs = { a = "lines.gz", b = { format = "csv.zst", columns = { "x" } } },
      map = function(_, line) mr.emit_to("a", line, true) mr.emit_to("b", 1, { x = line }) end,
    }]])
    local input = temp.write(folder .. "/in", "one\ntwo\n")
    engine.output { "run", path, input, "--quiet", "-o", folder .. "/out" }

    assert.same({ "_SUCCESS", "a-00000.gz", "b-00000.zst", "part-00000" },
      temp.list(folder .. "/out"))
    assert.equal("one\ntwo", temp.capture("zcat " .. folder .. "/out/a-00000.gz"))
    local names = {}
    for _, part in ipairs(cjson.decode(temp.read(folder .. "/out/_SUCCESS")).parts) do
      names[#names + 1] = part.name .. " " .. math.tointeger(part.records)
    end
    assert.same({ "part-00000 0", "a-00000.gz 2", "b-00000.zst 2" }, names)
    assert.matches("b%-00000.zst\t%d+ bytes\t2 records\tcrc32c %x+\tgood",
      engine.output { "inspect", folder .. "/out" })
  end)

  it("may have steps, of which the last writes them", function()
    local steps = [[
local function count(key, values, emit)
  local total = 0
  for _ in values do total = total + 1 end
  if total > 1 and mr.params.emits then mr.emit_to("often", key, total) end
  emit(key, total)
end
return {
  output = "jsonl", %s params = { emits = %s },
  steps = {
    { map = function(_, line, emit) emit(#line, 1) end, reduce = "count" %s },
    { map = function(_, n, emit) emit(n > 0, 1) end, reduce = count },
  },
}]]
    check(steps:format('outputs = { often = "jsonl" },', "true", ""), numbers(300),
      { "--reducers", 1 })
    assert.is_true(#written(folder .. "/out", "often") > 0)

    local path = temp.write(folder .. "/bad.lua",
      steps:format("", "false", ', outputs = { often = "jsonl" }'))
    local result = engine.run { "run", path, "README.md", "-o", folder .. "/out-2" }
    assert.equal(2, result.code)
    assert.matches("steps[1]: field 'outputs' is there, and only the last step writes any",
      result.stderr, 1, true)
  end)

  it("may have a driver and inputs by name, of which each has a map", function()
    local path = temp.write(folder .. "/job.lua", [[
local job = {
  inputs = {
    text = { map = "words" },
    names = { input = "csv", map = function(_, row, emit) emit(row.name, 1) end },
  },
  output = "jsonl", outputs = { once = "jsonl", odd = "jsonl" }, steps = {},
}
function job.steps.by_number(word, n, emit)
  if n == 1 then mr.emit_to("once", word, n) end
  emit(n, 1)
end
function job.steps.count(n, ones, emit)
  local count = 0
  for _ in ones do count = count + 1 end
  if n % 2 == 1 then mr.emit_to("odd", n, count) end
  emit(n, count)
end
function job.drive(mr)
  local counts = mr.run { reduce = "sum" }
  return { inputs = counts, map = job.steps.by_number, reduce = job.steps.count }
end
return job]])
    local inputs = { names = "name\nb\na\n", text = "a b c a d\na\n" }
    local argv = { "run", path, "--quiet", "-o", folder .. "/out", "--reducers", 1 }
    for name, text in pairs(inputs) do
      argv[#argv + 1] = "--input"
      argv[#argv + 1] = ("%s=%s"):format(name, temp.write(folder .. "/" .. name, text))
    end
    engine.output(argv)
    local records, _, _, further = dryrun.run(dofile(path), inputs)

    assert.same({ { 1, 2 }, { 2, 1 }, { 4, 1 } }, records)
    assert.same({ { "c", 1 }, { "d", 1 } }, further.once)
    assert.same(records, written(folder .. "/out", "part"))
    assert.same(further.once, written(folder .. "/out", "once"))
    assert.same(further.odd, written(folder .. "/out", "odd"))
  end)

  it("keeps nothing of a record that is set aside", function()
    for _, reduce in ipairs { "", "reduce = 'identity'," } do
      local _, further = check([[return {
        outputs = { seen = "jsonl" }, output = "jsonl", skip_bad = 9, ]] .. reduce .. [[
        map = function(at, line, emit)
          mr.emit_to("seen", at, line)
          emit(at, line)
          if line:find "7" then error "a seven" end
        end,
      }]], { "1", "7", "2", "37" }, {})

      assert.same({ { 0, "1" }, { 4, "2" } }, further.seen)
      temp.remove(folder .. "/out")
    end
  end)

  it("needs a folder", function()
    local path = temp.write(folder .. "/job.lua", MAP_ONLY)
    local result = engine.run { "run", path, "README.md" }

    assert.equal(2, result.code)
    assert.equal(("mrlua: %s has further outputs (other), and standard output is one: give -o "
      .. "DIR\n"):format(path), result.stderr)
  end)

  it("names the output that was probably meant", function()
    local path = temp.write(folder .. "/job.lua",
      (MAP_ONLY:gsub('emit_to%("other"', 'emit_to("oter"')))
    local result = engine.run { "run", path, "README.md", "-o", folder .. "/out" }

    assert.equal(1, result.code)
    assert.matches("job.lua:5: mr.emit_to: the job has no output 'oter': did you mean 'other'?",
      result.stderr, 1, true)
    assert.is_false(temp.exists(folder .. "/out"))
  end)
end)

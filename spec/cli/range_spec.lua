-- partition = "range": the parts follow each other, so that together they are what one reducer
-- writes, and no part is much larger than another.

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local SORT = "jobs/sort.lua"
local REDUCERS = { 2, 3, 7, 40 }

local folder

local function write(name, text)
  return temp.write(folder .. "/" .. name, text)
end

local function job(body)
  return write("job.lua", "local state\nreturn {\n  partition = 'range',\n" .. body .. "\n}\n")
end

local function run(path, reducers, inputs, flags)
  local argv = { "run", path, "--quiet", "--reducers", reducers }
  table.move(inputs, 1, #inputs, #argv + 1, argv)
  table.move(flags or {}, 1, #(flags or {}), #argv + 1, argv)
  return argv
end

-- All parts, one after the other, are the one part of one reducer.
local function expect_order(path, inputs, what)
  local expected = engine.output(run(path, 1, inputs))
  for _, reducers in ipairs(REDUCERS) do
    local actual = engine.output(run(path, reducers, inputs))
    assert(expected == actual, ("%s, %d reducers: %d bytes are expected, %d came"):format(
      what or path, reducers, #expected, #actual))
  end
  return expected
end

-- The bytes of each part.
local function part_sizes(path, reducers, inputs)
  local out, sizes = folder .. "/out", {}
  engine.output(run(path, reducers, inputs, { "-o", out }))
  for i = 1, reducers do
    sizes[i] = #temp.read(("%s/part-%05d"):format(out, i - 1))
  end
  temp.remove(out)
  return sizes
end

-- How much larger the largest part is than they are on average.
local function imbalance(sizes)
  local sum = 0
  for _, size in ipairs(sizes) do
    sum = sum + size
  end
  return math.max(table.unpack(sizes)) / (sum / #sizes)
end

-- So many lines that begin with what `key` answers.
local function lines(count, key)
  local all = {}
  for i = 1, count do
    all[i] = ("%s %s\n"):format(key(i), ("x"):rep(40))
  end
  return table.concat(all)
end

local function random_key()
  return ("%010d"):format(math.random(0, 9999999999))
end

describe("a job with partition = \"range\"", function()
  before_each(function()
    folder = temp.folder()
    math.randomseed(20261122)
  end)

  after_each(function()
    temp.remove(folder)
  end)

  describe("writes parts that follow each other", function()
    it("whatever the lines are", function()
      expect_order(SORT, { write("odd", texts.generate(20261122, 3000)) }, "odd lines")
      expect_order(SORT, { write("same", ("the same line\n"):rep(1000)) }, "one key")
      expect_order(SORT, { write("few", "b\na\nc\n") }, "fewer keys than reducers")
      expect_order(SORT, { write("empty", "") }, "no input")
      expect_order(SORT, { write("skewed", lines(20000, function(i)
        return i % 10 == 0 and random_key() or "5000000000"
      end)) }, "a hot key")
    end)

    it("as LC_ALL=C sort does", function()
      local files = table.concat(texts.LICENSES, " ")

      local output = expect_order(SORT, texts.LICENSES)

      assert.is_true(output == temp.capture("LC_ALL=C sort " .. files) .. "\n")
    end)

    it("whatever the keys are", function()
      local path = job [[
        map = function(offset, line, emit)
          local n = offset * 7919 % 1000
          emit(n - 500, line)
          emit((n - 500) / 8, line)
          emit(n % 2 == 0, line)
          emit("\0" .. n .. "\0", line)
          emit({ "t", n, { n % 3, "\0" } }, line)
        end,
        reduce = "identity", output = "jsonl",]]

      expect_order(path, { texts.GPL })
    end)

    it("where groups stay together", function()
      local path = job [[
        group = 1,
        map = function(offset, line, emit)
          for word in line:gmatch("%a+") do emit({ word:sub(1, 1), offset, word }, 1) end
        end,
        reduce = function(key, values, emit)
          local count, last = 0, nil
          for n, full in values do count, last = count + n, full[2] end
          emit(key[1], count .. " " .. last)
        end,]]

      expect_order(path, texts.LICENSES)
    end)

    it("with a combiner, and what cleanup emits", function()
      expect_order(job [[
        map = function(_, line, emit)
          for word in line:gmatch("%a+") do emit(word, 1) end
        end,
        combine = "sum", reduce = "sum",]], texts.LICENSES)
      expect_order(job [[
        setup = function() state = {} end,
        map = function(_, line)
          for word in line:gmatch("%a+") do state[word] = (state[word] or 0) + 1 end
        end,
        cleanup = function(_, emit)
          for word, count in pairs(state) do emit(word, count) end
        end,
        reduce = "sum",]], texts.LICENSES)
    end)

    it("of whole files, of run files, of compressed ones", function()
      local runs, gz = folder .. "/runs", folder .. "/a.gz"
      local by_name = job [[
        input = "file", reduce = "identity",
        map = function(name, text, emit) emit(#text % 7 .. name, #text) end,]]
      expect_order(by_name, texts.HEADERS, "files")
      engine.output { "run", write("runs.lua", [[return {
        map = function(_, line, emit) emit(line, #line) end, reduce = "identity", output = "run",
      }]]), "--quiet", "--reducers", 3, "-o", runs, table.unpack(texts.LICENSES) }
      expect_order(job [[ input = "run", map = "identity", reduce = "identity",]],
        { runs .. "/part-*" }, "run files")
      os.execute(("gzip -c %s > %s"):format(texts.GPL, gz))
      expect_order(SORT, { gz, texts.LICENSES[1] }, "compressed")
    end)

    it("of more files than are looked at", function()
      local inputs = folder .. "/many"
      os.execute("mkdir " .. inputs)
      for i = 1, 400 do
        temp.write(("%s/%03d"):format(inputs, i), lines(3, random_key))
      end

      expect_order(SORT, { inputs .. "/*" })
    end)
  end)

  describe("writes parts that are even", function()
    it("when keys are", function()
      local input = write("even", lines(40000, random_key))

      for _, reducers in ipairs { 2, 4, 7 } do
        local uneven = imbalance(part_sizes(SORT, reducers, { input }))
        assert(uneven <= 1.3, ("%d parts, of %.2f means the largest"):format(reducers, uneven))
      end
    end)

    it("when only places of a large input are looked at, sorted or not", function()
      local sorted = write("sorted", lines(300000, function(i) return ("%010d"):format(i) end))
      local random = write("random", lines(300000, random_key))

      for _, input in ipairs { sorted, random } do
        local uneven = imbalance(part_sizes(SORT, 7, { input }))
        assert(uneven <= 1.3, ("%s: the largest is %.2f of the mean"):format(input, uneven))
      end
    end)

    -- A fifth of the keys, those from "8" on, have most of the bytes: parts of as many records each
    -- would have one of 2.9 means among 4. Records are small, so that a sample has many of them.
    it("in bytes, when records are large or small by their keys", function()
      local short, random = {}, {}
      for i = 1, 12000 do
        local key = random_key()
        short[i] = key .. "\n"
        random[i] = ("%s %s\n"):format(key, ("x"):rep(key < "8" and 5 or 150))
      end
      local keys, by_key = write("keys", table.concat(short)), write("by_key", table.concat(random))
      local jobs = {
        ["large keys"] = { SORT, by_key },
        ["large values"] = { write("values.lua", [[return {
          partition = "range", reduce = "identity",
          map = function(_, line, emit) emit(line:sub(1, 10), line:sub(12)) end,
        }]]), by_key },
        ["large values of small records"] = { write("made.lua", [[return {
          partition = "range", reduce = "identity",
          map = function(_, line, emit)
            emit(line, ("v"):rep(line < "8" and 1 or 150))
          end,
        }]]), keys },
      }

      for what, one in pairs(jobs) do
        for _, reducers in ipairs { 2, 4, 7 } do
          local uneven = imbalance(part_sizes(one[1], reducers, { one[2] }))
          assert(uneven <= 1.3, ("%s, %d parts, of %.2f means the largest"):format(what, reducers,
            uneven))
        end
      end
    end)

    it("when keys are not, as far as one key allows", function()
      local input = write("skewed", lines(40000, function(i)
        return i % 4 == 0 and "5000000000" or random_key():sub(1, 4) .. random_key():sub(1, 6)
      end))
      local sizes = part_sizes(SORT, 8, { input })
      table.sort(sizes)

      assert(sizes[8] <= #temp.read(input) * 0.27, "the hot key shares its part with others")
      table.remove(sizes)
      assert(imbalance(sizes) <= 1.3, table.concat(sizes, " "))
    end)
  end)

  it("writes the same parts each time, with any number of slots", function()
    local input = write("large", lines(120000, random_key))
    local first

    for _, slots in ipairs { 1, 2, 2 } do
      local out = ("%s/out-%d"):format(folder, slots)
      engine.output(run(SORT, 5, { input }, { "-o", out, "--slots", slots }))
      local parts = engine.parts(out)
      temp.remove(out)
      first = first or parts
      assert.is_true(first == parts)
    end
  end)

  it("is told by its map what is wrong with a record, not by the sample", function()
    local body = [[
      map = function(offset, line, emit)
        if line == "bad" then error("no such thing") end
        emit(line, 1)
      end,
      reduce = "sum",]]
    local input = write("input", ("good\n"):rep(1000) .. "bad\n" .. ("good\n"):rep(1000))
    local result = engine.run(run(job(body), 2, { input }))
    local hashed = engine.run(run(write("job.lua", "\nreturn {\n\n" .. body .. "}"), 2, { input }))

    assert.equal(1, result.code)
    assert.matches("no such thing", result.stderr)
    assert.matches('at byte 5000\nrecord: "bad"', result.stderr)
    assert.equal(hashed.stderr:gsub("job%.lua:%d+", ""), (result.stderr:gsub("job%.lua:%d+", "")))
  end)

  it("does not mind what only the beginning of an input may be asked", function()
    local path = job [[
      setup = function() state = 0 end,
      map = function(offset, line, emit)
        assert(offset == state, "a record has been left out")
        state = offset + #line + 1
        emit(line, 1)
      end,
      reduce = "sum",]]
    local input = write("large", lines(120000, random_key))

    local output = engine.output(run(path, 3, { input }, { "--split-size", "1G" }))

    assert.equal(120000, select(2, output:gsub("\n", "")))
  end)

  it("prints what its map prints once", function()
    local path = job [[
      map = function(_, line, emit) print("seen " .. line) emit(line, 1) end, reduce = "sum",]]

    local result = engine.run(run(path, 2, { write("input", "a\nb\n") }))

    assert.equal(0, result.code)
    assert.equal(1, select(2, result.stderr:gsub("seen a", "")))
    assert.equal("a\t1\nb\t1\n", result.stdout)
  end)

  it("reads standard input", function()
    local result = engine.run(run(SORT, 3, { "-" }), { input = "b\nc\na\n" })

    assert.equal("a\nb\nc\n", result.stdout)
  end)
end)

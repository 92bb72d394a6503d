local dryrun = require "mrlua.dryrun"

local function words(_, line, emit)
  for word in line:gmatch "%a+" do
    emit(word, 1)
  end
end

local function keys_of(records)
  local keys = {}
  for i, record in ipairs(records) do
    keys[i] = record[1]
  end
  return keys
end

-- Emits each of `keys` and keeps them.
local function sorted(keys)
  local job = {
    reduce = "identity",
    map = function(_, _, emit)
      for _, key in ipairs(keys) do
        emit(key, 1)
      end
    end,
  }
  return keys_of(dryrun.run(job, { "" }))
end

describe("dryrun.run()", function()
  it("counts words", function()
    assert.same({ { "be", 2 }, { "not", 1 }, { "or", 1 }, { "to", 2 } },
      dryrun.run({ map = words, reduce = "sum" }, { "to be or", "not to be" }))
  end)

  it("opens side files, and others in their place", function()
    local path <const> = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write("not\nor\n")
    file:close()
    local stop = {}
    local job = {
      files = { stop = "nowhere" }, reduce = "sum",
      setup = function(ctx)
        for line in ctx.open("stop"):lines() do stop[line] = true end
      end,
      map = function(_, word, emit)
        if not stop[word] then emit(word, 1) end
      end,
    }
    local records = dryrun.run(job, { "to", "be", "or", "not" }, nil, { stop = path })

    os.remove(path)
    assert.same({ { "be", 1 }, { "to", 1 } }, records)
    job.setup = function(ctx) ctx.open "stpo" end
    assert.error_matches(function() dryrun.run(job, { "" }, nil, { stop = "/dev/null" }) end,
      "mr.open: there is no side file 'stpo'; did you mean 'stop'?", 1, true)
  end)

  it("gives the values of a key in the order of their emit", function()
    local job = {
      map = function(offset, line, emit) emit(#line % 2, offset .. line) end,
      reduce = function(key, values, emit)
        local list = {}
        for value in values do
          list[#list + 1] = value
        end
        emit(key, table.concat(list, " "))
      end,
    }

    assert.same({ { 0, "0ab 5cd" }, { 1, "3e" } }, dryrun.run(job, { "ab", "e", "cd" }))
  end)

  it("keeps further outputs apart: what reduce emits to one, then what map does", function()
    local job = {
      outputs = { errors = "tsv", other = "tsv" },
      map = function(at, line, emit)
        if line == "bad" then _G.mr.emit_to("errors", at, line) else emit(line, 1) end
      end,
      reduce = function(key, _, emit)
        if key == "b" then _G.mr.emit_to("errors", 1.0, key) else emit(key, true) end
      end,
    }
    local records, _, _, further = dryrun.run(job, { "bad", "b", "a", "bad" })

    assert.same({ { "a", true } }, records)
    assert.same({ errors = { { 1, "b" }, { 0, "bad" }, { 8, "bad" } }, other = {} }, further)
    job.reduce = nil
    further = select(4, dryrun.run(job, { "bad", "b", "a", "bad" }))
    assert.same({ { 0, "bad" }, { 8, "bad" } }, further.errors)
  end)

  it("has an empty table of further outputs for a job without", function()
    assert.same({}, select(4, dryrun.run({ map = words, reduce = "sum" }, { "a" })))
  end)

  it("orders keys: false, true, numbers, strings, tuples", function()
    assert.same({ false, true, -1, 1, 1.5, 2, "", "1", "a", "a\0", {}, { 1 }, { 1, "a" }, { "a" } },
      sorted { { "a" }, { 1, "a" }, "a\0", 2, true, "a", { 1 }, 1.5, "1", {}, "", -1, false, 1 })
  end)

  it("takes 1.0 for the key 1", function()
    local keys = sorted { 1.0, { 2.0 } }

    assert.equal("integer", math.type(keys[1]))
    assert.equal("integer", math.type(keys[2][1]))
  end)

  it("knows the built-ins", function()
    local input = { { "a", 3 }, { "a", 1 }, { "a", 2 } }
    local function reduced(name)
      return dryrun.run({ map = "identity", reduce = name, params = { n = 2 } }, input)
    end

    assert.same({ { "a", 6 } }, reduced "sum")
    assert.same({ { "a", 3 } }, reduced "count")
    assert.same({ { "a", 1 } }, reduced "min")
    assert.same({ { "a", 3 } }, reduced "max")
    assert.same({ { "a", 2.0 } }, reduced "mean")
    assert.same({ { "a", 3 } }, reduced "first")
    assert.same({ { "a", { 3, 1, 2 } } }, reduced "list")
    assert.same({ { "a", true } }, reduced "distinct")
    assert.same({ { "a", 3 }, { "a", 2 } }, reduced "top")
    assert.same({ { "a", 3 }, { "a", 1 }, { "a", 2 } }, reduced "identity")
  end)

  it("groups by the first parts of a tuple and yields value, key", function()
    local job = {
      map = "identity", group = 1,
      reduce = function(key, values, emit)
        for value, full in values do
          emit({ key[2], full[2] }, value)
        end
      end,
    }

    assert.same({ { { 1, 1 }, "x" }, { { 1, 2 }, "y" }, { { 3, 3 }, "z" } },
      dryrun.run(job, { { { "a", 2 }, "y" }, { { "b", 3 }, "z" }, { { "a", 1 }, "x" } }))
  end)

  it("numbers lines by their byte offset and drops line ends", function()
    local job = { map = "identity", reduce = "identity" }

    assert.same({ { 0, "a" }, { 3, "" }, { 4, "bc" } }, dryrun.run(job, "a\r\n\nbc"))
    assert.same({ { 0, "a" }, { 2, "b" } }, dryrun.run(job, { "a", "b" }))
    assert.same({}, dryrun.run(job, ""))
    assert.same({}, dryrun.run(job, {}))
  end)

  it("answers what map emits, as it comes, where there is no reduce", function()
    local records = dryrun.run({
      map = function(_, line, emit) emit(line, 1) emit(line, 2.0) end,
      cleanup = function(ctx, emit) emit("end", ctx.stage) end,
    }, { "b", "a" })

    assert.same({ { "b", 1 }, { "b", 2.0 }, { "a", 1 }, { "a", 2.0 }, { "end", "map" } }, records)
  end)

  it("answers what was counted", function()
    local _, counters = dryrun.run({
      setup = function(ctx) ctx.count "setups" end,
      map = function(_, line, emit) _G.mr.count("bytes", #line) emit(line, 1) end,
      reduce = function() _G.mr.count "keys" end,
    }, { "a", "bc", "a" })

    assert.same({ setups = 2, bytes = 4, keys = 2 }, counters)
  end)

  it("runs setup before and cleanup after, with params", function()
    local job = {
      params = { n = 1, m = 2 }, reduce = "identity",
      map = function() end,
      cleanup = function(mr, emit)
        if mr.stage == "map" then
          emit("n", mr.params.n + mr.params.m)
        end
      end,
    }

    assert.same({ { "n", 12 } }, dryrun.run(job, { "x" }, { n = 10 }))
  end)

  it("leaves out, with skip_bad, what raises, with all that it has emitted and counted", function()
    local function careful(skip_bad)
      return { skip_bad = skip_bad,
        map = function(at, line, emit)
          rawget(_G, "mr").count "seen"
          emit(line, at)
          if line == "bad" then error("no", 0) end
        end,
        reduce = function(key, values, emit)
          emit(key, "begun")
          if key == "worse" then error("never", 0) end
          emit(key, values())
        end }
    end
    local input = { "a", "bad", "worse" }
    local output, counters, bad = dryrun.run(careful(2), input)

    assert.same({ { "a", "begun" }, { "a", 0 } }, output)
    assert.same({ seen = 2 }, counters)
    assert.same({ { stage = "map", record = 2, key = 2, error = "no" },
      { stage = "reduce", record = 2, key = "worse", error = "never" } }, bad)
    assert.has_error(function() dryrun.run(careful(1), input) end, "never")
    assert.has_error(function() dryrun.run(careful(nil), input) end, "no")
  end)

  it("runs steps on the records of the one before", function()
    local lengths = function(word, n, emit)
      emit(#word, n)
    end

    assert.same({ { 1, 3 }, { 2, 1 } }, dryrun.run({ steps = {
      { map = words, reduce = "sum" }, { map = lengths, reduce = "sum" },
    } }, { "a b bb", "a" }))
  end)

  it("runs a driver, whose steps see its params and their own", function()
    local job = { params = { n = 2, by = 1 } }
    local function add(key, value, emit)
      local mr = rawget(_G, "mr")
      mr.count("added", mr.params.by)
      emit(key, value + mr.params.by)
    end
    function job.drive(mr, params)
      local step, sum = mr.run { map = words, reduce = "sum" }, 0
      for i = 1, params.n do
        step = mr.run { map = add, inputs = step, params = { by = 10 * i } }
      end
      for _, value in step:output() do
        sum = sum + value
      end
      assert.same({ 2, 40, 63 }, { step.records, step:counter "added", sum })
      return step
    end

    assert.same({ { "a", 32 }, { "b", 31 } }, (dryrun.run(job, { "a b a" })))
  end)
end)

describe("dryrun.run() with params", function()
  it("takes their defaults, whichever way they are declared", function()
    local job = { params = { n = 1, m = { default = 3, max = 9 } },
      map = function(_, _, emit) emit(_G.mr.params.n, _G.mr.params.m) end }

    assert.same({ { 1, 3 } }, dryrun.run(job, { "x" }))
    assert.same({ { 5, 3 } }, dryrun.run(job, { "x" }, { n = 5 }))
  end)
end)

describe("dryrun.run() with inputs", function()
  local function tell(key, value, emit)
    local text = type(value) == "table" and value.id or value
    emit(_G.mr.input, ("%s: %s"):format(key, text))
  end

  it("gives each its own map and format, in the order of their names", function()
    local job = { map = tell, reduce = "identity", inputs = {
      b = { input = "csv" }, a = { map = "identity" }, B = {},
    } }

    assert.same({ { 0, "x" }, { "B", "0: y" }, { "b", "3: 1" }, { "b", "5: 2" } },
      dryrun.run(job, { a = "x\n", b = "id\n1\n2\n", B = { "y" } }))
  end)

  it("gives the values of a key by name, then in the order of each input", function()
    local job = { reduce = "list", inputs = {
      z = { map = function(_, line, emit) emit("k", "z" .. line) end },
      a = { map = function(_, line, emit) emit("k", "a" .. line) end },
    } }

    assert.same({ { "k", { "a2", "a1", "z1", "z2" } } },
      dryrun.run(job, { z = { "1", "2" }, a = { "2", "1" } }))
  end)

  it("calls setup and cleanup for each, which see its name, and in reduce none", function()
    local seen = {}
    local job = { map = tell, reduce = "count", inputs = { a = {}, b = {} },
      setup = function(mr) seen[#seen + 1] = ("+%s %s"):format(mr.stage, mr.input) end,
      cleanup = function(mr) seen[#seen + 1] = ("-%s %s"):format(mr.stage, mr.input) end }

    dryrun.run(job, { a = { "1" }, b = { "2" } })
    assert.same({ "+map a", "-map a", "+map b", "-map b", "+reduce nil", "-reduce nil" }, seen)
  end)

  it("reads them in the first step, and in those of a driver that read no step", function()
    local spec = { inputs = { a = { map = "words" }, b = {} } }
    local counting = { map = tell, reduce = "count" }
    local texts = { a = "x y\n", b = { "z" } }
    spec.steps = { counting, { map = "identity", reduce = "sum" } }
    assert.same({ { "b", 1 }, { "x", 1 }, { "y", 1 } }, (dryrun.run(spec, texts)))
    spec.steps = nil
    function spec.drive(mr)
      local first, second = mr.run(counting), mr.run(counting)
      return { map = "identity", reduce = "sum", inputs = { first, second } }
    end
    assert.same({ { "b", 2 }, { "x", 2 }, { "y", 2 } }, (dryrun.run(spec, texts)))
  end)

  it("maps nothing of an input that is not given", function()
    assert.same({ { "b", "0: 1" } },
      dryrun.run({ map = tell, inputs = { a = {}, b = {} } }, { b = { "1" } }))
  end)
end)

local cjson = require "cjson"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local WORDCOUNT = "jobs/wordcount.lua"

local folder

local function write(name, text)
  return temp.write(folder .. "/" .. name, text)
end

-- Runs it in the spec's folder, with a folder for intermediate files that is to be empty after.
local function run(argv, options)
  os.execute("mkdir -p " .. folder .. "/tmp")
  local words = { "run", "--tmp", folder .. "/tmp", table.unpack(argv) }
  local result = engine.run(words, options)
  assert.same({}, temp.list(folder .. "/tmp"))
  return result
end

local function job(body)
  return write("job.lua", "return {\n" .. body .. "\n}\n")
end

describe("mrlua run", function()
  temp.each(function(path)
    folder = path
  end)

  describe("prints", function()
    it("the records of all partitions, one after the other, to standard output", function()
      local out = folder .. "/out"
      local printed = run { WORDCOUNT, texts.GPL, "--reducers", 3 }
      local written = run { WORDCOUNT, texts.GPL, "--reducers", 3, "-o", out }
      local parts = {}
      for i = 0, 2 do
        parts[i + 1] = temp.read(("%s/part-%05d"):format(out, i))
      end

      assert.equal(0, printed.code)
      assert.equal(0, written.code)
      assert.equal("", written.stdout)
      assert.equal(table.concat(parts), printed.stdout)
      assert.is_true(#printed.stdout > 1000)
    end)

    it("the same for standard input as for the file", function()
      local from_file = run { WORDCOUNT, texts.GPL }
      local from_input = run({ WORDCOUNT, "-" }, { input = temp.read(texts.GPL) })

      assert.equal(from_file.stdout, from_input.stdout)
    end)

    it("appends to what standard output has already", function()
      local out = write("appended", "before\n")
      local input = write("in", "a\n")
      os.execute(engine.command { "run", WORDCOUNT, input, "--quiet" } .. " >>" .. out)

      assert.equal("before\na\t1\n", temp.read(out))
    end)

    it("what the job prints, to standard error", function()
      local path = job [[map = function(_, line, emit) print("saw", line) emit(line, 1) end,
        reduce = "sum"]]
      local result = run { path, write("in", "x\n"), "--quiet" }

      assert.equal("x\t1\n", result.stdout)
      assert.equal("saw\tx\n", result.stderr)
    end)

    it("nothing more for a reader that has gone", function()
      local input = write("in", ("a line of words\n"):rep(200000))
      local sort = engine.command { "run", "jobs/sort.lua", input, "--quiet" }
      local line = ("bash -c 'set -o pipefail; %s 2>%s/stderr | head -n 1'"):format(
        sort:gsub("'", ""), folder)

      assert.equal("a line of words", temp.capture(line .. "; echo $? >" .. folder .. "/code"))
      assert.equal("0\n", temp.read(folder .. "/code"))
      assert.equal("", temp.read(folder .. "/stderr"))
    end)
  end)

  describe("takes", function()
    it("files, folders and globs", function()
      os.execute("mkdir -p " .. folder .. "/texts/deep")
      write("texts/one", "a b\n")
      write("texts/deep/two", "b\n")
      write("three.txt", "b\n")
      write("four.txt", "a\n")

      local result = run { WORDCOUNT, folder .. "/texts", folder .. "/*.txt" }

      assert.equal("a\t2\nb\t3\n", result.stdout)
    end)

    it("globs that reach every folder below, like the one of the help", function()
      os.execute("mkdir -p " .. folder .. "/src/a/b " .. folder .. "/src/.git")
      for _, name in ipairs { "t.c", "t.h", "a/o.c", "a/b/t.c", ".git/x.c" } do
        write("src/" .. name, "in " .. name .. "\n")
      end

      write("grep.lua", temp.read "jobs/grep.lua")

      local result = engine.run({ "run", "grep.lua", "--param", "pattern=in", "src/**/*.c" },
        { folder = folder })

      assert.equal(0, result.code, result.stderr)
      assert.equal("in a/b/t.c\nin a/o.c\nin t.c\n", result.stdout)
    end)

    it("parameters", function()
      local path = job [[params = { word = "none", times = 1 },
        map = function(_, _, emit) emit(mr.params.word, mr.params.times) end, reduce = "sum"]]
      local result = run { path, write("in", "x\n"), "--param", "word=a=b", "--param", "times=3" }

      assert.equal("a=b\t3\n", result.stdout)
    end)

    it("parameters that declare more than a default", function()
      local path = job [[params = { pattern = { type = "string" }, top = { default = 1, max = 9 } },
        map = "grep", reduce = "identity"]]

      assert.equal("2\tb\n",
        run({ path, write("in", "a\nb\n"), "--param", "pattern=b", "--param", "top=9" }).stdout)
    end)

    it("modules that lie beside the job file", function()
      write("tokens.lua", "return function(line) return line:upper() end")
      local path = write("job.lua", [[local tokens = require "tokens"
        return { map = function(_, line, emit) emit(tokens(line), 1) end, reduce = "sum" }]])

      assert.equal("X\t1\n", run({ path, write("in", "x\n") }).stdout)
    end)

    it("a flag before the job's own field", function()
      local path = job [[reducers = 2, map = function(_, line, emit) emit(line, 1) end,
        reduce = "sum"]]
      local input = write("in", "a\nb\n")
      run { path, input, "-o", folder .. "/by-field" }
      run { path, input, "-o", folder .. "/by-flag", "--reducers", "3" }

      assert.same({ "_SUCCESS", "part-00000", "part-00001" }, temp.list(folder .. "/by-field"))
      assert.equal(4, #temp.list(folder .. "/by-flag"))
    end)
  end)

  describe("writes", function()
    it("a part for each split, in the order of the input, where there is no reduce", function()
      local out = folder .. "/out"
      local path = job [[map = function(_, line, emit) emit(line, #line) end]]
      local input = write("in", "ccc\nb\na\nb\n")
      run { path, input, "-o", out, "--split-size", 4 }
      local manifest = cjson.decode(temp.read(out .. "/_SUCCESS"))

      assert.equal("ccc\t3\n", temp.read(out .. "/part-00000"))
      assert.equal("b\t1\na\t1\n", temp.read(out .. "/part-00001"))
      assert.equal("b\t1\n", temp.read(out .. "/part-00002"))
      assert.equal(3, #manifest.parts)
      assert.equal(0, manifest.plan.reducer_count)
      assert.equal(4, manifest.counters.map_records_out)
      assert.equal("ccc\t3\nb\t1\na\t1\nb\t1\n",
        run({ path, input, "--split-size", 4, "--quiet" }).stdout)
    end)

    it("nothing of reducers that a job without reduce has not", function()
      local path = job [[map = "identity"]]
      local result = run { path, write("in", "a\n"), "--reducers", 2 }

      assert.equal(2, result.code)
      assert.matches("has no reduce, so %-%-reducers says nothing", result.stderr)
    end)

    it("parts and a manifest that says how they were made", function()
      local out = folder .. "/out"
      local input = write("in", "a b a\n")
      run { WORDCOUNT, input, "-o", out, "--reducers", 2 }
      local manifest = cjson.decode(temp.read(out .. "/_SUCCESS"))

      assert.same({ "_SUCCESS", "part-00000", "part-00001" }, temp.list(out))
      assert.equal("wordcount", manifest.job.name)
      assert.equal(2, manifest.plan.reducer_count)
      assert.equal(1, manifest.plan.split_count)
      assert.equal("lines", manifest.plan.input)
      assert.equal("tsv", manifest.plan.output)
      assert.equal(input, manifest.inputs[1].path)
      assert.equal(6, manifest.inputs[1].bytes)
      assert.equal(1, manifest.counters.map_records_in)
      assert.equal(3, manifest.counters.map_records_out)
      assert.equal(2, manifest.counters.reduce_records_out)
      assert.equal(2, manifest.parts[1].records + manifest.parts[2].records)
      assert.equal(#temp.read(out .. "/part-00000"), manifest.parts[1].bytes)
    end)

    it("a plan that does not depend on the slots", function()
      local plans = {}
      for i, slots in ipairs { 1, 3 } do
        local out = folder .. "/out" .. slots
        run { WORDCOUNT, texts.GPL, "-o", out, "--slots", slots, "--split-size", "5K" }
        plans[i] = cjson.decode(temp.read(out .. "/_SUCCESS")).plan
      end

      assert.same(plans[1], plans[2])
      assert.is_true(plans[1].split_count > 5)
    end)

    it("over an old output only with --overwrite, and then all of it", function()
      local out = folder .. "/out"
      run { WORDCOUNT, write("in", "old\n"), "-o", out, "--reducers", 2 }
      local refused = run { WORDCOUNT, write("in", "new\n"), "-o", out }

      assert.equal(2, refused.code)
      assert.equal(("mrlua: output %s is not empty: choose another folder or add --overwrite\n")
        :format(out), refused.stderr)
      assert.matches("old\t1", engine.parts(out))

      local replaced = run { WORDCOUNT, folder .. "/in", "-o", out, "--overwrite" }

      assert.equal(0, replaced.code)
      assert.equal("== part-00000\nnew\t1\n", engine.parts(out))
      assert.same({ "in", "out", "tmp" }, temp.list(folder))
    end)

    it("over nothing that no job wrote, not even with --overwrite", function()
      assert(os.execute("mkdir " .. folder .. "/thesis"))
      write("thesis/chapter-1.txt", "years of work\n")
      local refused = run { WORDCOUNT, write("in", "new\n"), "-o", folder .. "/thesis",
        "--overwrite" }

      assert.equal(2, refused.code)
      assert.equal(("mrlua: output %s/thesis is not empty, and 'chapter-1.txt' in it was written"
        .. " by no job, so it is not replaced: choose another folder\n"):format(folder),
        refused.stderr)
      assert.same({ "chapter-1.txt" }, temp.list(folder .. "/thesis"))
    end)

    it("an empty part for an empty input", function()
      local out = folder .. "/out"
      local result = run { WORDCOUNT, write("in", ""), "-o", out }

      assert.equal(0, result.code)
      assert.equal("== part-00000\n", engine.parts(out))
    end)
  end)

  describe("tells", function()
    it("a line per phase where there is no terminal", function()
      local result = run { WORDCOUNT, write("in", "a b\nc\n"), "--reducers", 2 }

      assert.matches("^map: 1 task, 6 B, 2 records in [%d.]+ m?s\n"
        .. "reduce: 2 tasks, [%d.]+ K?B, 3 records in [%d.]+ m?s\n$", result.stderr)
    end)

    it("nothing with --quiet", function()
      assert.equal("", run({ WORDCOUNT, texts.GPL, "--quiet" }).stderr)
    end)

    it("bars on a terminal, and a summary when they are gone", function()
      local path = job [[map = function(_, line, emit)
        for i = 1, 2e7 do line = line end emit(line, 1) end, reduce = "sum"]]
      local out = folder .. "/out"
      local line = engine.command { "run", path, write("in", "a\nb\nc\nd\n"), "-o", out }
      local screen = temp.capture(("TERM=xterm script -qec %s /dev/null </dev/null"):format(
        temp.quote(line)))

      assert.matches("map    %[", screen)
      assert.matches("reduce %[%.+%]   0 %%", screen)
      assert.matches("\27%[2A\27%[Jplan .*\ndone: 8 B read in .* 4 records in 1 part, 16 B in"
        .. " [^\n]*out\r?$", screen)
    end)

    it("a line per phase on a terminal that cannot move its cursor", function()
      local line = engine.command { "run", WORDCOUNT, write("in", "a\n"), "-o", folder .. "/out" }
      local screen = temp.capture(("TERM=dumb script -qec %s /dev/null </dev/null"):format(
        temp.quote(line)))

      assert.not_matches("\27", screen)
      assert.matches("^map: 1 task, .*\nreduce: 1 task, [^\n]*$", screen)
    end)

    it("that intermediate files are held in memory", function()
      if temp.capture("stat -f -c %T /dev/shm") ~= "tmpfs" then
        pending("/dev/shm is no tmpfs here")
        return
      end
      local result = engine.run { "run", WORDCOUNT, write("in", "a\n"), "--tmp", "/dev/shm" }

      assert.equal("a\t1\n", result.stdout)
      assert.matches("^mrlua: the folder for intermediate files is held in memory %(tmpfs%)",
        result.stderr)
    end)

    it("the outcome as JSON on standard output, with -o", function()
      local out = folder .. "/out"
      local result = run { WORDCOUNT, write("in", "a b a\n"), "-o", out, "--json", "--quiet" }
      local outcome = cjson.decode(result.stdout)

      assert.equal("", result.stderr)
      assert.is_true(outcome.ok)
      assert.equal(out, outcome.output)
      assert.equal("wordcount", outcome.job)
      assert.equal(2, outcome.records)
      assert.equal(6, outcome.input_bytes)
      assert.equal(3, outcome.counters.map_records_out)
      assert.equal(8, outcome.parts[1].bytes)
      assert.is_true(outcome.seconds > 0)
    end)

    it("the outcome as the last line of standard error, without -o", function()
      local result = run { WORDCOUNT, write("in", "a\n"), "--json" }

      assert.equal("a\t1\n", result.stdout)
      assert.is_true(cjson.decode(result.stderr:match("([^\n]*)\n$")).ok)
    end)

    it("what the job has counted, in its summary, as JSON and in the manifest", function()
      local path = job [[
        map = function(_, line, emit)
          if line == "" then mr.count "empty" end
          mr.count("bytes", #line)
          emit(line, 1)
        end,
        reduce = function(key) if key ~= "" then mr.count "keys" end end,
        cleanup = function(ctx) ctx.count(ctx.stage .. ".ends") end]]
      local out = folder .. "/out"
      local result = run { path, write("in", "ab\n\nab\n\nc\n"), "-o", out, "--json", "--quiet" }
      local counters = cjson.decode(result.stdout).counters

      assert.equal(2, counters["user.empty"])
      assert.equal(5, counters["user.bytes"])
      assert.equal(2, counters["user.keys"])
      assert.equal(1, counters["user.map.ends"])
      assert.equal(1, counters["user.reduce.ends"])
      assert.same(counters, cjson.decode(temp.read(out .. "/_SUCCESS")).counters)
    end)

    it("nothing of what a sample counts", function()
      local path = job [[
        partition = "range",
        map = function(_, line, emit) mr.count "lines" emit(line, 1) end, reduce = "sum"]]
      local input = write("in", ("some\nlines\n"):rep(100))
      local result = run { path, input, "-o", folder .. "/out", "--json", "--reducers", 2 }

      assert.equal(200, cjson.decode(result.stdout).counters["user.lines"])
    end)

    it("a failure as JSON too", function()
      local path = job [[map = function() error("no way") end, reduce = "sum"]]
      local result = run { path, write("in", "a\n"), "-o", folder .. "/out", "--json" }
      local outcome = cjson.decode(result.stdout)

      assert.equal(1, result.code)
      assert.is_false(outcome.ok)
      assert.equal("job", outcome.error.kind)
      assert.matches("job.lua:2: no way, at byte 0 of [^ ]*in %(record 1%)$", outcome.error.message)
      assert.matches("stack traceback", outcome.error.detail)
    end)
  end)

  it("is over within a moment for a small file", function()
    local input = write("in", ("some words to count\n"):rep(500))
    local result = run({ WORDCOUNT, input, "--quiet", "--reducers", 1 }, { seconds = 5 })

    assert.equal(0, result.code)
    assert.equal("count\t500\nsome\t500\nto\t500\nwords\t500\n", result.stdout)
  end)
end)

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local folder

local function write(name, text)
  return temp.write(folder .. "/" .. name, text)
end

-- Runs `source` as a job over `text`; whatever happens, nothing is left but what was there.
local function run_job(source, text, flags, options)
  os.execute("mkdir -p " .. folder .. "/tmp")
  local argv = { "run", write("job.lua", source), write("in", text), "--quiet",
    "--tmp", folder .. "/tmp", "-o", folder .. "/out" }
  table.move(flags or {}, 1, #(flags or {}), #argv + 1, argv)
  local result = engine.run(argv, options)
  assert.same({}, temp.list(folder .. "/tmp"))
  if result.code ~= 0 then
    assert.same({ "in", "job.lua", "tmp" }, temp.list(folder))
  end
  assert.equal("", result.stdout)
  return result
end

-- The same for a job with this map.
local function run_map(body, text, flags)
  return run_job(("return { map = function(key, line, emit)\n%s\nend, reduce = 'sum' }")
    :format(body), text or "first\nsecond\n", flags)
end

-- Counts words as a user whom modes hold: they do not hold root, unless it gives up what it may.
local function run_as_user(...)
  local is_root = temp.capture("id -u") == "0"
  return engine.run_command((is_root and "setpriv --bounding-set -dac_override,-dac_read_search "
    or "") .. engine.command { "run", "jobs/wordcount.lua", ... })
end

local function run_input(...)
  return engine.run { "run", "jobs/wordcount.lua", "--quiet", ... }
end

local function says(code, message, result)
  assert.equal(message, result.stderr)
  assert.equal(code, result.code)
end

describe("mrlua run, when it cannot", function()
  temp.each(function(path)
    folder = path
  end)

  describe("for an error in Lua", function()
    it("shows where it is and the record that it met", function()
      local result = run_map("if key > 0 then line = nil + key end", "first\nsecond\n")

      says(1, ([[
mrlua: DIR/job.lua:2: attempt to perform arithmetic on a nil value, at byte 6 of DIR/in (record 2)
stack traceback:
  DIR/job.lua:2: in function <DIR/job.lua:1>
input: DIR/in, at byte 6
record: "second"
task: map 0, record 2
to go on without such records: skip_bad = N in the job sets as many as N of them aside
to look into it: mrlua replay r1/m0 --debug
]]):gsub("\n  DIR", "\n\tDIR"):gsub("DIR", folder), result)
    end)

    it("shows no more than 200 bytes of the record, with escapes", function()
      local result = run_map("error('here')", "\1" .. ("x"):rep(5000) .. "\n")

      assert.matches('record: "\\x01' .. ("x"):rep(199) .. '"', result.stderr, 1, true)
      assert.not_matches(("x"):rep(200), result.stderr)
    end)

    it("names the key when it is in reduce", function()
      local result = run_job([[return { map = function(_, line, emit) emit(line, 1) end,
        reduce = function(key) error("no " .. key) end }]], "first\n")

      assert.equal(1, result.code)
      assert.matches('job.lua:2: no first, at key "first" %(number 1%)\n', result.stderr)
      assert.matches('\nkey: "first"\ntask: reduce 0, key number 1\n', result.stderr)
    end)

    it("ends the job at once: it would be the same again", function()
      local result = run_map("print('tried') error('here')", "one\n", { "--attempts", "4" })

      assert.equal(1, select(2, result.stderr:gsub("tried", "")))
    end)
  end)

  describe("for a job file", function()
    it("that is not there", function()
      says(2, "mrlua: nowhere.lua: No such file or directory\n",
        engine.run { "run", "nowhere.lua", "README.md" })
    end)

    it("with an unknown field names the nearest", function()
      local result = run_job("return { map = 'identity', reducer = 'sum' }", "x\n")

      says(2, ("mrlua: %s/job.lua: unknown job field 'reducer': did you mean 'reduce'?\n")
        :format(folder), result)
    end)

    it("that is not Lua", function()
      local result = run_job("return { map = function( }", "x\n")

      assert.equal(2, result.code)
      assert.equal(("mrlua: %s/job.lua:1: <name> or '...' expected near '}'"):format(folder),
        result.stderr:match("^[^\n]*"))
    end)

    it("that loops for ever", function()
      says(2, "mrlua: loading the job file took longer than 0.3 s\n",
        run_job("while true do end", "x\n", { "--limit-seconds-per-record", "0.3" }))
    end)

    it("with a parameter that it does not have", function()
      local result = run_job("return { map = 'identity', reduce = 'sum', params = { word = '' } }",
        "x\n", { "--param", "wrod=x" })

      assert.equal(2, result.code)
      assert.matches("unknown param 'wrod'", result.stderr)
    end)

    it("without a parameter that has no default, or with one that is out of its bounds", function()
      local source = "return { map = 'identity', reduce = 'sum', params = { n = "
        .. "{ type = 'integer', min = 1, help = 'how many' } } }"

      says(2, ("mrlua: %s/job.lua: param 'n' is missing: give --param n=VALUE, an integer of at "
        .. "least 1 (how many)\n"):format(folder), run_job(source, "x\n"))
      says(2, ("mrlua: %s/job.lua: param 'n' must be an integer of at least 1, not "
        .. "'0' (how many)\n"):format(folder), run_job(source, "x\n", { "--param", "n=0" }))
    end)

    it("that wants all of Lua, unless the user allows it", function()
      local source = [[return { unsafe = true, reduce = "sum",
        map = function(_, line, emit) emit(os.getenv("PATH") and line or "none", 1) end }]]
      local refused = run_job(source, "x\n")

      assert.equal(2, refused.code)
      assert.matches("says unsafe = true: .* %-%-allow%-unsafe\n$", refused.stderr)
      assert.equal(0, run_job(source, "x\n", { "--allow-unsafe" }).code)
    end)

    it("that does not say unsafe stays in the sandbox, whatever is allowed", function()
      local result = run_map("emit(os.getenv('PATH'), 1)", "x\n", { "--allow-unsafe" })

      assert.equal(1, result.code)
      assert.matches("attempt to index a nil value %(global 'os'%)", result.stderr)
    end)
  end)

  describe("for a script that", function()
    it("loops for ever names the limit", function()
      local result = run_map("while true do end", "x\n",
        { "--limit-seconds-per-record", "0.3", "--attempts", "2" })

      assert.equal(1, result.code)
      assert.matches("^mrlua: .*limits.seconds_per_record.*at byte 0 of .*map 0 failed 2 times",
        result.stderr)
    end)

    it("allocates without end names the limit", function()
      local result = run_map("local t = {} while true do t[#t + 1] = {} end", "x\n",
        { "--limit-memory", "20M", "--attempts", "1" })

      assert.equal(1, result.code)
      assert.matches("memory limit of 20M %(limits.memory%)", result.stderr)
    end)

    it("calls the system is told that it has none", function()
      local result = run_map("os.execute('id')", "x\n")

      assert.equal(1, result.code)
      assert.matches("job.lua:2: attempt to index a nil value %(global 'os'%)", result.stderr)
    end)
  end)

  describe("for an input", function()
    it("that is not there", function()
      local path = folder .. "/nowhere"

      says(2, ("mrlua: input %s: No such file or directory\n"):format(path), run_input(path))
    end)

    it("that may not be read, alone or in a folder", function()
      os.execute("mkdir -p " .. folder .. "/texts/deep")
      write("texts/deep/open", "x\n")
      local path = write("texts/deep/shut", "x\n")
      os.execute("chmod 000 " .. path)

      for _, input in ipairs { path, folder .. "/texts", folder .. "/texts/*/s*" } do
        says(2, ("mrlua: input %s: Permission denied\n"):format(path),
          run_as_user(input, "-o", folder .. "/out"))
        assert.is_false(temp.exists(folder .. "/out"))
      end
    end)

    it("that is a glob without matches", function()
      for _, glob in ipairs { "/*.txt", "/**/*.txt" } do
        says(2, ("mrlua: input %s matches nothing\n"):format(folder .. glob),
          run_input(folder .. glob))
      end
    end)

    it("that is broken gzip", function()
      local path = write("x.gz", "\31\139\8\0\0\0\0\0")

      says(1, ("mrlua: input %s: truncated: it ends inside the compressed data\n"):format(path),
        run_input(path))
    end)

    it("that is a device", function()
      local result = run_input("/dev/null")

      assert.equal(2, result.code)
      assert.matches("^mrlua: input /dev/null: not a regular file", result.stderr)
    end)

    it("that has no line end in 16 MiB", function()
      local result = run_input(write("zeros", ("\0"):rep(17 << 20)))

      assert.equal(1, result.code)
      assert.matches("the line at byte 0 is longer than 16777216 bytes; .*\"file\"", result.stderr)
    end)
  end)

  describe("for a folder", function()
    it("of the output whose parent is not there", function()
      local out = folder .. "/no/where"

      says(2, ("mrlua: output %s: No such file or directory\n"):format(out),
        engine.run { "run", "jobs/wordcount.lua", "README.md", "-o", out })
    end)

    it("of the output, or for intermediate files, that may not be written", function()
      local shut = folder .. "/shut"
      os.execute(("mkdir %s && chmod 500 %s"):format(shut, shut))

      says(2, ("mrlua: output %s/out: Permission denied\n"):format(shut),
        run_as_user("README.md", "-o", shut .. "/out"))
      says(2, ("mrlua: temporary folder in %s (--tmp DIR: elsewhere): Permission denied\n")
        :format(shut), run_as_user("README.md", "--tmp", shut))
      assert.same({}, temp.list(shut))
    end)

    it("of the output that is a file", function()
      local out = write("out", "x")

      says(2, ("mrlua: output %s: not a folder\n"):format(out),
        engine.run { "run", "jobs/wordcount.lua", "README.md", "-o", out })
      assert.equal("x", temp.read(out))
    end)

    it("of the output that is read as well", function()
      os.execute("mkdir -p " .. folder .. "/texts/out")
      write("texts/out/part-00000", "old\t1\n")
      local result = run_input(folder .. "/texts", "-o", folder .. "/texts/out", "--overwrite")

      says(2, ("mrlua: output %s/texts/out lies in input %s/texts: its old files would be read"
        .. " as input\n"):format(folder, folder), result)
      assert.equal("old\t1\n", temp.read(folder .. "/texts/out/part-00000"))
    end)

    it("for intermediate files that is not there", function()
      local result = engine.run { "run", "jobs/wordcount.lua", "README.md", "--tmp",
        folder .. "/nowhere" }

      assert.equal(2, result.code)
      assert.matches("^mrlua: temporary folder in .*/nowhere", result.stderr)
    end)
  end)

  it("refuses what a run file on standard output would be", function()
    local path = write("job.lua", "return { map = 'identity', reduce = 'sum', output = 'run' }")

    says(2, 'mrlua: a job with output = "run" writes files: give -o DIR\n',
      engine.run { "run", path, write("in", "x\n") })
  end)

  it("says so when standard output is full", function()
    local command = engine.command { "run", "jobs/wordcount.lua", write("in", "x\n"), "--quiet" }
    local _, _, code = os.execute(command .. " >/dev/full 2>" .. folder .. "/stderr")

    assert.equal(1, code)
    assert.equal("mrlua: write to standard output: No space left on device\n",
      temp.read(folder .. "/stderr"))
  end)
end)

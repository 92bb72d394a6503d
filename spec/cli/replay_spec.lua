-- mrlua replay: a failed attempt again, here, and a prompt where it raised.

local cjson = require "cjson"
local engine = require "spec.support.engine"
local gcs = require "spec.support.gcs"
local temp = require "spec.support.temp"

local folder

local function write(name, text)
  return temp.write(folder .. "/" .. name, text)
end

local function mrlua(argv, input)
  return engine.run(argv, { folder = folder, input = input,
    environment = "XDG_STATE_HOME=" .. temp.quote(folder) })
end

-- Runs a job that fails; answers the command that its error ends with, as words.
local function fail(source, text, flags)
  local argv = { "run", write("job.lua", source), write("in.txt", text), "--slots", 1, "--tmp",
    folder }
  local result = mrlua(table.move(flags or {}, 1, #(flags or {}), #argv + 1, argv))
  assert.not_equal(0, result.code)
  local command = result.stderr:match "\nto look into it: mrlua ([^\n]*)\n$"
  assert.is_string(command, result.stderr)
  local words = {}
  for word in command:gmatch "%S+" do
    words[#words + 1] = word
  end
  return words, result
end

local PARSE = [[
local seen = 0
local function parse(line)
  local fields = {}
  for field in line:gmatch "[^,]+" do fields[#fields + 1] = field end
  return fields[2] + 1
end
return { reduce = "sum", map = function(key, line, emit)
  seen = seen + 1
  emit(parse(line), 1)
end }]]

describe("mrlua replay", function()
  temp.each(function(path) folder = path end)

  it("tells the error and the locals of each function", function()
    local command = fail(PARSE, "a,1\nb,2\nbad\nc,3\n")
    local result = mrlua { command[1], command[2] }

    assert.same({ "replay", "r1/m0", "--debug" }, command)
    assert.equal(0, result.code)
    assert.equal("", result.stderr)
    assert.equal([[
map 0 of job r1 (job), in map
]] .. folder .. [[/job.lua:5: attempt to perform arithmetic on a nil value (field 'integer index')
]], result.stdout:match "^[^\n]*\n[^\n]*\n")
    assert.matches("\n     line = \"bad\"\n     fields = {\"bad\"}\n", result.stdout)
    assert.matches("\n     seen = 3  %(upvalue%)\n", result.stdout)
  end)

  it("opens a prompt in the locals of the function that raised", function()
    local command = fail(PARSE, "a,1\nbad\n")
    local result = mrlua(command, "line\nfields[1]\nup()\nkey\nseen\nparse('x,41')\n")

    assert.equal(0, result.code)
    local said = result.stdout
    assert.matches("\n\"?bad\"?\n\"?bad\"?\n", said)
    assert.matches("> 2  .-\n4\n2\n42\n", said)
  end)

  it("assigns locals and upvalues at the prompt", function()
    local command = fail(PARSE, "a,1\nbad\n")
    local result = mrlua(command, "line = 'x'\nline .. '!'\nup()\nseen = 9\nseen + 1\nfresh = 5\n"
      .. "fresh\n")

    assert.matches("\n\"?x!\"?\n.*\n10\n5\n$", result.stdout)
  end)

  it("prints what the job prints, as it was", function()
    local command = fail("return { reduce = 'sum', map = function(key, line)\n"
      .. "  print('mapping', line) assert(line ~= 'b') end }", "a\nb\nc\n")
    local result = mrlua { command[1], command[2] }

    assert.matches("\nmapping\ta\nmapping\tb\n.*assertion failed!\n", result.stdout)
    assert.not_matches("mapping\tc", result.stdout)
  end)

  it("finds the input of a run that was started elsewhere", function()
    assert(os.execute(("mkdir %s/other"):format(folder)))
    write("job.lua", PARSE)
    write("in.txt", "a,1\nbad\n")
    mrlua { "run", "job.lua", "in.txt", "--tmp", folder }
    local result = engine.run({ "replay", "r1/m0" }, { folder = folder .. "/other",
      environment = "XDG_STATE_HOME=" .. folder })

    assert.not_matches("input is not there", result.stdout)
    assert.matches("seen = 2  %(upvalue%)", result.stdout)
  end)

  it("replays a capsule from its file, elsewhere", function()
    fail(PARSE, "a,1\nbad\n")
    assert(os.execute(("mv %s/mrlua/runs/r1/*.capsule %s/x.capsule"):format(folder, folder)))

    assert.matches("line = \"bad\"", mrlua({ "replay", "x.capsule" }).stdout)
  end)

  it("uses the record in the capsule when the input is gone, and says so", function()
    local command = fail(PARSE, "a,1\nbad\n")
    assert(os.remove(folder .. "/in.txt"))
    local result = mrlua { command[1], command[2] }

    assert.equal(0, result.code)
    assert.matches("its input is not there %(.-in%.txt.-%): only the record", result.stdout)
    assert.matches("line = \"bad\"", result.stdout)
    assert.matches("seen = 1  %(upvalue%)", result.stdout)
  end)

  it("reads an object of Cloud Storage again", function()
    local storage = gcs.start(folder .. "/gcs")
    finally(function() storage:stop() end)
    storage:put("in/a.csv", "a,1\nbad\n")
    local environment = ("XDG_STATE_HOME=%s %s"):format(folder, storage.environment)
    engine.run({ "run", write("job.lua", PARSE), "gs://bkt/in/a.csv", "--tmp", folder },
      { environment = environment })
    local result = engine.run({ "replay", "r1/m0", "--tmp", folder },
      { environment = environment })

    assert.equal(0, result.code, result.stderr)
    assert.not_matches("input is not there", result.stdout)
    assert.matches("seen = 2  %(upvalue%)", result.stdout)
  end)

  it("says when it does not fail here", function()
    local command = fail("return { attempts = 1, reduce = 'sum', map = function(key, line)\n"
      .. "  local text = ('x'):rep(1 << 24) .. line end, limits = { memory = '8M' } }", "a\n")
    local result = mrlua { command[1], command[2] }

    assert.equal(1, result.code)
    assert.matches("it did not fail here; the attempt did: .*memory", result.stdout)
  end)

  it("gives a job all of Lua's libraries only when it is told to", function()
    local command = fail("return { unsafe = true, reduce = 'sum',\n"
      .. "  map = function(key, line) error(io.open and line) end }", "bad\n",
      { "--allow-unsafe" })
    local refused = mrlua { command[1], command[2] }
    local replayed = mrlua { command[1], command[2], "--allow-unsafe" }

    assert.equal(2, refused.code)
    assert.equal("mrlua: job r1 says unsafe = true: it wants all of Lua's libraries; if you trust"
      .. " it, give --allow-unsafe\n", refused.stderr)
    assert.equal(0, replayed.code, replayed.stderr)
    assert.matches("line = \"bad\"", replayed.stdout, 1, true)
  end)

  it("does a reduce again with its key and the values it had taken", function()
    local command = fail("return { map = function(key, line, emit) emit(line, key) end,\n"
      .. "  reduce = function(key, values, emit) local sum = 0\n"
      .. "    for n in values do sum = sum + n assert(sum < 5, key) end end }",
      "a\nb\na\nb\na\nb\na\n")
    local result = mrlua { command[1], command[2], "--json" }
    local told = cjson.decode(result.stdout)

    assert.same({ "replay", "r1/r0" }, { command[1], command[2] })
    assert.matches("job.lua:3: a$", told.message)
    assert.is_true(told.is_same)
    assert.equal("reduce", told.frames[1].name)
    assert.same({ "key", "\"a\"" }, told.frames[1].locals[1])
    assert.same({ "sum", "12" }, told.frames[1].locals[4])
  end)

  it("does a reduce of a job with group again", function()
    local command = fail("return { group = 1, map = function(key, line, emit)\n"
      .. "    emit({ 'k', line }, key) end,\n"
      .. "  reduce = function(key, values) for value, whole in values do\n"
      .. "    assert(whole[2] ~= 'b', 'at ' .. value) end end }", "a\nb\n")

    assert.matches("at 2\n.*whole = {\"k\", \"b\"}\n", mrlua({ command[1], command[2] }).stdout)
  end)

  it("does a combine, a setup and a cleanup again", function()
    local jobs = {
      combine = "return { map = function(key, line, emit) emit(line, 1) end, reduce = 'sum',\n"
        .. "  combine = function(key, values) error('no ' .. key .. values()) end }",
      setup = "return { map = 'identity', setup = function() error 'no a1' end }",
      cleanup = "local n = 0 return { reduce = 'sum', map = function(key, line) n = n + 1 end,\n"
        .. "  cleanup = function() error('no a' .. n) end }",
    }
    for name, source in pairs(jobs) do
      local command = fail(source, "a\n")
      local result = mrlua { command[1], command[2] }

      assert.equal(0, result.code, name)
      assert.matches("in " .. name .. "\n", result.stdout)
      assert.matches("no a1\n", result.stdout, 1, false, name)
    end
  end)

  it("reads input as the job says: JSON lines, CSV, its own grammar", function()
    local jobs = {
      { "jsonl", [[{"a": 1}]] .. "\n" .. [[{"a": "x"}]] .. "\n", "v.a + 1" },
      { "csv", "1,2\nx,3\n", "v[1] + 1" },
    }
    for _, about in ipairs(jobs) do
      local command = fail(("return { input = '%s', reduce = 'sum', map = function(k, v, emit)\n"
        .. "  emit(%s, 1) end }"):format(about[1], about[3]), about[2])
      local result = mrlua { command[1], command[2] }

      assert.equal(0, result.code, result.stderr)
      assert.matches("attempt to", result.stdout)
      assert.not_matches("input is not there", result.stdout)
    end
  end)

  it("leaves out the bad records that the attempt had left out", function()
    local command = fail("return { skip_bad = 2, reduce = 'sum', map = function(key, line)\n"
      .. "  count = (count or 0) + 1 assert(not line:find 'bad', line .. count) end }",
      "a\nbad1\nbad2\nbad3\n")
    local result = mrlua { command[1], command[2] }

    assert.equal(0, result.code)
    assert.matches("bad", result.stdout)
  end)

  it("gives the job what emit refuses", function()
    local command = fail("return { reduce = 'sum', map = function(key, line, emit)\n"
      .. "  local bad = print emit(line, { bad }) end }", "a\n")
    local result = mrlua { command[1], command[2] }

    assert.equal(0, result.code)
    assert.matches("emit: .*function", result.stdout)
    assert.matches("bad = function", result.stdout)
  end)

  it("shows what there is of a reduce whose process was killed", function()
    local command = fail("return { attempts = 1, map = 'identity', reduce = function(key)\n"
      .. "  while true do end end }", "a\nb\n", { "--limit-seconds-per-record", "0.5" })
    local result = mrlua { command[1], command[2] }

    assert.equal(1, result.code)
    assert.matches("\nin: reduce\nthe last record it began: 1\n", result.stdout)
    assert.equal("mrlua: this cannot be done again: its process was killed, and the values of its"
      .. " keys went with it\n", result.stderr)
    assert.is_false(cjson.decode(mrlua({ command[1], command[2], "--json" }).stdout).ok)
  end)

  it("stops a record on which the process was killed, and shows where", function()
    local command = fail("return { attempts = 1, reduce = 'sum', map = function(key, line)\n"
      .. "  local turns = 0 while line == 'b' do turns = turns + 1 end end }", "a\nb\n",
      { "--limit-seconds-per-record", "0.5" })
    local result = mrlua { command[1], command[2], "--limit-seconds", "0.2" }

    assert.equal(0, result.code)
    assert.matches("stopped after 0.2 s %(%-%-limit%-seconds%)", result.stdout)
    assert.matches("turns = %d+\n", result.stdout)
    assert.matches("the attempt had failed otherwise: map took longer than 0.5 s", result.stdout)
  end)

  it("takes 'last' for the newest job", function()
    fail(PARSE, "bad\n")
    local result = mrlua { "replay", "last/m0", "--master", "127.0.0.1:1" }

    assert.equal(0, result.code)
    assert.equal(mrlua({ "replay", "r1/m0" }).stdout, result.stdout)
  end)

  it("knows what it has, when what is asked for is not there", function()
    fail(PARSE, "bad\n")

    local result = mrlua { "replay", "r1/m7" }
    assert.equal(2, result.code)
    assert.equal("mrlua: of r1 only m0 failed: mrlua replay r1/m0\n", result.stderr)
    assert.matches("there is nothing of run r9", mrlua({ "replay", "r9/m0" }).stderr)
    assert.matches("there is nothing of run r9",
      cjson.decode(mrlua({ "replay", "r9/m0", "--json" }).stdout).error.message)
    assert.matches("r1 is a job: give a task of it", mrlua({ "replay", "r1" }).stderr)
    assert.matches("r1 is a job: give a task of it",
      mrlua({ "replay", "last", "--master", "127.0.0.1:1" }).stderr)
    assert.matches("in%.txt: no capsule", mrlua({ "replay", "in.txt" }).stderr)
  end)

  it("leaves nothing of a job in the user's folders that it does not name", function()
    fail(PARSE, "bad\n")

    assert.equal("r1", temp.capture(("ls %s/mrlua/runs"):format(folder)))
  end)

  it("is a command with help and an example", function()
    local text = engine.output { "replay", "--help" }

    assert.matches("mrlua replay r17/m3 %-%-debug", text)
    assert.matches("without sandbox and", text)
  end)
end)

describe("mrlua inspect, of a capsule", function()
  temp.each(function(path) folder = path end)

  it("tells what failed, on what, with what in hand", function()
    fail(PARSE, "a,1\nbad\n")
    local name = temp.capture(("cd %s/mrlua/runs/r1; ls *.capsule"):format(folder))
    local text = mrlua({ "inspect", "mrlua/runs/r1/" .. name }).stdout

    assert.matches("^job: r1, job\nattempt: map 0, attempt %d+ on worker 1\n", text)
    assert.matches("\nrecord: 2\nkey: 4\nvalue: \"bad\"\n", text)
    assert.matches("\nstack traceback:\n", text)
    assert.matches("\n     fields = {\"bad\"}\n", text)
  end)

  it("finds a damaged one", function()
    fail(PARSE, "a,1\nbad\n")
    local name = temp.capture(("cd %s/mrlua/runs/r1; ls *.capsule"):format(folder))
    local bytes = temp.read(folder .. "/mrlua/runs/r1/" .. name)
    write("x.capsule", bytes:sub(1, 40) .. "\0" .. bytes:sub(42))
    local result = mrlua { "inspect", "x.capsule" }

    assert.equal(1, result.code)
    assert.matches("x%.capsule: the capsule is damaged", result.stderr)
  end)
end)

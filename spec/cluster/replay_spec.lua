-- What failed attempts and print leave at the master, and the way from an error to its record.

local cjson = require "cjson"
local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local SECONDS <const> = 240

local it_all

-- Lines of ten bytes, one of them bad: with splits of as much each is a map.
local function write_lines(count, bad)
  local lines = {}
  for i = 1, count do
    lines[i] = i == bad and "bad,line!\n" or ("r%03d,%04d\n"):format(i % 1000, i)
  end
  return temp.write(it_all.folder .. "/lines", table.concat(lines))
end

local PARSE = [[
local function parse(line)
  local fields = {}
  for field in line:gmatch "[^,]+" do fields[#fields + 1] = field end
  return fields[2] + 1
end
return { reduce = "sum", map = function(key, line, emit)
  emit(parse(line) % 10, 1)
end }]]

-- Runs a job to its end; answers what submit said, and its number.
local function submit(source, inputs, flags)
  local job = it_all:submit(temp.write(it_all.folder .. "/job.lua", source), inputs, flags)
  it_all:wait("the job ends", SECONDS, function() return job:code() end)
  return job:text "err", it_all:list_jobs()[1].id
end

-- The words of the command that an error ends with.
local function command_of(message)
  local words = {}
  for word in (message:match "\nto look into it: mrlua ([^\n]*)\n$" or ""):gmatch "%S+" do
    words[#words + 1] = word
  end
  assert.is_true(#words > 0, message)
  return words
end

local function mrlua(words, input)
  return engine.run(words, { input = input, seconds = 60 })
end

describe("mrlua replay, of a job of a cluster", function()
  before_each(function()
    it_all = cluster.open()
    it_all:start(2)
  end)

  after_each(function()
    it_all:close()
  end)

  it("goes from the error of one of 1,000 tasks to a prompt in its record's locals", function()
    local message, id = submit(PARSE, { write_lines(1000, 700) },
      { "--split-size", 10, "--reducers", 2 })
    local command = command_of(message)
    local result = mrlua(command, "line\nfields[2]\nup()\nkey\nparse('x,41')\n")

    assert.same({ "replay", id .. "/m699", "--debug" },
      { command[1], command[2], command[#command] })
    assert.equal(0, result.code, result.stderr)
    assert.matches("^map 699 of job " .. id .. " %(job%), in map\n", result.stdout)
    assert.matches("\n\"?bad,line!\"?\n\"?line!\"?\n", result.stdout)
    assert.matches("\n6990\n42\n$", result.stdout)
  end)

  it("has no more capsules of a job than it says, and that of the end among them", function()
    local message, id = submit([[return { reduce = "sum", skip_bad = 30,
      map = function(key, line) error("no " .. line) end }]], { write_lines(60, 1) },
      { "--split-size", 10, "--reducers", 1 })
    local command = command_of(message)
    local names = temp.list(("%s/state/trails/r%d"):format(it_all.folder, id))
    local count = 0
    for _, name in ipairs(names) do
      count = count + (name:find "%.capsule$" and 1 or 0)
    end

    assert.equal(16, count)
    assert.equal(0, mrlua(command).code)
  end)

  it("outlives the master", function()
    local message, id = submit(PARSE, { write_lines(4, 2) },
      { "--split-size", 10, "--reducers", 1 })
    it_all:restart_master()
    local command = command_of(message)

    assert.matches("line = \"bad,line!\"", mrlua(command, "vars()\n").stdout)
    assert.same(command, command_of(it_all:run({ "status", id }).stdout))
  end)

  it("is for who may submit jobs, and logs are for who may look", function()
    local message, id = submit([[return { reduce = "sum", map = function() print "hello"
      error "no" end }]], { write_lines(1, 0) }, { "--reducers", 1 })
    local key = temp.write(it_all.folder .. "/read.key",
      engine.output { "key", "--role", "read", "--key-file", it_all.folder .. "/key" })
    assert(os.execute("chmod 600 " .. key))
    local words = { "--master", it_all.address, "--key-file", key }
    local refused = mrlua { "replay", command_of(message)[2], table.unpack(words) }
    local logs = mrlua { "logs", id, table.unpack(words) }

    assert.equal(2, refused.code)
    assert.matches("submit", refused.stderr)
    assert.matches("\nhello\n$", logs.stdout)
  end)

  it("says which jobs and tasks it knows", function()
    local _, id = submit(PARSE, { write_lines(1, 1) }, { "--reducers", 1 })
    local words = { "--master", it_all.address, "--key-file", it_all.folder .. "/key" }

    assert.equal(("mrlua: of job %d only m0 failed: mrlua replay %d/m0\n"):format(id, id),
      mrlua({ "replay", id .. "/m7", table.unpack(words) }).stderr)
    assert.matches("there is no job 99", mrlua({ "replay", "99/m0", table.unpack(words) }).stderr)
  end)

  it("finds the step of a job that failed", function()
    local message = submit([[return { steps = {
      { map = "identity", reduce = "count" },
      { map = function(key, value, emit) local mine = value + 1 error("no") end },
    } }]], { write_lines(3, 0) }, {})
    local command = command_of(message)
    local result = mrlua(command, "mine\n")

    assert.matches("^%d+/2%.m%d+$", command[2])
    assert.equal(0, result.code, result.stderr)
    assert.matches("\n2\n$", result.stdout)
  end)
end)

describe("mrlua logs, of a job of a cluster", function()
  before_each(function()
    it_all = cluster.open()
    it_all:start(2)
  end)

  after_each(function()
    it_all:close()
  end)

  it("has what the steps of a job have printed", function()
    local _, id = submit([[return { steps = {
      { map = function(key, line, emit) print("first", line) emit(1, 1) end, reduce = "sum" },
      { map = function(key, value, emit) print("second", value) end, reduce = "sum" },
    } }]], { write_lines(1, 0) }, { "--reducers", 1 })
    local text = mrlua({ "logs", id, "--master", it_all.address, "--key-file",
      it_all.folder .. "/key" }).stdout

    assert.matches("== step 1, map 0, attempt %d+\nfirst\tr001,0001\n", text)
    assert.matches("== step 2, map 0, attempt %d+\nsecond\t1\n", text)
  end)

  it("has what each attempt has printed, and outlives the master", function()
    local _, id = submit([[return { map = function(key, line, emit) print("mapping", line)
      emit(1, 1) end, reduce = function(key, values) print "reducing" end }]],
      { write_lines(3, 0) }, { "--split-size", 10, "--reducers", 1 })
    it_all:restart_master()
    local words = { "--master", it_all.address, "--key-file", it_all.folder .. "/key" }
    local lines = {}
    for line in mrlua({ "logs", id, "--json", table.unpack(words) }).stdout:gmatch "[^\n]+" do
      local told = cjson.decode(line)
      lines[told.task] = told.lines
    end

    assert.same({ m0 = { "mapping\tr001,0001" }, m1 = { "mapping\tr002,0002" },
      m2 = { "mapping\tr003,0003" }, r0 = { "reducing" } }, lines)
  end)
end)

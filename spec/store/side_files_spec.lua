-- Side files in Cloud Storage: looked up once per job, read once per machine, the same bytes for
-- every attempt, whatever goes wrong on the way.

local engine = require "spec.support.engine"
local gcs = require "spec.support.gcs"
local gcs_cluster = require "spec.support.gcs_cluster"
local stop_words = require "spec.support.stop_words"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local JOB <const> = stop_words.job { stop = "gs://bkt/side/stop.txt" }
local STEPS <const> = [[
local function length() return #mr.open("stop"):read "a" end
return {
  files = { stop = "gs://bkt/side/stop.txt" },
  steps = {
    { map = function(_, _, emit) emit(length(), 1) end, reduce = "sum" },
    { map = function(key, n, emit) emit(key == length(), 1) end, reduce = "sum" },
  },
}
]]
-- Its driver reads what its steps do. One of them stops at the gate.
local DRIVER <const> = [[
local job = { files = { stop = "gs://bkt/side/stop.txt" }, steps = {}, unsafe = true }
local function length() return #mr.open("stop"):read "a" end
function job.steps.first(_, _, emit)
  io.open("GATE/asked", "w"):close()
  while not io.open "GATE/gate" do os.execute "sleep 0.02" end
  emit(length(), 1)
end
function job.steps.second(key, n, emit) emit(key == length(), 1) end
function job.drive(driver)
  local before = length()
  local step = driver.run { map = job.steps.first, reduce = "sum" }
  for key in step:output() do assert(key == before) end
  return { inputs = step, map = job.steps.second, reduce = "sum" }
end
return job
]]
local FLAGS <const> = { "--split-size", "16K", "--reducers", "2" }
local OBJECT <const> = "side/stop.txt"
local HELD_S <const> = 300 -- longer than a spec lives: what is held never arrives

-- Of several requests.
local function stop_list()
  local words = { "the", "of", "and" }
  for number = 1, 40000 do
    words[#words + 1] = ("word%040d"):format(number)
  end
  return table.concat(words, "\n") .. "\n"
end

local function with_inputs(argv)
  table.move(FLAGS, 1, #FLAGS, #argv + 1, argv)
  return table.move(texts.LICENSES, 1, #texts.LICENSES, #argv + 1, argv)
end

-- How often a storage was asked what the object is; its bytes are another operation.
local function lookups(storage)
  local count = 0
  for _, request in ipairs(storage:requests("objects.get", OBJECT)) do
    count = count + (request.operation == "objects.get" and 1 or 0)
  end
  return count
end

local function reads(storage)
  return #storage:requests("objects.get.media", OBJECT)
end

-- What the job writes with the stop list in a plain file.
local function expected_output(folder, job)
  local list = temp.write(folder .. "/stop.txt", stop_list())
  return engine.output(with_inputs { "run", job, "--quiet", "--file", "stop=" .. list })
end

local folder, storage, job, expected, it_all

local function run(argv)
  return engine.run({ "run", job, "--quiet", "--tmp", folder .. "/tmp", table.unpack(argv) },
    { environment = storage.environment })
end

local function same()
  local result = run(with_inputs {})
  assert.equal("", result.stderr)
  assert.is_true(result.stdout == expected)
end

describe("a side file in Cloud Storage", function()
  setup(function()
    folder = temp.folder()
    os.execute("mkdir " .. folder .. "/tmp")
    storage = gcs.start(folder .. "/gcs")
    job = temp.write(folder .. "/job.lua", JOB)
    expected = expected_output(folder, job)
  end)

  teardown(function()
    storage:stop()
    temp.remove(folder)
  end)

  before_each(function()
    storage:clear()
    storage:forget()
    storage:put(OBJECT, stop_list())
  end)

  after_each(function()
    assert.same({}, temp.list(folder .. "/tmp"))
  end)

  it("is looked up once, and read once by mrlua run", function()
    same()
    assert.equal(1, lookups(storage))
    assert.equal(1, reads(storage))
    assert.same({}, storage:violations())
  end)

  it("is looked up and read once for all steps of a job", function()
    local steps = temp.write(folder .. "/steps.lua", STEPS)
    local result = engine.run({ "run", steps, job, "--quiet", "--tmp", folder .. "/tmp" },
      { environment = storage.environment })
    assert.same({ code = 0, stdout = "true\t1\n", stderr = "" }, result)
    assert.equal(1, lookups(storage))
    assert.equal(1, reads(storage))
  end)

  it("is the same after every fault of the store", function()
    for _, action in ipairs { { status = 503 }, { break_after = 1000 } } do
      storage:clear()
      storage:faults { match = { operation = "objects.get.media", object = OBJECT, count = 2 },
        action = action }
      same()
      assert.equal(2, storage:rules()[1].taken)
    end
  end)

  it("whose bytes are not those of its checksum is refused", function()
    storage:faults { match = { operation = "objects.get.media", object = OBJECT },
      action = { corrupt = 1000 } }
    local result = run(with_inputs {})
    assert.equal(1, result.code)
    assert.matches("side file stop: ", result.stderr, 1, true)
    assert.matches("checksum", result.stderr, 1, true)
  end)

  it("that is missing ends the job before it maps anything", function()
    storage:remove(OBJECT)
    local out = folder .. "/out"
    local result = run(with_inputs { "-o", out })
    assert.equal(2, result.code)
    assert.equal("mrlua: side file stop: gs://bkt/side/stop.txt: no such object\n", result.stderr)
    assert.is_false(temp.exists(out .. "/_SUCCESS"))
  end)

  -- The plan looks at it before it reads standard input.
  it("that is replaced while the job runs is named", function()
    local fifo = folder .. "/fifo"
    os.execute("mkfifo " .. fifo)
    os.execute(("(env %s %s run %s - --quiet --tmp %s <%s >%s/said 2>&1; echo $? >%s/code) &")
      :format(storage.environment, temp.quote(engine.path), job, folder .. "/tmp", fifo, folder,
        folder))
    local input <close> = assert(io.open(fifo, "w"))
    assert(temp.wait_until(30, function()
      return lookups(storage) > 0
    end))
    input:write(("x\n"):rep(100000)) -- more than a pipe has room for: somebody reads
    input:flush()
    storage:put(OBJECT, "another\n")
    input:close()
    assert(temp.wait_until(30, function() return temp.exists(folder .. "/code") end))
    assert.matches("side file stop: input gs://bkt/side/stop.txt changed since the job was planned",
      temp.read(folder .. "/said"), 1, true)
  end)
end)

local function submit()
  return it_all.cluster:submit(job, texts.LICENSES, FLAGS)
end

describe("a side file in Cloud Storage, on a cluster,", function()
  before_each(function()
    it_all = gcs_cluster.open()
    storage = it_all.storage
    job = temp.write(it_all.folder .. "/job.lua", JOB)
    storage:put(OBJECT, stop_list())
    local list = temp.write(it_all.folder .. "/stop.txt", stop_list())
    expected = it_all.cluster:expected_parts(job, texts.LICENSES,
      table.move({ "--file", "stop=" .. list }, 1, 2, #FLAGS + 1,
        table.move(FLAGS, 1, #FLAGS, 1, {})))
  end)

  after_each(function()
    it_all:close()
  end)

  it("is read once by each worker, for all jobs", function()
    it_all:start(2)
    it_all.cluster:expect_parts(submit(), expected)
    assert.equal(1, lookups(storage))
    it_all.cluster:expect_parts(submit(), expected)
    assert.equal(2, lookups(storage))
    assert.equal(2, reads(storage))
    assert.same({}, storage:violations())
    it_all.cluster:expect_clean()
  end)

  it("is looked up once for all steps of a job", function()
    job = temp.write(it_all.folder .. "/steps.lua", STEPS)
    it_all:start(1)
    local input = temp.write(it_all.folder .. "/in", "a line\n")
    it_all.cluster:expect_parts(it_all.cluster:submit(job, { input }),
      "== part-00000\ntrue\t1\n")
    assert.equal(1, lookups(storage))
    assert.equal(1, reads(storage))
  end)

  describe("and of a driver,", function()
    local input

    before_each(function()
      job = temp.write(it_all.folder .. "/driver.lua", (DRIVER:gsub("GATE", it_all.folder)))
      input = temp.write(it_all.folder .. "/in", "a line\n")
      it_all:start_master()
      it_all:start_worker { "--allow-unsafe" }
    end)

    local function submit_driver()
      return it_all.cluster:submit(job, { input }, { "--allow-unsafe" })
    end

    local function open_gate()
      temp.write(it_all.folder .. "/gate", "")
    end

    it("is what its steps read, looked up and read once", function()
      local submitted = submit_driver()
      open_gate()
      it_all.cluster:expect_parts(submitted, "== part-00000\ntrue\t1\n")
      assert.equal(1, lookups(storage))
      assert.equal(1, reads(storage))
      assert.same({}, storage:violations())
      it_all.cluster:expect_clean()
    end)

    it("is the same for all when the master is killed between them", function()
      local submitted = submit_driver()
      it_all.cluster:wait("the step runs", 60, function()
        return temp.exists(it_all.folder .. "/asked")
      end)
      it_all.cluster.master:kill()
      it_all:start_master()
      open_gate()
      it_all.cluster:expect_parts(submitted, "== part-00000\ntrue\t1\n")
      assert.equal(1, lookups(storage))
    end)

    it("ends the job before its driver begins when it is missing", function()
      storage:remove(OBJECT)
      local submitted = submit_driver()
      assert.equal(2, submitted:wait(60))
      assert.matches("side file stop: gs://bkt/side/stop.txt: no such object",
        submitted:text "err", 1, true)
    end)
  end)

  it("is read by another worker when one is killed while it reads", function()
    it_all:start_master()
    it_all:start_worker()
    storage:faults { match = { operation = "objects.get.media", object = OBJECT, count = 1 },
      action = { stall_after = 1000, stall_seconds = HELD_S } }
    local submitted = submit()
    it_all:wait_until_held()
    it_all.cluster.workers[1]:kill()
    it_all:start_worker()
    it_all.cluster:expect_parts(submitted, expected)
    assert.equal(2, reads(storage))
  end)

  it("keeps its generation when the master is killed after the plan", function()
    it_all:start_master()
    it_all:start_worker()
    storage:faults { match = { operation = "objects.get.media", object = OBJECT, count = 1 },
      action = { stall_after = 1000, stall_seconds = HELD_S } }
    local submitted = submit()
    it_all:wait_until_held()
    it_all.cluster.master:kill()
    it_all:start_master()
    it_all.cluster.workers[1]:kill()
    it_all:start_worker()
    it_all.cluster:expect_parts(submitted, expected)
    assert.equal(1, lookups(storage))
  end)

  it("is read again where a worker's disk has damaged it", function()
    it_all:start(1)
    it_all.cluster:expect_parts(submit(), expected)
    local copy = temp.capture("ls " .. it_all.cluster.workers[1].dir .. "/blobs/object-*"):match
      "^%S*/object%-%x+"
    temp.write(copy, (temp.read(copy):gsub("of", "OF", 1)))
    it_all.cluster:expect_parts(submit(), expected)
    assert.equal(2, reads(storage))
    assert.is_true(temp.read(copy) == stop_list())
  end)

  it("that is missing ends the job before it maps anything", function()
    storage:remove(OBJECT)
    it_all:start(1)
    local submitted = submit()
    assert.equal(2, submitted:wait(60))
    assert.matches("side file stop: gs://bkt/side/stop.txt: no such object",
      submitted:text "err", 1, true)
  end)
end)

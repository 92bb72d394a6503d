-- Side files on a cluster: from the client to the master, to each worker once, to every attempt.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local stop_words = require "spec.support.stop_words"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local PLAN <const> = { "--split-size", "16K", "--reducers", "4" }

local JOB <const> = stop_words.job { stop = "data/stop.txt", mark = "data/mark",
  fields = "combine = 'sum'," }

local it_all, job_path

local function write(name, text)
  return temp.write(it_all.folder .. "/" .. name, text)
end

-- { [hash] = how often } of what a worker says it has kept.
local function kept_by(worker)
  local kept = {}
  for hash in worker:text("err"):gmatch "blob_kept[^\n]*blob=(%x+)" do
    kept[hash] = (kept[hash] or 0) + 1
  end
  return kept
end

local function hash_of(path)
  return temp.capture("sha256sum <" .. temp.quote(path)):match "%x+"
end

local function data(name)
  return it_all.folder .. "/jobs/data/" .. name
end

describe("side files on a cluster", function()
  before_each(function()
    it_all = cluster.open()
    os.execute("mkdir -p " .. it_all.folder .. "/jobs/data")
    job_path = write("jobs/job.lua", JOB)
    write("jobs/data/stop.txt", "the\nof\nand\n")
    write("jobs/data/mark", ("!"):rep(600000)) -- more than one piece
  end)

  after_each(function()
    it_all:close()
  end)

  it("go to each worker once, and are what mrlua run reads", function()
    write("jobs/data/mark", "!")
    local expected = it_all:expected_parts(job_path, texts.LICENSES, PLAN)
    it_all:start(2)
    it_all:expect_parts(it_all:submit(job_path, texts.LICENSES, PLAN), expected)
    it_all:expect_parts(it_all:submit(job_path, texts.LICENSES, PLAN), expected)

    for _, worker in ipairs(it_all.workers) do
      local kept = kept_by(worker)
      assert.equal(1, kept[hash_of(data "stop.txt")], worker:text "err")
      assert.equal(1, kept[hash_of(data "mark")])
    end
    it_all:expect_clean()
  end)

  it("come in pieces, and change with --file", function()
    it_all:start(1)
    local input = write("in", "the house\n")
    local other = write("other", "house\n")
    local job = it_all:submit(job_path, { input })
    it_all:expect_parts(job, "== part-00000\nhouse600000\t1\n")
    it_all:expect_parts(it_all:submit(job_path, { input }, { "--file", "stop=" .. other, "--file",
      "mark=" .. other }), "== part-00000\nthe6\t1\n")
  end)

  it("are read by a driver and by all steps", function()
    job_path = write("jobs/driver.lua", [[
      local job = { files = { "data/mark" }, steps = {}, output = "lines" }
      function job.steps.map(_, line, emit)
        emit(line .. #mr.open("mark"):read "a", 1)
      end
      function job.drive(driver)
        assert(mr.open("mark"):read(1) == "!")
        local first = driver.run { map = job.steps.map, reduce = "sum" }
        return { inputs = first, map = job.steps.map, reduce = "distinct" }
      end
      return job]])
    it_all:start(1)
    it_all:expect_parts(it_all:submit(job_path, { write("in", "x\n") }),
      "== part-00000\n1600000\n")
  end)

  it("survive kill -9 of a worker and of the master", function()
    it_all:start(2, { flags = { "--allow-unsafe" } })
    local gate = gated.new(it_all, [[
      files = { stop = "stop.txt" },
      setup = function(ctx) assert(ctx.open("stop"):read "a" == "a stop list\n") end,]])
    write("stop.txt", "a stop list\n")
    local job = gate:submit()
    gate:wait_for("map", 2)
    it_all:worker_with(gate:ran("map")[1].worker):kill()
    it_all:restart_master()
    os.remove(it_all.folder .. "/stop.txt") -- it was sent
    it_all:start_worker { flags = { "--allow-unsafe" } } -- with an empty folder
    gate:open "map"
    gate:open "reduce"
    write("stop.txt", "a stop list\n") -- for mrlua run, which tells what is expected
    gate:expect_parts(job)
    local last = it_all.workers[#it_all.workers]
    assert.equal(1, kept_by(last)[hash_of(it_all.folder .. "/stop.txt")])
  end)

  it("that are damaged on a worker's disk are fetched again before a job sees them", function()
    write("jobs/data/mark", "!")
    it_all:start(1)
    local input, hash = write("in", "the house\n"), hash_of(data "stop.txt")
    local expected = "== part-00000\nhouse1\t1\n"
    it_all:expect_parts(it_all:submit(job_path, { input }), expected)
    local worker = it_all.workers[1]
    local copy = worker.dir .. "/blobs/" .. hash
    temp.write(copy, "the\nof\nanD\n")
    it_all:expect_parts(it_all:submit(job_path, { input }), expected)
    assert.equal(2, kept_by(worker)[hash])
    assert.matches("side file stop: its copy on this machine was gone or damaged",
      worker:text "err", 1, true)
    assert.equal(temp.read(data "stop.txt"), temp.read(copy))
  end)

  it("that the master has lost end the job, and say so", function()
    it_all:start_master()
    local job = it_all:submit(job_path, { write("in", "the house\n") })
    it_all:job_id(job)
    os.remove(it_all.folder .. "/state/blobs/" .. hash_of(data "stop.txt"))
    it_all:start_worker()
    local code = it_all:wait("the job ends", 120, function() return job:code() end)
    assert.equal(2, code)
    assert.matches("the master has lost a file of this job (stop): submit it again",
      job:text "err", 1, true)
  end)

  it("that are damaged on the master end the job, and the next submit puts them again", function()
    write("jobs/data/mark", "!")
    it_all:start_master()
    local input = write("in", "the house\n")
    local job = it_all:submit(job_path, { input })
    it_all:job_id(job)
    temp.write(it_all.folder .. "/state/blobs/" .. hash_of(data "stop.txt"), "the\nof\nanD\n")
    it_all:start_worker()
    local code = it_all:wait("the job ends", 120, function() return job:code() end)
    assert.equal(2, code)
    local message <const> = "a file of this job (stop) cannot be had: "
      .. "the master's copy was damaged: submit the job again"
    assert.matches(message, job:text "err", 1, true)
    it_all:expect_parts(it_all:submit(job_path, { input }), "== part-00000\nhouse1\t1\n")
  end)

  it("must be there, and small enough for a master, before anything is sent", function()
    it_all:start_master()
    local input = write("in", "x\n")
    local out = it_all.folder .. "/out"
    local function submit(...)
      local result = it_all:run { "submit", job_path, input, "-o", out, "--quiet", ... }
      return result.code .. " " .. result.stderr
    end
    assert.equal("2 mrlua: side file stop: nowhere: No such file or directory\n",
      submit("--file", "stop=nowhere"))
    local large = it_all.folder .. "/large"
    os.execute("truncate -s 67108865 " .. large)
    assert.equal(("2 mrlua: side file stop: %s has 64 MB, and 64 MB are the most that a master "
      .. "hands on: put it into a bucket and name it gs://BUCKET/OBJECT (--file stop=gs://...)\n")
      :format(large), submit("--file", "stop=" .. large))
    assert.equal("2 mrlua: option '--file': there is no side file 'stpo'; did you mean 'stop'?\n",
      submit("--file", "stpo=" .. large))
    assert.same({}, temp.list(it_all.folder .. "/state/blobs"))
  end)
end)

-- Inputs in Cloud Storage on a cluster: master and workers read them, clients need not.

local cluster = require "spec.support.cluster"
local gcs = require "spec.support.gcs"
local temp = require "spec.support.temp"

local WORDCOUNT <const> = "jobs/wordcount.lua"
local FLAGS <const> = { "--reducers", 3, "--split-size", "60K" }

local it_all, storage, expected

describe("a cluster with inputs in Cloud Storage", function()
  before_each(function()
    it_all = cluster.open()
    storage = gcs.start(it_all.folder .. "/gcs")
    local lines = {}
    for number = 1, 30000 do
      lines[number] = ("line %d of words like w%s"):format(number, ("x"):rep(number % 9))
    end
    local bytes = table.concat(lines, "\n") .. "\n"
    local file = temp.write(it_all.folder .. "/input.txt", bytes)
    expected = it_all:expected_parts(WORDCOUNT, { file }, FLAGS)
    storage:put("in/a.txt", bytes)
    local options = { wrap = "env " .. storage.environment .. " %s" }
    it_all:start_master(options)
    it_all:start_worker(options)
    it_all:start_worker(options)
  end)

  after_each(function()
    storage:stop()
    it_all:close()
  end)

  it("writes what run writes on files", function()
    it_all:expect_parts(it_all:submit(WORDCOUNT, { "gs://bkt/in" }, FLAGS), expected)
    it_all:expect_clean()
    assert.same({}, storage:violations())
  end)

  it("does so through faults, and a master that is killed after its plan", function()
    storage:faults { match = { operation = "objects.get.media", probability = 0.3 },
      action = { status = 503 } }
    local job = it_all:submit(WORDCOUNT, { "gs://bkt/in/*.txt" }, FLAGS)
    it_all:wait_for_job(job, "a map is done", 60, function(status)
      return status.stages.map and status.stages.map.tasks_done > 0
    end)
    it_all:restart_master()
    it_all:expect_parts(job, expected)
  end)

  it("says what is not there", function()
    local job = it_all:submit(WORDCOUNT, { "gs://bkt/none" })
    assert.is_true(job:wait(60) ~= 0)
    assert.matches("input gs://bkt/none: no such object", job:text "err", 1, true)
  end)
end)

-- The end of a job with many parts: whenever the master dies in it, each part is there once, and
-- while it lasts the master answers.

local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local WORDCOUNT <const> = "jobs/wordcount.lua"
local INPUTS <const> = { texts.GPL }
local ROUNDS <const> = math.tointeger(tonumber(os.getenv "ROUNDS")) or 8
local PARTS <const> = 100
-- A reduce costs a process, under sanitizers and with tiny limits a dearer one. The job is to last
-- for the questions that are asked meanwhile: five a second, where the machine is not idle.
local MANY_PARTS <const> = engine.has_option "SANITIZE" and 300
  or engine.has_option "TINY" and 1000 or 2000
local NS_PER_MS <const> = 1000000

local it_all

-- Kills the master as soon as so many parts have their names.
local function kill_at(job, count)
  os.execute(([[timeout 20 sh -c '
    until set -- %s/part-?????; [ -e "$1" ] && [ $# -ge %d ]; do :; done'; kill -KILL %s
  ]]):format(temp.quote(job.out):gsub("'", ""), count, it_all.master.pid))
  it_all.master:wait(20)
  it_all:start_master()
end

local function now_ms()
  return tonumber(temp.capture "date +%s%N") // NS_PER_MS
end

describe("a commit", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("in which the master is killed, at any part, is finished once", function()
    local seed = texts.seed(5)
    math.randomseed(seed)
    local flags = { "--reducers", PARTS }
    local expected = it_all:expected_parts(WORDCOUNT, INPUTS, flags)
    it_all:start(1, { slots = 2 })
    for _ = 1, ROUNDS do
      local job = it_all:submit(WORDCOUNT, INPUTS, flags)
      kill_at(job, math.random(PARTS))
      it_all:expect_parts(job, expected)
    end

    local jobs = it_all:list_jobs()
    assert.equal(ROUNDS, #jobs, ("SEED=%d"):format(seed))
    for _, job in ipairs(jobs) do
      assert.equal("done", job.state)
    end
    it_all:expect_clean()
  end)

  it("of many parts keeps nobody waiting", function()
    it_all:start(1, { slots = 2 })
    local job = it_all:submit(WORDCOUNT, INPUTS, { "--reducers", MANY_PARTS })
    local waits = {}
    it_all:wait("the job ends", 200, function()
      local since = now_ms()
      assert.equal(0, it_all:run({ "jobs", "--json" }).code)
      waits[#waits + 1] = now_ms() - since
      return job:code()
    end)
    table.sort(waits)

    assert.equal(0, job:code(), job:text "err")
    assert.is_true(#waits >= 20, #waits .. " questions")
    local late = waits[math.ceil(#waits * 0.99)]
    assert.is_true(late < 1000, ("p99 of %d answers: %d ms"):format(#waits, late))
    assert.equal(MANY_PARTS + 1, #temp.list(job.out)) -- and _SUCCESS
  end)
end)

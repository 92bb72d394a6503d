-- The end of a job with many parts: whenever the master dies in it, each part is there once, and
-- while it lasts, however slow the disk is and whether the parts come or go, the master answers.
--
-- The slow disk is short in the tests: 100 parts of 40 ms. At full length a commit takes 100 s:
--
--     SLOW_PARTS=5000 SLOW_MS=20 MRLUA=build/mrlua busted spec/cluster/commit_spec.lua

local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local WORDCOUNT <const> = "jobs/wordcount.lua"
local INPUTS <const> = { texts.GPL }
local ROUNDS <const> = math.tointeger(tonumber(os.getenv "ROUNDS")) or 8
local PARTS <const> = 100
local SLOW_PARTS <const> = math.tointeger(tonumber(os.getenv "SLOW_PARTS")) or PARTS
-- A reduce costs a process, under sanitizers and with tiny limits a dearer one. The job is to last
-- for the questions that are asked meanwhile: five a second, where the machine is not idle.
local MANY_PARTS <const> = engine.has_option "SANITIZE" and 300
  or engine.has_option "TINY" and 1000 or 2000
local NS_PER_MS <const> = 1000000
local SLOW_MS <const> = math.tointeger(tonumber(os.getenv "SLOW_MS")) or 40
-- So long may one of the SLOW_PARTS take, from its reduce to its name.
local PART_SECONDS <const> = 0.9 + 2 * SLOW_MS / 1000
local ANSWER_MS_MAX <const> = 1000

-- A disk on which parts are slow to get their names, and to go.
local SLOW_DISK <const> = [[
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void nap(const char *path)
{
    if (strstr(path, "part-"))
        usleep(SLOW_MS * 1000);
}

int rename(const char *from, const char *to)
{
    nap(from);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int folder, const char *name, int flags)
{
    nap(name);
    return (int)syscall(SYS_unlinkat, folder, name, flags);
}
]]

-- Reduce 0 never ends.
local ENDLESS_JOB <const> = [[
return {
  partition = function(key) return key end,
  map = function(_, _, emit)
    for key = 0, PARTS - 1 do emit(key, 1) end
  end,
  reduce = function(key, _, emit)
    while key == 0 do end
    emit(key, 1)
  end,
}
]]

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

  -- Other work on the machine makes any answer later: so does it one to a master without a job.
  it("of many parts keeps nobody waiting", function()
    local function answer_ms()
      local since = now_ms()
      assert.equal(0, it_all:run({ "jobs", "--json" }).code)
      return now_ms() - since
    end

    it_all:start(1, { slots = 2 })
    local idle_ms = 0
    for _ = 1, 10 do
      idle_ms = math.max(idle_ms, answer_ms())
    end
    local job = it_all:submit(WORDCOUNT, INPUTS, { "--reducers", MANY_PARTS })
    local waits = {}
    it_all:wait("the job ends", 200, function()
      waits[#waits + 1] = answer_ms()
      return job:code()
    end)
    table.sort(waits)

    assert.equal(0, job:code(), job:text "err")
    assert.is_true(#waits >= 20, #waits .. " questions")
    local late = waits[math.ceil(#waits * 0.99)]
    assert.is_true(late < 1000 + idle_ms, ("p99 of %d answers: %d ms, without a job %d ms")
      :format(#waits, late, idle_ms))
    assert.equal(MANY_PARTS + 1, #temp.list(job.out)) -- and _SUCCESS
  end)

  -- A master, whose processes are on a slow disk, and a worker that is not. False: no compiler.
  local function start_slowly()
    local shim = it_all.folder .. "/slow_disk.so"
    local source = temp.write(it_all.folder .. "/slow_disk.c", (SLOW_DISK:gsub("SLOW_MS", SLOW_MS)))
    if not os.execute(("cc -shared -fPIC -o %s %s 2>/dev/null"):format(shim, source)) then
      return false
    end
    it_all:start_master { wrap = ("env LD_PRELOAD=%s"
      .. " ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 %%s"):format(shim) }
    it_all:start_worker { slots = 2 }
    return true
  end

  -- Waits for the end of the job, and expects of the time in which `is_watched` holds that it is
  -- not short, that all questions are answered soon, and that the worker is there.
  local function expect_answers(job, is_watched)
    local watched_ms, longest_ms = 0, 0
    it_all:wait("the job ends", PART_SECONDS * SLOW_PARTS, function()
      local since = now_ms()
      local is_slow = is_watched()
      local known = it_all:worker_state(it_all.workers[1].id)
      local waited = now_ms() - since
      assert.equal("ready", known and known.state)
      if is_slow then
        watched_ms, longest_ms = watched_ms + waited, math.max(longest_ms, waited)
      end
      return job:code()
    end)
    assert.is_true(watched_ms > SLOW_PARTS * SLOW_MS / 4, watched_ms .. " ms")
    assert.is_true(longest_ms < 2 * ANSWER_MS_MAX, longest_ms .. " ms for two answers")
  end

  it("keeps nobody waiting while every part is slow to get its name", function()
    if not start_slowly() then
      pending "needs a C compiler"
    end
    local flags = { "--reducers", SLOW_PARTS }
    local expected = it_all:expected_parts(WORDCOUNT, INPUTS, flags)
    local job = it_all:submit(WORDCOUNT, INPUTS, flags)
    local id = it_all:job_id(job)
    expect_answers(job, function()
      local status = it_all:status(id)
      local reduce = status and status.stages.reduce
      return reduce and reduce.tasks_done == SLOW_PARTS and status.job.state ~= "done"
    end)

    it_all:expect_parts(job, expected)
    it_all:expect_clean()
  end)

  it("that is not to be keeps nobody waiting while every part is slow to go", function()
    if not start_slowly() then
      pending "needs a C compiler"
    end
    local path = temp.write(it_all.folder .. "/endless.lua", (ENDLESS_JOB
      :gsub("PARTS", SLOW_PARTS)))
    local input = temp.write(it_all.folder .. "/input", "line\n")
    local job = it_all:submit(path, { input }, { "--reducers", SLOW_PARTS })
    local seconds = PART_SECONDS * SLOW_PARTS
    it_all:wait_for_job(job, "all other reduces are done", seconds, function(status)
      return status.stages.reduce and status.stages.reduce.tasks_done == SLOW_PARTS - 1
    end)
    assert.equal(0, it_all:run({ "cancel", job.id }).code)
    expect_answers(job, function()
      return it_all:status(job.id).job.state == "cancelled"
    end)

    assert.equal(1, job:code(), job:text "err")
    assert.is_false(temp.exists(job.out)) -- nor is the folder left
    it_all:expect_clean()
  end)
end)

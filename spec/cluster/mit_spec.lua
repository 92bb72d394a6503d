-- The seven tests of the MIT 6.824 lab, on a master with --once and workers: the lab's harness in
-- Lua. Workers are daemons here and do not end with the job, so "early exit" is that nothing is
-- said to be over before it is. Its eight texts, where they are; else small ones of their names.

local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local JOBS = temp.capture("realpath jobs/mit") .. "/"
local DATA = os.getenv("MRLUA_MIT_DATA") or temp.capture("realpath -m ../shared/data/mit")
local NAMES = { "being_ernest", "dorian_gray", "frankenstein", "grimm", "huckleberry_finn",
  "metamorphosis", "sherlock_holmes", "tom_sawyer" }
local SECONDS = 180

describe("the MIT lab on a cluster", function()
  local it_all, run_folder, books

  before_each(function()
    it_all = cluster.open()
    run_folder = it_all.folder .. "/run"
    assert(os.execute("mkdir " .. run_folder))
    books = {}
    for i, name in ipairs(NAMES) do
      local path = ("%s/pg-%s.txt"):format(DATA, name)
      temp.write(("%s/pg-%s.txt"):format(it_all.folder, name),
        temp.exists(path) and temp.read(path) or texts.generate(i, 60))
      books[i] = ("%s/pg-%s.txt"):format(it_all.folder, name)
    end
  end)

  after_each(function()
    it_all:close()
  end)

  local function start_worker()
    return it_all:start_worker { flags = { "--allow-unsafe" }, folder = run_folder }
  end

  local function start(worker_count)
    it_all:start_master { flags = { "--once" }, folder = run_folder }
    for _ = 1, worker_count do
      start_worker()
    end
  end

  local function submit(job)
    return it_all:submit(JOBS .. job .. ".lua", books, { "--allow-unsafe" },
      { folder = run_folder })
  end

  -- Waits for the end of the job and of its master; answers all lines, sorted.
  local function output(job)
    assert.equal(0, job:wait(SECONDS), job:text "err")
    assert.equal(0, it_all.master:wait(20))
    return meaning.sorted(temp.capture("cat " .. job.out .. "/part-*") .. "\n")
  end

  local function oracle(job)
    local argv = { "run", JOBS .. job .. ".lua", "--quiet", "--reducers", "1" }
    return meaning.sorted(engine.output(table.move(books, 1, #books, #argv + 1, argv),
      { folder = run_folder }))
  end

  local function count_matches(text, pattern)
    return select(2, ("\n" .. text):gsub(pattern, ""))
  end

  it("1. counts words with three workers", function()
    start(3)

    assert.is_true(oracle "wc" == output(submit "wc"))
  end)

  it("2. makes an index with two", function()
    start(2)

    assert.is_true(oracle "indexer" == output(submit "indexer"))
  end)

  it("3. runs maps side by side", function()
    start(2)
    local said = output(submit "mtiming")

    assert.equal(2, count_matches(said, "\ntimes%-"), said)
    assert.truthy(said:find("parallel%-[^\n]* 2"), said)
  end)

  it("4. runs reduces side by side", function()
    start(2)
    local said = output(submit "rtiming")

    assert.is_true(count_matches(said, "\n%l 2%f[\n]") >= 2, said)
  end)

  it("5. runs no map twice, whoever comes later", function()
    start(2)
    local job = submit "jobcount"
    it_all:job_id(job)
    start_worker()
    start_worker()

    assert.equal("a 8\n", output(job))
  end)

  it("6. ends nothing before the last reduce has ended", function()
    start(3)
    local job = submit "early_exit"
    it_all:wait("one process ends", SECONDS, function()
      for _, process in ipairs(it_all.started) do
        if process:code() then
          return true
        end
      end
    end)
    local snapshot = temp.capture("cat " .. job.out .. "/part-* | sort")

    assert.equal(8, count_matches(snapshot .. "\n", " 1%f[\n]"), snapshot)
    output(job)
    assert.equal(snapshot, temp.capture("cat " .. job.out .. "/part-* | sort"))
  end)

  it("7. survives apps that crash", function()
    start(3)

    assert.equal(oracle "nocrash", output(submit "crash"))
  end)
end)

local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local proxy = require "spec.support.proxy"
local temp = require "spec.support.temp"

local WORDCOUNT <const> = "jobs/wordcount.lua"
local INPUTS <const> = { "README.md", "lua/README.md", "engine/README.md" }

local it_all

local function write_job(text)
  return temp.write(it_all.folder .. "/job.lua", text)
end

local function output(name)
  return it_all.folder .. "/" .. (name or "out")
end

-- A job that ends only when the test lets it: it maps until a limit that it does not reach.
local function write_endless_job()
  return write_job [[
    return { reduce = "sum", limits = { seconds_per_record = 1000 },
      map = function(_, line, emit)
        while #line >= 0 do line = line end
      end }]]
end

-- The command line of run or submit, without progress.
local function submit(path, ...)
  return it_all:run { "submit", path, table.unpack { ... } }
end

describe("mrlua submit", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("writes what run writes, and leaves nothing", function()
    it_all:start(1, { slots = 2 })
    local flags = { "--reducers", 3, "--split-size", "2K" }
    local expected = it_all:expected_parts(WORDCOUNT, INPUTS, flags)

    it_all:expect_parts(it_all:submit(WORDCOUNT, INPUTS, flags), expected)
    it_all:expect_clean()
  end)

  it("writes the same on two workers, job after job", function()
    it_all:start(2)
    local flags = { "--reducers", 4, "--split-size", "1K" }
    local expected = it_all:expected_parts(WORDCOUNT, INPUTS, flags)

    for _ = 1, 3 do
      it_all:expect_parts(it_all:submit(WORDCOUNT, INPUTS, flags), expected)
    end
    it_all:expect_clean()
  end)

  it("says what run says, on the same stream, with the same exit code", function()
    it_all:start(1)
    for _, case in ipairs {
      -- At one record, that of the first split: a tiny build makes several of them.
      { "return { map = function(at) if at == 0 then error 'no' end end, reduce = 'sum' }",
        INPUTS[1] },
      { "return { reducer = 'sum' }", INPUTS[1] },
      { "this is no Lua", INPUTS[1] },
      { "print 'loaded' return { map = 'identity', reduce = 'count' }", "/nowhere/at/all" },
      { "return { map = 'identity', reduce = 'count', unsafe = true }", INPUTS[1] },
    } do
      local job = write_job(case[1])
      local input = temp.capture("realpath -m -- " .. temp.quote(case[2]))
      local by_run = engine.run { "run", job, input, "-o", output "run", "--quiet" }
      local by_submit = submit(job, input, "-o", output "submit", "--quiet")

      -- But for the number of the job, and where its master is.
      assert.equal((by_run.stderr:gsub("replay r%d+/m0", "replay JOB/m0")),
        (by_submit.stderr:gsub("replay %d+/m0 %-%-master .- %-%-debug", "replay JOB/m0 --debug")))
      assert.equal(by_run.stdout, by_submit.stdout)
      assert.equal(by_run.code, by_submit.code)
      assert.is_false(temp.exists(output "submit"))
    end
  end)

  it("tells a job the names that run tells it", function()
    it_all:start(1)
    local inputs, folder = it_all.folder .. "/inputs", it_all.folder .. "/inputs/o[1]"
    assert(os.execute(("mkdir -p %s"):format(temp.quote(folder .. "/below/deep"))))
    temp.write(inputs .. "/beside", "beside and all\n")
    temp.write(folder .. "/one.txt", "one and all\n")
    temp.write(folder .. "/two.txt", "two and all\n")
    temp.write(folder .. "/below/three", "three and all\n")
    temp.write(folder .. "/below/deep/four", "four and all\n")
    local job = temp.capture "realpath jobs/inverted_index.lua"
    for _, named in ipairs { { "one.txt", "./two.txt" }, { "below/" }, { "." }, { "*.txt" },
      { "../o[[]1]/*.txt", "../beside" }, { inputs .. "/beside", "below/*" } } do
      local flags = { "--reducers", 2 }
      local expected = it_all:expected_parts(job, named, flags, { folder = folder })

      assert.matches("all\t", expected)
      it_all:expect_parts(it_all:submit(job, named, flags, { folder = folder }), expected)
    end
  end)

  it("refuses an output that is not empty, by name", function()
    it_all:start(1)
    assert(os.execute("mkdir " .. output()))
    temp.write(output() .. "/part-00007", "mine")
    local result = submit(WORDCOUNT, INPUTS[1], "-o", output())

    assert.equal(2, result.code)
    assert.equal(("mrlua: output %s is not empty: choose another folder or add --overwrite\n")
      :format(output()), result.stderr)
    assert.equal("mine", temp.read(output() .. "/part-00007"))
  end)

  it("tells the outcome as JSON, with the job's number", function()
    it_all:start(1)
    local result = submit(WORDCOUNT, INPUTS[1], "-o", output(), "--json", "--quiet")
    local told = require("cjson").decode(result.stdout)

    assert.equal(0, result.code)
    assert.equal(1, told.id)
    assert.is_true(told.ok)
    assert.equal("wordcount", told.job)
    assert.equal(output(), told.output)
    assert.equal("part-00000", told.parts[1].name)
    assert.equal(#temp.read(output() .. "/part-00000"), told.parts[1].bytes)
  end)

  it("says which job it is before anything else, if it is not to be quiet", function()
    it_all:start(1)
    local first = submit(WORDCOUNT, INPUTS[1], "-o", output "first")
    local second = submit(WORDCOUNT, INPUTS[1], "-o", output "second", "--quiet")

    assert.equal(("job 1: wordcount, on %s\n"):format(it_all.address),
      first.stderr:match "^[^\n]*\n")
    assert.equal(1, select(2, first.stderr:gsub("job 1", "")))
    assert.equal("", first.stdout)
    assert.equal("", second.stderr)
  end)

  it("names no job by --detach but its number, and does not wait", function()
    it_all:start_master() -- nobody there to run it
    local result = submit(WORDCOUNT, INPUTS[1], "-o", output(), "--detach")

    assert.equal("1\n", result.stdout)
    assert.equal(0, result.code)
    assert.equal("running", it_all:status(1).job.state)
  end)

  it("stops to wait at Ctrl-C; the job goes on until it is cancelled", function()
    it_all:start(1)
    local job = it_all:submit(write_endless_job(), { INPUTS[1] })
    it_all:wait_for_job(job, "a map runs", 20, function(status)
      return status.stages.map.tasks_running > 0
    end)
    job:signal "INT"

    assert.equal(130, job:wait(20))
    assert.equal("mrlua: not waiting any more; job 1 goes on ('mrlua cancel 1' ends it,"
      .. " 'mrlua status 1' tells how far it is)\n", job:text "err")
    assert.equal("running", it_all:status(1).job.state)
    assert.equal("job 1 is cancelled\n", it_all:run({ "cancel", 1 }).stdout)
    it_all:wait("the job is cancelled", 20, function()
      return it_all:status(1).job.state == "cancelled"
    end)
    it_all:expect_clean()
  end)

  it("loses no line that the job prints by links that are cut, and tells none twice", function()
    it_all:start(1, { flags = { "--allow-unsafe" } })
    local gates = it_all.folder .. "/gate"
    local job_path = write_job(([[
      return { unsafe = true, reduce = "count",
        map = function(_, _, emit)
          for i = 1, 4 do
            for j = 1, 5 do print(("line %%d"):format(10 * i + j)) end
            while not io.open(%q .. i) do os.execute("sleep 0.02") end
          end
          emit("a", 1)
        end }]]):format(gates))
    local input = temp.write(it_all.folder .. "/input", "one\n")
    local link = proxy.start(it_all.folder .. "/proxy", it_all.address)
    finally(function() link:stop() end)
    local job = it_all:submit(job_path, { input }, { "--allow-unsafe" },
      { master = link.address })
    local expected = {}
    for i = 1, 4 do
      it_all:wait("a line of this turn is told", 30, function()
        return job:text("err"):find(("line %d1\n"):format(i))
      end)
      link:tell "hold" -- lines of the next turn are on their way, or with the master
      temp.write(gates .. i, "")
      link:tell "cut"
      link:tell "release"
      for j = 1, 5 do
        expected[#expected + 1] = ("line %d"):format(10 * i + j)
      end
    end

    assert.equal(0, job:wait(60), job:text "err")
    local told = {}
    for line in job:text("err"):gmatch("line %d+") do
      told[#told + 1] = line
    end
    assert.same(expected, told)
  end)

  it("is told that its job was cancelled", function()
    it_all:start(1)
    local job = it_all:submit(write_endless_job(), { INPUTS[1] })
    it_all:run { "cancel", it_all:job_id(job) }

    assert.equal(1, job:wait(20))
    assert.equal("mrlua: cancelled\n", job:text "err")
    assert.equal(2, it_all:run({ "cancel", job.id }).code) -- it has ended
  end)

  it("ends a master that was started for one job, with the job's exit code", function()
    for _, case in ipairs { { WORDCOUNT, 0 },
      { write_job "return { map = function() error 'no' end, reduce = 'sum' }", 1 } } do
      local master = it_all:start_master { flags = { "--once" } }
      it_all:start_worker()
      local result = submit(case[1], INPUTS[1], "-o", output("out" .. case[2]), "--quiet")

      assert.equal(case[2], result.code)
      assert.equal(case[2], master:wait(20))
    end
  end)

  it("says who is missing when nobody listens", function()
    it_all:start_master()
    it_all.master:signal "TERM"
    assert.equal(0, it_all.master:wait(20))
    local result = submit(WORDCOUNT, INPUTS[1], "-o", output())

    assert.equal(2, result.code)
    assert.matches("^mrlua: no master answers at 127%.0%.0%.1:%d+; 'mrlua master ", result.stderr)
    assert.equal(1, select(2, result.stderr:gsub("\n", "")))
  end)

  it("is refused with another key, and with one that may only read", function()
    it_all:start_master()
    local read_key = it_all.folder .. "/read.key"
    local made = engine.output { "key", "--role", "read", "--key-file", it_all.folder .. "/key" }
    assert(os.execute(("touch %s && chmod 600 %s"):format(read_key, read_key)))
    temp.write(read_key, made)
    local listed = engine.run { "jobs", "--master", it_all.address, "--key-file", read_key }
    local refused = engine.run { "submit", WORDCOUNT, INPUTS[1], "-o", output(), "--master",
      it_all.address, "--key-file", read_key }
    local other = engine.run({ "jobs", "--master", it_all.address },
      { environment = "XDG_STATE_HOME=" .. it_all.folder .. "/other" })

    assert.equal(0, listed.code)
    assert.equal(2, refused.code)
    assert.matches("needs the role submit\n$", refused.stderr)
    assert.equal(2, other.code)
    assert.matches("key", other.stderr)
  end)
end)

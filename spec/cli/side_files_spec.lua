local engine = require "spec.support.engine"
local meaning = require "spec.support.meaning"
local stop_words = require "spec.support.stop_words"
local temp = require "spec.support.temp"

local JOB <const> = stop_words.job { stop = "data/stop.txt", mark = "data/geo.csv" }

local folder, input, job

local function write(name, text)
  return temp.write(folder .. "/" .. name, text)
end

local function run(argv, options)
  return engine.run({ "run", "--tmp", folder, job, input, "--quiet", table.unpack(argv or {}) },
    options)
end

describe("side files of mrlua run", function()
  temp.each(function(path)
    folder = path
    os.execute("mkdir -p " .. path .. "/jobs/data")
    input = write("in", "the house of the cards\nof paper\n")
    job = write("jobs/job.lua", JOB)
    write("jobs/data/stop.txt", "the\nof\n")
    write("jobs/data/geo.csv", "!")
  end)

  it("are read beside the job file, by every function", function()
    assert.same({ code = 0, stdout = "cards1\t1\nhouse1\t1\npaper1\t1\n", stderr = "" }, run())
  end)

  it("are what dryrun reads", function()
    local _, records = pcall(function()
      local dryrun = require "mrlua.dryrun"
      return dryrun.run(meaning.load(job), "the house of the cards\nof paper\n", nil,
        { stop = folder .. "/jobs/data/stop.txt", ["geo.csv"] = folder .. "/jobs/data/geo.csv" })
    end)

    assert.same({ { "cards1", 1 }, { "house1", 1 }, { "paper1", 1 } }, records)
  end)

  it("are replaced by --file, from the current folder", function()
    write("other.txt", "house\n")
    local result = engine.run({ "run", "jobs/job.lua", "in", "--quiet", "--file",
      "stop=other.txt", "--file", "geo.csv=/dev/null" }, { folder = folder })

    assert.equal(2, result.code)
    assert.equal("mrlua: side file geo.csv: file /dev/null: not a regular file\n", result.stderr)
    result = engine.run({ "run", "jobs/job.lua", "in", "--quiet", "--file", "stop=other.txt" },
      { folder = folder })
    assert.equal("cards1\t1\nof1\t2\npaper1\t1\nthe1\t2\n", result.stdout)
  end)

  it("must be there before anything runs", function()
    os.remove(folder .. "/jobs/data/stop.txt")
    local result = run { "-o", folder .. "/out" }

    assert.equal(2, result.code)
    assert.equal(("mrlua: side file stop: %s/jobs/data/stop.txt: No such file or directory\n")
      :format(folder), result.stderr)
  end)

  it("are named with the nearest where a name is wrong", function()
    assert.equal("mrlua: option '--file': there is no side file 'stpo'; did you mean 'stop'?\n",
      run({ "--file", "stpo=x" }).stderr)
    write("jobs/job.lua", JOB:gsub('ctx.open "stop"', 'ctx.open "stop.txt"'))
    local result = run()
    assert.equal(1, result.code)
    assert.matches("jobs/job.lua:5: mr.open: there is no side file 'stop.txt'; did you mean"
      .. " 'stop'?", result.stderr, 1, true)
  end)

  -- The plan looks at them before it reads standard input.
  it("must stay as they are while the job runs", function()
    local fifo = folder .. "/fifo"
    os.execute("mkfifo " .. fifo)
    job = write("jobs/job.lua", [[
      return { files = { a = "a.txt" }, reduce = "sum",
        map = function() print(mr.open("a"):read "a") end }]])
    write("jobs/a.txt", "before")
    local result = engine.run_command(([[
      (%s run --tmp %s %s - --quiet --split-size 1M <%s >%s/out 2>&1; echo $? >%s/code) &
      exec 3>%s
      head -c 1048576 /dev/zero | tr '\0' '\n' >&3
      echo after >%s/jobs/a.txt
      echo x >&3
      exec 3>&-
      wait]]):format(temp.quote(engine.path), folder, job, fifo, folder, folder, fifo, folder))

    assert.equal(0, result.code)
    assert.equal("1\n", temp.read(folder .. "/code"))
    assert.matches("side file a changed since the job was planned",
      temp.read(folder .. "/out"), 1, true)
  end)

  it("are read by a driver and by all steps", function()
    job = write("jobs/job.lua", [[
      local job = { files = { a = "a.txt" }, steps = {}, output = "lines" }
      function job.steps.map(_, line, emit)
        emit(line .. mr.open("a"):read "a", 1)
      end
      function job.drive(driver)
        print("driver", mr.open("a"):read "a")
        local first = driver.run { map = job.steps.map, reduce = "sum" }
        return { inputs = first, map = job.steps.map, reduce = "distinct" }
      end
      return job]])
    write("jobs/a.txt", "!")
    local result = run()
    assert.equal(0, result.code, result.stderr)
    assert.equal("driver\t!\n", result.stderr)
    assert.equal("1!\n", result.stdout)
  end)

  it("give a job nothing but what it has declared", function()
    write("jobs/job.lua", [[
      return { files = { a = "a.txt" }, reduce = "sum", map = function(_, _, emit)
        for _, name in ipairs { "../in", "/etc/passwd", "a.txt", "jobs/a.txt" } do
          local ok, why = pcall(mr.open, name)
          emit(why:match "mr.open: (.*)", ok and 1 or 0)
        end
        local ok, why = pcall(function() mr.open("a"):write "x" end)
        emit(why:match ": (.*)", ok and 1 or 0)
      end }]])
    write("jobs/a.txt", "before")
    local result = run()

    assert.equal(0, result.code)
    assert.equal("side file a is read only: what a job writes, it emits\t0\n"
      .. "there is no side file '../in': there are a\t0\n"
      .. "there is no side file '/etc/passwd': there are a\t0\n"
      .. "there is no side file 'a.txt': there are a\t0\n"
      .. "there is no side file 'jobs/a.txt': there are a\t0\n", result.stdout)
    assert.equal("before", temp.read(folder .. "/jobs/a.txt"))
  end)

  it("count as memory of the job where it keeps them", function()
    job = write("jobs/job.lua", [[
      return { files = { a = "a.txt" }, reduce = "sum", limits = { memory = "4M" }, attempts = 1,
        map = function(_, _, emit) emit(#mr.open("a"):read "a", 1) end }]])
    write("jobs/a.txt", ("x"):rep(1 << 20))
    assert.equal("1048576\t2\n", run().stdout)
    write("jobs/a.txt", ("x"):rep(8 << 20))
    local result = run()
    assert.equal(1, result.code)
    assert.matches("memory", result.stderr, 1, true)
  end)
end)

-- `mrlua run` of a job with several inputs: which paths it reads, and what it says when there are
-- none. What it means is in spec/jobs/inputs_spec.lua.

local cjson = require "cjson"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local folder, job

local function run(...)
  return engine.run({ "run", "job.lua", "--quiet", ... }, { folder = folder })
end

local function write(name, text)
  return temp.write(folder .. "/" .. name, text)
end

describe("mrlua run of a job with inputs", function()
  temp.each(function(path)
    folder = path
    job = write("job.lua", [[
return {
  output = "lines", reduce = "identity",
  map = function(key, value, emit) emit(key, mr.input .. " " .. (value.name or value)) end,
  inputs = { users = { "users.csv", input = "csv" }, clicks = {} },
}]])
    write("users.csv", "name\nann\n")
  end)

  it("reads what the job lists from the folder it is run in", function()
    write("c1", "x\n")

    local result = run("--input", "clicks=c1")

    assert.equal("", result.stderr)
    assert.equal("clicks x\nusers ann\n", result.stdout)
  end)

  it("reads what the command line says instead, in its order", function()
    os.execute("mkdir " .. folder .. "/clicks")
    write("clicks/b", "b\n")
    write("clicks/a", "a\n")
    write("z", "z\n")
    write("more.csv", "name\nzoe\n")

    assert.equal("clicks z\nclicks a\nclicks b\nusers zoe\n",
      run("--input", "users=more.csv", "--input", "clicks=z", "--input", "clicks=cl*").stdout)
  end)

  it("reads standard input once, as any of them", function()
    write("c1", "x\n")
    local argv = { "run", "job.lua", "--quiet", "--input", "users=-", "--input", "clicks=c1" }

    assert.equal("clicks x\nusers eve\n",
      engine.run(argv, { folder = folder, input = "name\neve\n" }).stdout)
    argv[#argv] = "clicks=-"
    local twice = engine.run(argv, { folder = folder })
    assert.equal(2, twice.code)
    assert.equal("mrlua: standard input (-) can be read only once\n", twice.stderr)
  end)

  it("may be of gzip and of no byte at all", function()
    write("c1", "")
    os.execute(("gzip %s/users.csv && mv %s/users.csv.gz %s/u.gz"):format(folder, folder, folder))

    assert.equal("users ann\n", run("--input", "users=u.gz", "--input", "clicks=c1").stdout)
  end)

  it("shows the right call where it is called as another job", function()
    local call = "mrlua run job.lua --input clicks=PATH [--input users=PATH]\n"
    for _, case in ipairs {
      { {}, "mrlua: input 'clicks' of job.lua has no path: " .. call },
      { { "c1" }, "mrlua: 'c1' is for none of the inputs of job.lua: " .. call },
      { { "--input", "clikcs=c1" },
        "mrlua: option '--input': unknown input 'clikcs': did you mean 'clicks'?\n" },
      { { "--input", "clicks=nowhere" },
        "mrlua: inputs.clicks: input nowhere: No such file or directory\n" },
      { { "--input", "clicks" },
        "mrlua: option '--input': 'clicks' is not NAME=PATH\ntry 'mrlua run --help'\n" },
    } do
      local result = run(table.unpack(case[1]))

      assert.equal(case[2], result.stderr)
      assert.equal(2, result.code)
      assert.equal("", result.stdout)
    end
  end)

  it("is another job than one whose inputs are all alike", function()
    temp.write(job, "return { map = 'identity' }")

    assert.equal("mrlua: option '--input': job.lua has no input 'a', it reads all alike: mrlua run "
      .. "job.lua INPUT...\n", run("--input", "a=users.csv").stderr)
    assert.equal("mrlua: missing argument 'INPUT': mrlua run job.lua INPUT...\n", run().stderr)
  end)

  it("reads them in the steps of a job that read no other step", function()
    local counting = [[{ reduce = "count",
      map = function(key, value, emit) emit(mr.input .. " " .. (value.name or value), 1) end }]]
    local inputs = "inputs = { users = { input = 'csv' }, clicks = { 'c*', map = 'words' } },"
    write("c1", "x y\n")
    temp.write(job, ([[return { %s steps = { %s, { map = "identity", reduce = "sum" } } }]])
      :format(inputs, counting))
    local function expect(expected)
      local result = run("--input", "users=users.csv")
      assert.equal("", result.stderr)
      assert.equal(expected, result.stdout)
    end

    expect("users ann\t1\nx\t1\ny\t1\n")
    -- the map of the first step runs in the attempts of the second
    temp.write(job, ([[return { %s steps = {
      { map = function(key, value, emit) emit(mr.input, value.name or value) end },
      { map = "identity", reduce = "list", output = "jsonl" } }, output = "jsonl" }]])
      :format(inputs))
    assert.equal('["users",["ann"]]\n["x",[1]]\n["y",[1]]\n',
      run("--input", "users=users.csv").stdout)
    temp.write(job, ([[local job = { %s steps = { %s } }
      function job.drive(mr)
        local first, second = mr.run(job.steps[1]), mr.run(job.steps[1])
        return { map = "identity", reduce = "sum", inputs = { first, second } }
      end
      return job]]):format(inputs, counting))
    expect("users ann\t2\nx\t2\ny\t2\n")
    local call = "mrlua run job.lua [--input clicks=PATH] --input users=PATH\n"
    assert.equal("mrlua: input 'users' of job.lua has no path: " .. call, run().stderr)
  end)

  it("keeps input and output apart", function()
    write("c1", "x\n")
    os.execute(("mkdir %s/out && mv %s/c1 %s/out"):format(folder, folder, folder))

    local result = run("--input", "clicks=out/c1", "-o", "out", "--overwrite")
    assert.equal(2, result.code)
    assert.matches("input out/c1 lies in output out, which would be replaced", result.stderr, 1,
      true)
  end)

  it("names the record that the map of an input did not like", function()
    write("c1", "x\ny\n")
    temp.write(job, "return { inputs = { a = { map = 'identity' }, "
      .. "b = { map = function(_, line) return line + 1 end } } }")

    local result = run("--input", "a=c1", "--input", "b=c1")
    assert.equal(1, result.code)
    assert.matches("input: c1, at byte 0\nrecord: \"x\"", result.stderr, 1, true)
  end)

  it("takes maps of earlier jobs for what is the same input, too", function()
    temp.write(job, [[local function tell(_, line, emit) emit(mr.input, line) end
      return { map = tell, reduce = "identity", inputs = { a = {}, b = {} } }]])
    write("c1", "x\n")
    write("c2", "y\n")
    local function reused(...)
      local result = engine.run({ "run", "job.lua", "--reuse", "--json", "--quiet", ... },
        { folder = folder, environment = ("XDG_CACHE_HOME=%s/cache"):format(folder) })
      return result.stdout, cjson.decode(result.stderr).counters.map_reused
    end

    assert.same({ "a\tx\nb\tx\n", 0 }, { reused("--input", "a=c1", "--input", "b=c1") })
    assert.same({ "a\tx\nb\tx\n", 2 }, { reused("--input", "a=c1", "--input", "b=c1") })
    assert.same({ "a\tx\nb\ty\nb\tx\n", 2 },
      { reused("--input", "a=c1", "--input", "b=c2", "--input", "b=c1") })
  end)

  it("writes into _SUCCESS what it read and how", function()
    write("c1", "x\n")
    run("--input", "clicks=c1", "-o", "out")
    local manifest = temp.read(folder .. "/out/_SUCCESS")

    assert.matches('"input":"clicks=lines users=csv"', manifest, 1, true)
    assert.matches('"path":"c1"', manifest, 1, true)
    assert.matches('"path":"users.csv"', manifest, 1, true)
    assert.equal(0, engine.run({ "inspect", folder .. "/out" }).code)
  end)
end)

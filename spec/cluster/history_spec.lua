-- Jobs that a master remembers, over its restart, too: jobs --all, show and diff.

local cjson = require "cjson"
local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local JOB <const> = [[return {
  params = { least = 1 },
  map = function(_, line, emit)
    if #line >= mr.params.least then emit(line, 1) end
  end,
  reduce = "count",
}]]

local it_all, job, input

local function submit(out, ...)
  local argv = { "submit", job, input, "--quiet", "-o", it_all.folder .. "/" .. out }
  for _, argument in ipairs { ... } do
    argv[#argv + 1] = argument
  end
  local result = it_all:run(argv)
  assert.equal(0, result.code, result.stderr)
end

describe("the history of a master", function()
  before_each(function()
    it_all = cluster.open()
    it_all:start(1)
    job = temp.write(it_all.folder .. "/job.lua", JOB)
    input = temp.write(it_all.folder .. "/in", "a\nbb\na\n\n")
  end)

  after_each(function()
    it_all:close()
  end)

  it("tells the param that two jobs differ in, and nothing else that was asked for", function()
    submit "one"
    submit("two", "--param", "least=2")
    local result = it_all:run { "diff", 1, 2 }

    assert.equal(1, result.code)
    assert.matches("^%-%-%- 1: job, done [^\n]+\n%+%+%+ 2: job, done [^\n]+\nparams\n"
      .. "    least  1 %-> 2\nresult\n    bytes +%d+ %-> %d+ [^\n]+\n    records  2 %-> 1 ",
      result.stdout)
    assert.not_matches("\nsource\n", result.stdout)
    assert.not_matches("\ninputs\n", result.stdout)
    assert.not_matches("\noptions\n", result.stdout)
    assert.matches("\ntime\n", result.stdout)
  end)

  it("remembers source and params when the master is started again", function()
    submit("one", "--param", "least=2")
    it_all:restart_master()

    assert.equal(JOB, it_all:run({ "show", 1, "--source" }).stdout)
    local told = cjson.decode(it_all:run({ "show", "last", "--json" }).stdout)
    assert.equal("job", told.kind)
    assert.same({ least = 2 }, told.params)
    assert.equal(input, told.inputs[1].name)
    assert.equal(8, told.inputs[1].bytes)
  end)

  it("knows the job that wrote an output, whatever has been written there since", function()
    local out = it_all.folder .. "/one"
    submit "one"
    submit("one", "--overwrite", "--param", "least=2")

    assert.matches("^2: job, done ", it_all:run({ "show", out }).stdout)
    engine.output { "run", job, input, "--quiet", "--overwrite", "-o", out }
    assert.matches("^output of [^\n]*/one: job, done", it_all:run({ "show", out }).stdout)
  end)

  it("tells of a job that runs", function()
    it_all.workers[1]:stop()
    it_all:run { "submit", job, input, "--detach", "-o", it_all.folder .. "/one" }
    local text = it_all:run({ "show", 1 }).stdout

    assert.matches("^1: job, running [^\n]+\nsource +[^\n]*/job.lua, id %x+\nparams +least=1\n",
      text)
  end)

  it("is compared to runs of this machine, and listed with them", function()
    local environment = { environment = "XDG_STATE_HOME=" .. temp.quote(it_all.folder .. "/here") }
    local function here(...)
      local argv = { ... }
      table.move({ "--master", it_all.address, "--key-file", it_all.folder .. "/key" }, 1, 4,
        #argv + 1, argv)
      return engine.run(argv, environment)
    end
    submit "one"
    engine.output({ "run", job, input, "--quiet", "-o", it_all.folder .. "/two" }, environment)
    local same = here("diff", "r1", "1")

    assert.equal(0, same.code, same.stdout)
    assert.matches("\n +r1 +here +job +done ", here("jobs", "--all").stdout)
    assert.matches("\n +1 +master +job +done ", here("jobs", "--all").stdout)
    assert.equal("mrlua: job 1 has ended\n", here("cancel", "1").stderr)
  end)

  it("is shown to who holds the key to read", function()
    submit "one"
    local key = temp.write(it_all.folder .. "/read", engine.output { "key", "--role", "read",
      "--key-file", it_all.folder .. "/key" })
    assert(os.execute("chmod 600 " .. key))

    assert.equal(JOB, engine.output { "show", "1", "--source", "--master", it_all.address,
      "--key-file", key })
  end)
end)

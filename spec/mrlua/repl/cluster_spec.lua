local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"
local terminal = require "spec.support.terminal"
local typed = require "spec.support.typed"

local it_all

local function argv()
  return { "--master", it_all.address, "--key-file", it_all.folder .. "/key" }
end

local function output(...)
  return typed.output({ ... }, { argv = argv(), folder = it_all.folder })
end

-- A job as it is typed.
local function count_job(folder)
  return ("{ map = function(_, line, emit) emit(line, 1) end, reduce = 'sum',"
    .. " inputs = '%s/in' }"):format(folder)
end

describe("repl.cluster", function()
  before_each(function()
    it_all = cluster.open()
    it_all:start_master()
    temp.write(it_all.folder .. "/in", "b\na\nb\n")
  end)

  after_each(function()
    it_all:close()
  end)

  it("runs typed jobs on the workers, and reads what they leave", function()
    it_all:start_worker()
    assert.equal("key  value\na        1\nb        2\n",
      output("j = mr.run " .. count_job(it_all.folder), "j:output():head()"))
    assert.equal('"done"\t3\n', output("j = mr.job(1)", "s = j:wait():status()",
      "s.state, j:counters().map_records_in"))
  end)

  it("lists jobs and workers as the command line does, as plain tables", function()
    it_all:start_worker()
    assert.matches("^id  name.-  state  slots_busy  slots\n 1  .-  ready           0      1\n1\n$",
      output("mr.workers()", "#mr.workers()"))
    assert.matches(" 1  typed  done .-/out\ntrue\n$", output(
      "j = mr.submit(" .. count_job(it_all.folder) .. ", { into = 'out' })", "j = j:wait()",
      "mr.jobs()", "mr.jobs()[1].seconds > 0"))
    assert.equal("a\t1\nb\t2\n", temp.read(it_all.folder .. "/out/part-00000"))
    assert.equal("key  value\na        1\nb        2\n", output "mr.job(1):output():head()")
  end)

  it("submits without waiting, and cancels", function()
    local text = output("j = mr.submit " .. count_job(it_all.folder), "j:status().state", "j",
      "j = j:cancel()", "mr.status(j).state")
    assert.matches('^"running"\njob 1: typed, running, .-, 0 of %d tasks.-\n"cancelled"\n$', text)
  end)

  it("tells the failure of a job when it is waited for", function()
    it_all:start_worker()
    local said = typed.run("j = mr.submit { map = function() error 'boom' end, inputs = 'in' }\n"
      .. "j:wait()\nmr.job(7)\nmr.job(1):output()\n", { argv = argv(), folder = it_all.folder })
    assert.equal(1, said.code)
    assert.matches("typed.lua:%d: boom", said.stderr)
    assert.matches("job 7", said.stderr)
    assert.matches("job 1 is failed: there is no output", said.stderr)
  end)

  it("ends the waiting on Ctrl-C, not the job, whose end is told above the line", function()
    local folder <const> = it_all.folder
    local to_master = ("--master %s --key-file %s/key"):format(it_all.address, folder)
    local ready = ("until %s jobs %s | grep -q typed; do sleep 0.05; done"):format(engine.path,
      to_master)
    local start_worker = ("cd %s; %s worker %s --dir w >w.out 2>&1 & echo $! >%s/w.pid"):format(
      folder, engine.path, to_master, folder)
    local seen = terminal.run({ "repl", table.unpack(argv()) }, {
      { await = "Ctrl-D ends it.\n>" },
      { type = ("j = mr.run(%s, { into = '%s/out' })\r"):format(count_job(folder), folder) },
      { shell = ready }, { type = "\3" }, { await = "not waiting any more; job 1 goes on" },
      { await = "\n>" }, { type = "half a li" }, { await = "> half a li" },
      { shell = start_worker }, { await = "job 1 (typed) is done: " },
      { await = "/out\n> half a li" }, { type = "ne" }, { await = "> half a line" },
      { type = "\3" }, { await = "line^C\n>" }, { type = "j:output():head()\r" },
      { await = "b        2\n>" }, { type = "\4" }, { await_end = true },
    }, { folder = folder, columns = 200 })
    os.execute(("kill $(cat %s/w.pid)"):format(folder))
    assert.is_truthy(temp.wait_until(60, function()
      return not os.execute(("kill -0 $(cat %s/w.pid) 2>/dev/null"):format(folder))
    end))
    assert.equal(0, seen.code)
  end)

  it("says that no master answers, and works without; not when one was asked for", function()
    local address <const> = it_all.address
    it_all.master:kill()
    local said = typed.run("#mr.jobs()\n", { argv = {}, environment = "MRLUA_MASTER=" .. address })
    assert.equal("0\n", said.stdout)
    said = typed.run("1\n", { argv = { "--master", address } })
    assert.equal(2, said.code)
    assert.matches("no master answers at " .. address, said.stderr, 1, true)
  end)
end)

local temp = require "spec.support.temp"
local typed = require "spec.support.typed"

local folder
temp.each(function(path)
  folder = path
  temp.write(path .. "/in", "a\nb\na\n")
end)

local function run(...)
  return typed.run(table.concat({ ... }, "\n") .. "\n", { folder = folder,
    environment = "TMPDIR=" .. temp.quote(folder) })
end

local COUNT <const> = "{ map = function(_, line, emit) emit(line, 1) end, reduce = 'sum',"
  .. " inputs = 'in' }"

describe("repl.here", function()
  it("lists the jobs of the prompt, the newest first, and this machine", function()
    local said = run("mr.jobs()", "a = mr.run " .. COUNT, "b = mr.submit " .. COUNT, "mr.jobs()",
      "#mr.workers()")
    assert.matches("^id  name  state  records  seconds  output\n"
      .. "id  name   state  records  seconds  output\n 2  typed  done         2 .-/job%-2\n"
      .. " 1  typed  done         2 .-/job%-1\n1\n$", said.stdout)
    assert.equal(0, said.code)
  end)

  it("removes the outputs of nobody when the prompt ends", function()
    run("a = mr.run " .. COUNT)
    assert.same({ "in" }, temp.list(folder))
  end)

  it("writes an output where it is asked to, as the job's file would", function()
    run("a = mr.run(" .. COUNT .. ", { into = 'out' })")
    assert.equal("a\t2\nb\t1\n", temp.read(folder .. "/out/part-00000"))
  end)

  it("tells the failure of a job like the command line, with its place", function()
    local said = run("mr.run { map = function(_, line)", "  error 'boom'", "end, inputs = 'in' }",
      "mr.status(1).state")
    assert.matches("typed.lua:3: boom", said.stderr)
    assert.matches("record: \"a\"\n", said.stderr)
    assert.equal('"failed"\n', said.stdout)
    assert.equal(1, said.code)
  end)

  it("runs jobs of several steps", function()
    local said = run("j = mr.run { steps = { { map = function(_, l, emit) emit(l, 1) end,",
      "reduce = 'sum' }, { map = function(k, n, emit) emit(n, k) end } }, inputs = 'in' }",
      "j:output():head()")
    assert.equal("key  value\n  2  a\n  1  b\n", said.stdout)
  end)
end)

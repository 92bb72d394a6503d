-- Of a job on this machine; on a cluster: cluster_spec.lua.
local temp = require "spec.support.temp"
local typed = require "spec.support.typed"

local folder
temp.each(function(path)
  folder = path
  temp.write(path .. "/in", "b 2\na 1\nb 3\n")
end)

local RUN <const> = "job = mr.run { map = function(_, line, emit) emit(line:sub(1, 1),"
  .. " tonumber(line:sub(3))) end, reduce = 'sum', inputs = 'in' }"

local function output(...)
  return typed.output({ RUN, ... }, { folder = folder })
end

describe("repl.handle", function()
  it("has the output as records of the types that were emitted", function()
    assert.equal("key  value\na        1\nb        5\n", output "job:output():head()")
    assert.equal("key  value\na        1\n", output "job:output():head(1)")
    assert.equal("6\n", output("n = 0", "for _, v in job:output() do n = n + v end", "n"))
  end)

  it("tells its status and counters", function()
    assert.equal('"done"\t2\t3\n', output("s = job:wait():status()",
      "s.state, s.records, job:counters().map_records_in"))
    assert.matches("^job 1: typed, done, .*, output /.*/job%-1\n$", output "job")
  end)

  it("cannot be cancelled when it has ended", function()
    local said = typed.run(RUN .. "\njob:cancel()\n", { folder = folder })
    assert.matches("job 1 has ended\n$", said.stderr)
  end)
end)

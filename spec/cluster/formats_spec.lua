-- Formats on a cluster: the same parts, under the same names, as on one machine.

local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local it_all

describe("a format on a cluster", function()
  before_each(function()
    it_all = cluster.open()
    it_all:start(2)
  end)

  after_each(function()
    it_all:close()
  end)

  -- What two workers write is what one machine does.
  local function same_parts(job_source, text)
    local job = temp.write(it_all.folder .. "/job.lua", job_source)
    local input = temp.write(it_all.folder .. "/input", text)
    local flags = { "--split-size", "10K", "--reducers", "2" }
    local alone = it_all.folder .. "/alone"
    engine.output { "run", job, "-o", alone, input, table.unpack(flags) }

    it_all:expect_parts(it_all:submit(job, { input }, flags), engine.parts(alone))
    return engine.parts(alone)
  end

  it("reads a grammar and writes CSV that is packed", function()
    local lines = {}
    for i = 1, 3000 do
      lines[i] = ("#%d\n%s"):format(i % 97, (" line\n"):rep(i % 4))
    end
    local parts = same_parts([[
local l = require "lpeg"
return {
  input = { format = "grammar", resync = l.B "\n" * "#",
    record = "#" * (l.R "09" ^ 1 / tonumber) * "\n" * l.C(((1 - l.S "#\n") ^ 1 * "\n") ^ 0) },
  map = function(_, record, emit) emit(record[1], #record[2]) end,
  reduce = function(key, values, emit)
    local sum = 0
    for value in values do sum = sum + value end
    emit(key, { number = key, bytes = sum })
  end,
  output = { format = "csv.gz", columns = { "number", "bytes" } },
}]], table.concat(lines))

    assert.matches("== part-00001.gz\n", parts, 1, true)
    it_all:expect_clean()
  end)

  it("reads JSON and hands it on", function()
    same_parts("return { input = 'jsonl', map = 'identity', reduce = 'identity', "
      .. "output = 'jsonl' }", ('{"b":null,"a":[1,2.5,"x"]}\n[7]\n'):rep(2000))
    it_all:expect_clean()
  end)
end)

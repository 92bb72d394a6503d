-- What jobs of several steps read by name and write, beside their output and on gs://: the same on
-- a cluster as by `mrlua run`, and nothing else is left.

local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local gated = require "spec.support.gated"
local gcs_cluster = require "spec.support.gcs_cluster"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

-- How often each word is in a text and in a column, then how many there are of each number; words
-- that are there once go to an output of the maps, odd numbers to one of the reduces.
local JOB <const> = [[
local job = {
  inputs = {
    text = { map = "words" },
    names = { input = "csv", map = function(_, row, emit) emit(row.name, 1) end },
  },
  outputs = { once = "lines", odd = "jsonl" },
}
local counts = { combine = "sum", reduce = "sum", reducers = 2 }
local last = { reducers = 3, map = function(word, n, emit)
  if n == 1 then mr.emit_to("once", word, true) end
  emit(n, 1)
end, reduce = function(n, ones, emit)
  local count = 0
  for _ in ones do count = count + 1 end
  if n % 2 == 1 then mr.emit_to("odd", n, count) end
  emit(n, count)
end }
]]
local STEPS <const> = JOB .. [[
job.steps = { counts, last }
return job
]]
-- The inputs are read twice.
local DRIVER <const> = JOB .. [[
job.steps = { last = last }
function job.drive(mr)
  last.inputs = { mr.run(counts), mr.run(counts) }
  return last
end
return job
]]

-- The job, its inputs, and the flags that name them.
local function prepare(folder, source)
  temp.write(folder .. "/names.csv", "name\nGNU\nHurd\nGNU\n")
  return temp.write(folder .. "/job.lua", source), { "--split-size", "16K", "--input",
    "text=" .. texts.GPL, "--input", "names=" .. folder .. "/names.csv" }
end

-- The parts of mrlua run: some of each output.
local function expected_of(it_all, path, flags)
  local parts = it_all:expected_parts(path, {}, flags)
  for _, name in ipairs { "part", "odd", "once" } do
    assert.matches("== " .. name .. "%-%d+\n.", parts)
  end
  return parts
end

for what, source in pairs { ["steps"] = STEPS, ["a driver"] = DRIVER } do
  describe("a job with inputs, outputs and " .. what, function()
    it("writes on a cluster what mrlua run writes", function()
      local it_all = cluster.open()
      finally(function() it_all:close() end)
      it_all:start(2)
      local path, flags = prepare(it_all.folder, source)

      it_all:expect_parts(it_all:submit(path, {}, flags), expected_of(it_all, path, flags))
      it_all:expect_clean()
    end)

    for _, shuffle in ipairs { "local", "gcs" } do
      it("writes the same on gs://, with --shuffle " .. shuffle, function()
        local it_all = gcs_cluster.open()
        finally(function() it_all:close() end)
        it_all:start(2)
        local path, flags = prepare(it_all.folder, source)
        local expected = expected_of(it_all.cluster, path, flags)
        local argv = table.move(flags, 1, #flags, 4, { path, "--shuffle", shuffle })
        it_all:wait_for_end(it_all:submit(argv))

        assert.equal(expected, it_all:stored_parts())
        assert.same({}, it_all.storage:open_sessions())
        it_all.cluster:expect_clean()
      end)
    end

    it("writes the same on gs:// by mrlua run", function()
      local it_all = gcs_cluster.open()
      finally(function() it_all:close() end)
      local path, flags = prepare(it_all.folder, source)
      local expected = expected_of(it_all.cluster, path, flags)
      local argv = { "run", path, "--quiet", "-o", "gs://bkt/out" }
      local result = engine.run(table.move(flags, 1, #flags, #argv + 1, argv),
        { environment = it_all.environment })

      assert.equal("", result.stderr)
      assert.equal(expected, it_all:stored_parts())
    end)
  end)
end

describe("the outputs of steps on gs://", function()
  it("leave nothing but the job's when a worker and the master die", function()
    local it_all = gcs_cluster.open()
    finally(function() it_all:close() end)
    it_all:start_master()
    it_all:start_worker { "--allow-unsafe" }
    it_all:start_worker { "--allow-unsafe" }
    local gate = gated.new(it_all.cluster)
    local source = temp.read(gate.path)
      :gsub("return {", "local step = {"):gsub('params = { gates = "" },', "")
      :gsub("unsafe = true,", "")
    temp.write(gate.path, source .. [[
      return { unsafe = true, params = { gates = "" }, steps = {
        step, { map = function(word, hash, emit) emit(hash % 100, word) end, reduce = "count" } } }
    ]])
    local flags = { "--allow-unsafe", "--split-size", "16K", "--reducers", gated.REDUCERS }
    local expected = it_all.cluster:expected_parts(gate.path, gated.INPUTS, flags)
    local argv = table.move(gate.flags, 1, #gate.flags, 2, { gate.path })
    table.move(gated.INPUTS, 1, #gated.INPUTS, #argv + 1, argv)
    local id = it_all:submit(argv)
    gate:open "map"
    gate:wait_for("reduce", 2)
    it_all.cluster.workers[1]:kill()
    it_all.cluster.master:kill()
    it_all:start_master()
    gate:open "reduce"
    it_all:wait_for_end(id)

    assert.equal(expected, it_all:stored_parts())
    assert.same({}, it_all.storage:open_sessions())
  end)
end)

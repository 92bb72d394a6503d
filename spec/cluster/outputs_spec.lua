-- Further outputs on a cluster: what maps and reduces emit to them is committed once, with the
-- rest, whoever dies on the way, on plain files and on gs://.

local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local gated = require "spec.support.gated"
local gcs_cluster = require "spec.support.gcs_cluster"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local OUTPUTS <const> = [[outputs = { sevenths = "jsonl", fifths = "tsv.gz", never = "run" },]]
local PLAN <const> = { "--allow-unsafe", "--split-size", "16K", "--reducers", gated.REDUCERS }
local ROUNDS <const> = 6

-- Many small parts of a main and a further output, in the sandbox.
local MANY <const> = [[
return {
  outputs = { odd = "lines" },
  map = "words", combine = "sum",
  reduce = function(word, counts, emit)
    local total = 0
    for n in counts do total = total + n end
    if total % 2 == 0 then emit(word, total) else mr.emit_to("odd", word, total) end
  end,
}
]]
local MANY_REDUCERS <const> = 40

-- gated's job, which emits to outputs of its maps and of its reduces.
local function gate_with_outputs(it_all)
  local gate = gated.new(it_all, OUTPUTS)
  local source = temp.read(gate.path)
    :gsub("for word in line",
      "if offset %% 7 == 0 then mr.emit_to('sevenths', offset, line) end\n%0")
    :gsub("    emit%(word, hash%)",
      "    if hash %% 5 == 0 then mr.emit_to('fifths', word, hash) end\n%0")
  temp.write(gate.path, source)
  return gate
end

-- The names of the parts in a text of engine.parts(), by output: how many.
local function count_parts(parts)
  local counts = {}
  for output in parts:gmatch "%f[^\n\0]== (%a[%w_]*)%-%d+" do
    counts[output] = (counts[output] or 0) + 1
  end
  return counts
end

-- The parts of mrlua run, which has written to two outputs of three.
local function expected_of(it_all, gate)
  local parts = it_all:expected_parts(gate.path, gated.INPUTS, PLAN)
  local counts = count_parts(parts)
  assert.equal(gated.REDUCERS, counts.part)
  assert.equal(1, counts.sevenths) -- of all maps together
  assert.is_true(counts.fifths > 1) -- of those reduces that emitted
  assert.is_nil(counts.never)
  return parts
end

describe("further outputs on a cluster", function()
  local it_all

  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("are the same when a worker dies with outputs of maps", function()
    it_all:start(2, { flags = { "--allow-unsafe" } })
    local gate = gate_with_outputs(it_all)
    local expected = expected_of(it_all, gate)
    local job = gate:submit()
    gate:open "map"
    gate:wait_for("reduce", 2)
    it_all.workers[1]:kill()
    gate:open "reduce"

    it_all:expect_parts(job, expected)
  end)

  it("are the same when the master dies between reduces", function()
    it_all:start(2, { flags = { "--allow-unsafe" } })
    local gate = gate_with_outputs(it_all)
    local expected = expected_of(it_all, gate)
    local job = gate:submit()
    gate:open "map"
    gate:wait_for("reduce", 2)
    gate:open("reduce", gate:ran("reduce")[1].task)
    it_all:wait_for_job(job, "a reduce is done", 60, function(status)
      return status.stages.reduce.tasks_done >= 1
    end)
    it_all:restart_master()
    gate:open "reduce"

    it_all:expect_parts(job, expected)
    local status = it_all:status(job.id)
    assert.equal(gated.REDUCERS + 3, status.stages.reduce.tasks) -- and one for each output
    assert.equal(select(2, expected:gsub("== %a[%w_]*%-%d+", "")), #status.outcome.parts)
    it_all:expect_clean()
  end)

  it("are committed once, whenever the master dies in the commit", function()
    local seed = texts.seed(7)
    math.randomseed(seed)
    local path = temp.write(it_all.folder .. "/many.lua", MANY)
    local flags = { "--reducers", MANY_REDUCERS }
    local expected = it_all:expected_parts(path, { texts.GPL }, flags)
    it_all:start(1, { slots = 2 })
    for _ = 1, ROUNDS do
      local job = it_all:submit(path, { texts.GPL }, flags)
      cluster.await_names(job, math.random(MANY_REDUCERS))
      it_all:restart_master()
      it_all:expect_parts(job, expected)
    end

    assert.equal(ROUNDS, #it_all:list_jobs(), ("SEED=%d"):format(seed))
    it_all:expect_clean()
  end)

  it("are written by maps without reduces, and stay when their worker dies", function()
    it_all:start(2, { flags = { "--allow-unsafe" } })
    local gate = gate_with_outputs(it_all)
    temp.write(gate.path, (temp.read(gate.path):gsub("  reduce = .-\n  end,\n", "")))
    local plan = { "--allow-unsafe", "--split-size", "16K" }
    local expected = it_all:expected_parts(gate.path, gated.INPUTS, plan)
    gate.flags = table.move(plan, 1, 3, 3, { "--param", "gates=" .. gate.folder })
    local job = gate:submit()
    gate:wait_for("map", 2)
    local first = gate:ran("map")[1]
    gate:open("map", first.task)
    it_all:wait_for_job(job, "a map is done", 60, function(status)
      return status.stages.map.tasks_done == 1
    end)
    it_all:worker_with(first.worker):kill()
    gate:open "map"

    it_all:expect_parts(job, expected)
    assert.is_true(count_parts(expected).sevenths > 1)
    it_all:expect_clean()
  end)

  it("are refused by a master that is asked for a name which leads elsewhere", function()
    it_all:start(1)
    local path = temp.write(it_all.folder .. "/bad.lua",
      [[return { outputs = { ["../x"] = "tsv" }, map = "identity" }]])
    local result = it_all:run { "submit", path, texts.GPL, "-o", it_all.folder .. "/out" }

    assert.equal(2, result.code)
    assert.matches("job field 'outputs' has the name '../x'", result.stderr, 1, true)
  end)
end)

describe("further outputs on gs://", function()
  local it_all

  before_each(function()
    it_all = gcs_cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  for _, shuffle in ipairs { "local", "gcs" } do
    it("are the same with --shuffle " .. shuffle .. " when a worker and the master die", function()
      it_all:start_master()
      it_all:start_worker { "--allow-unsafe" }
      it_all:start_worker { "--allow-unsafe" }
      local gate = gate_with_outputs(it_all.cluster)
      local expected = it_all.cluster:expected_parts(gate.path, gated.INPUTS, PLAN)
      local argv = { gate.path, "--shuffle", shuffle }
      table.move(gate.flags, 1, #gate.flags, #argv + 1, argv)
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
      local inspected = it_all.cluster:run { "jobs" }
      assert.equal(0, inspected.code, inspected.stderr)
    end)
  end
end)

describe("mrlua run with further outputs on gs://", function()
  it("writes the same parts there as into a folder", function()
    local it_all = gcs_cluster.open()
    local path = temp.write(it_all.folder .. "/many.lua", MANY)
    local expected = it_all.cluster:expected_parts(path, { texts.GPL }, { "--reducers", 3 })
    local result = engine.run({ "run", path, texts.GPL, "--quiet", "--reducers", 3, "-o",
      "gs://bkt/out" }, { environment = it_all.environment })
    local found = {}
    for _, name in ipairs(it_all.storage:list()) do
      if name ~= "out/_SUCCESS" then
        found[#found + 1] = ("== %s\n%s"):format(name:sub(5), it_all.storage:get(name))
      end
    end
    it_all:close()

    assert.equal("", result.stderr)
    assert.equal(expected, table.concat(found))
  end)
end)

-- Output on gs://, and outputs of maps there. What the store may do to requests is in
-- gcs_faults_spec.lua, who may die at which step in gcs_deaths_spec.lua.

local gated = require "spec.support.gated"
local gcs_cluster = require "spec.support.gcs_cluster"
local slow = require "spec.support.slow"

local JOB_SECONDS <const> = 120

local it_all

local function argv_of(path, inputs, flags, ...)
  local argv = { path, ... }
  table.move(flags, 1, #flags, #argv + 1, argv)
  return table.move(inputs, 1, #inputs, #argv + 1, argv)
end

describe("a job with its output on gs://", function()
  before_each(function()
    it_all = gcs_cluster.open()
  end)
  after_each(function()
    it_all:close()
  end)

  it("is refused before anything runs when something is there", function()
    it_all:start(1)
    it_all.storage:put("out/notes", "somebody's")
    local id = it_all:submit(argv_of(slow.write(it_all.folder), slow.INPUTS, slow.FLAGS))
    local status = it_all:wait_for_any_end(id)
    assert.equal("failed", status.job.state)
    assert.matches("not empty", it_all.cluster:run({ "status", id }).stdout, 1, true)
    assert.equal(0, status.stages.map and status.stages.map.tasks_done or 0)
    assert.same({ "out/notes" }, it_all.storage:list())
  end)

  it("needs no map again when a worker with outputs on gs:// is lost", function()
    local gate = gated.new(it_all.cluster)
    it_all:start(2, { "--allow-unsafe" })
    local id = it_all:submit(argv_of(gate.path, gated.INPUTS, gate.flags, "--shuffle", "gcs"))
    gate:open "map"
    local total
    it_all.cluster:wait("all maps are done", JOB_SECONDS, function()
      local status = it_all.cluster:status(id)
      local maps = status and status.stages.map
      total = maps and maps.tasks
      return total and total > 0 and maps.tasks_done == total
    end)
    it_all.cluster.workers[1]:kill()
    gate:open "reduce"
    it_all:wait_for_end(id)
    assert.equal(total, #gate:ran "map")
    it_all:parts(gated.REDUCERS)
  end)
end)

-- Output on gs://, and outputs of maps there. What the store may do to requests is in
-- gcs_faults_spec.lua, who may die at which step in gcs_deaths_spec.lua.

local gated = require "spec.support.gated"
local gcs_cluster = require "spec.support.gcs_cluster"
local metadata = require "spec.support.metadata"
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

  describe("and outputs of maps", function()
    local gate, total, id

    -- All maps are done; no reduce may end.
    local function run_maps()
      id = it_all:submit(argv_of(gate.path, gated.INPUTS, gate.flags, "--shuffle", "gcs"))
      gate:open "map"
      it_all.cluster:wait("all maps are done", JOB_SECONDS, function()
        local status = it_all.cluster:status(id)
        local maps = status and status.stages.map
        total = maps and maps.tasks
        return total and total > 0 and maps.tasks_done == total
      end)
    end

    local function expect_no_map_again()
      it_all:wait_for_end(id)
      assert.equal(total, #gate:ran "map")
      it_all:parts(gated.REDUCERS)
    end

    before_each(function()
      gate = gated.new(it_all.cluster)
    end)

    it("needs no map again when a worker is lost", function()
      it_all:start(2, { "--allow-unsafe" })
      run_maps()
      it_all.cluster.workers[1]:kill()
      gate:open "reduce"
      expect_no_map_again()
    end)

    it("needs no map again when a machine is taken away, whose worker ends in time", function()
      local machine = metadata.start(it_all.cluster)
      finally(function()
        machine:stop()
      end)
      it_all:start_master()
      local leaves = it_all:start_worker({ "--allow-unsafe" }, machine.environment)
      it_all:start_worker({ "--allow-unsafe", "--preemption", "off" })
      run_maps()
      machine:wait_until_asked()
      machine:give_notice()
      it_all.cluster:wait("it drains", 20, function()
        local known = it_all.cluster:worker_state(leaves.id)
        return known and known.state == "draining"
      end)
      gate:open "reduce"
      assert.equal(0, leaves:wait(40))
      expect_no_map_again()
    end)
  end)
end)

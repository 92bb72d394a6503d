-- What maps have left on their workers is damaged, or different the second time, when reduces come
-- for it: no wrong byte, no reduce that hangs.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local temp = require "spec.support.temp"

local UNSAFE = { flags = { "--allow-unsafe" } }
local AGAIN_SECONDS = 5 -- until a map runs again whose run could not be had

local it_all, gate

-- The run files of a worker: paths.
local function runs_of(worker)
  local paths = {}
  for path in temp.capture("find " .. worker.dir .. "/runs -type f"):gmatch("[^\n]+") do
    paths[#paths + 1] = path
  end
  return paths
end

-- Other bits here and there, in segments that no reduce has fetched yet: these are the later ones.
local function damage(path)
  local bytes = { temp.read(path):byte(1, -1) }
  for at = #bytes * 4 // 10, #bytes * 3 // 4, 16 do
    bytes[at] = bytes[at] ~ 0x55
  end
  for at, byte in ipairs(bytes) do
    bytes[at] = string.char(byte)
  end
  temp.write(path, table.concat(bytes))
end

-- All maps are done, and some reduces, but not all, have what they need.
local function start_job()
  it_all:start(2, UNSAFE)
  gate:open "map"
  local job = gate:submit()
  gate:wait_for("reduce", 2)
  return job
end

describe("the run of a map that has ended", function()
  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
  end)

  after_each(function()
    it_all:close()
  end)

  for what, harm in pairs { removed = os.remove, damaged = damage } do
    it("when it is " .. what .. " is made again, and no other", function()
      local job = start_job()
      local runs = runs_of(it_all.workers[1])
      local maps = #gate:ran "map"
      for _, path in ipairs(runs) do
        harm(path)
      end
      gate:open "reduce"

      assert.is_true(#runs > 0)
      it_all:wait("a map is run again", AGAIN_SECONDS, function()
        return #gate:ran "map" > maps
      end)
      gate:expect_parts(job)
      assert.equal(maps + #runs, #gate:ran "map")
      assert.equal(gated.REDUCERS, #gate:ran "reduce")
      it_all:expect_clean()
    end)
  end

  it("when it is another the second time ends the job, which is told so by name", function()
    local text = temp.read(gate.path)
    temp.write(gate.path, (text:gsub("emit%(word, offset%)", "emit(word, mr.attempt)")))
    local job = start_job()
    gate:open("reduce", gate:ran("reduce")[1].task)
    it_all:wait_for_job(job, "a reduce is done", 90, function(status)
      return status.stages.reduce.tasks_done == 1
    end)
    it_all.workers[1]:kill()
    gate:open "reduce"

    assert.equal(1, job:wait(60))
    assert.truthy(job:text("err"):find("deterministic", 1, true), job:text "err")
    assert.same({}, temp.list(job.out))
  end)
end)

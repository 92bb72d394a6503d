-- However jobs end, nothing of them stays: no file, no process, no descriptor.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local temp = require "spec.support.temp"

local UNSAFE = { flags = { "--allow-unsafe" } }

local it_all, gate

local function descriptor_counts()
  local counts = { it_all.master:descriptor_count() }
  for i, worker in ipairs(it_all.workers) do
    counts[i + 1] = worker:descriptor_count()
  end
  return table.concat(counts, " ")
end

-- A job whose attempts wait, ended by `mrlua cancel`.
local function cancel_one()
  local shut = it_all:submit(gate.path, gated.INPUTS, { "--allow-unsafe", "--param",
    "gates=" .. it_all.folder .. "/shut" })
  local id = it_all:job_id(shut)
  it_all:wait("it runs", 20, function()
    return #temp.list(it_all.folder .. "/shut") > 0
  end)
  assert.equal(0, it_all:run({ "cancel", id }).code)
  assert.equal(1, shut:wait(20), shut:text "err")
  assert.same({}, temp.list(shut.out))
end

local function fail_one()
  local path = temp.write(it_all.folder .. "/bad.lua",
    "return { map = function() error('no') end, reduce = 'sum' }")
  local bad = it_all:submit(path, gated.INPUTS)
  assert.equal(1, bad:wait(20), bad:text "err")
  assert.same({}, temp.list(bad.out))
end

describe("a cluster that has worked", function()
  before_each(function()
    it_all = cluster.open()
    gate = gated.new(it_all)
    assert(os.execute("mkdir " .. it_all.folder .. "/shut"))
  end)

  after_each(function()
    it_all:close()
  end)

  it("is after every job what it was after the first", function()
    it_all:start(2, UNSAFE)
    gate:open "map"
    gate:open "reduce"
    gate:expect_parts(gate:submit())
    it_all:expect_no_leftovers()
    local before
    it_all:wait("descriptors are closed", 20, function()
      local again = descriptor_counts()
      local is_quiet = again == before
      before = again
      return is_quiet
    end)
    for _ = 1, 3 do
      gate:expect_parts(gate:submit())
      cancel_one()
      fail_one()
    end

    it_all:wait("descriptors are closed again: " .. before, 20, function()
      return descriptor_counts() == before
    end)
    it_all:expect_clean()
  end)
end)

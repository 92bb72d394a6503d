-- A job without reduce on a cluster: its maps write the parts, and what is written stays.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local gcs = require "spec.support.gcs"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local UPPER <const> = [[
return { output = "lines", map = function(_, line, emit) emit(line:upper(), true) end }
]]
local PLAN <const> = { "--split-size", "8K" }

local it_all

-- gated's job without its reduce; its plan then, too.
local function map_only_gate()
  local gate = gated.new(it_all)
  temp.write(gate.path, (temp.read(gate.path):gsub("  reduce = .-\n  end,\n", "")))
  local flags = {}
  for i, flag in ipairs(gate.flags) do
    if flag ~= "--reducers" and gate.flags[i - 1] ~= "--reducers" then
      flags[#flags + 1] = flag
    end
  end
  gate.flags = flags
  return gate
end

local function attempts_of(gate, task)
  local count = 0
  for _, attempt in ipairs(gate:ran "map") do
    count = count + (attempt.task == task and 1 or 0)
  end
  return count
end

describe("a job without reduce on a cluster", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("writes what mrlua run writes, a part for each split", function()
    it_all:start(2)
    local path = temp.write(it_all.folder .. "/upper.lua", UPPER)
    local job = it_all:submit(path, texts.LICENSES, PLAN)

    it_all:expect_parts(job, it_all:expected_parts(path, texts.LICENSES, PLAN))
    local status = it_all:status(it_all:job_id(job))
    assert.equal(status.stages.map.tasks, #status.outcome.parts)
    assert.equal(0, status.stages.reduce.tasks)
    it_all:expect_clean()
  end)

  it("writes parts to gs://, and nothing else, also with --shuffle gcs", function()
    local storage <close> = setmetatable({ gcs.start(it_all.folder .. "/gcs") }, {
      __close = function(held) held[1]:stop() end,
    })
    local options = { wrap = "env " .. storage[1].environment .. " %s" }
    it_all:start_master(options)
    it_all:start_worker(options)
    local path = temp.write(it_all.folder .. "/upper.lua", UPPER)
    for i, shuffle in ipairs { "local", "gcs" } do
      local out = "gs://bkt/out-" .. i
      local result = it_all:run { "submit", path, texts.GPL, "--quiet", "--split-size", "8K",
        "--shuffle", shuffle, "-o", out }
      assert.equal("", result.stderr)
      assert.equal(0, result.code)
    end
    local text, names = { "", "" }, storage[1]:list()
    for _, name in ipairs(names) do
      local i = tonumber(name:match "^out%-(%d)/part%-%d+$")
      if i then
        text[i] = text[i] .. storage[1]:get(name)
      else
        assert.matches("^out%-%d/_SUCCESS$", name)
      end
    end

    assert.equal(temp.read(texts.GPL):upper(), text[1])
    assert.equal(text[1], text[2])
    assert.is_true(#names > 4)
    assert.same({}, storage[1]:open_sessions())
    it_all:expect_clean()
  end)

  it("keeps the parts of a worker that dies, and makes again what it had not finished", function()
    it_all:start(2, { flags = { "--allow-unsafe" } })
    local gate = map_only_gate()
    local job = gate:submit()
    gate:wait_for("map", 2)
    local first = gate:ran("map")[1]
    gate:open("map", first.task)
    it_all:wait_for_job(job, "a map is done", 30, function(status)
      return status.stages.map.tasks_done == 1
    end)
    gate:wait_for("map", 3)
    it_all:worker_with(first.worker):kill()
    gate:open "map"
    it_all:expect_parts(job, it_all:expected_parts(gate.path, gated.INPUTS,
      { "--allow-unsafe", "--split-size", "16K" }))

    assert.equal(1, attempts_of(gate, first.task))
    assert.is_true(#gate:ran "map" > it_all:status(job.id).stages.map.tasks)
    it_all:expect_clean()
  end)

  it("goes on after its master is killed", function()
    it_all:start(2, { flags = { "--allow-unsafe" } })
    local gate = map_only_gate()
    local job = gate:submit()
    gate:wait_for("map", 2)
    local first = gate:ran("map")[1].task
    gate:open("map", first)
    it_all:wait_for_job(job, "a map is done", 30, function(status)
      return status.stages.map.tasks_done == 1
    end)
    it_all:restart_master()
    gate:open "map"

    it_all:expect_parts(job, it_all:expected_parts(gate.path, gated.INPUTS,
      { "--allow-unsafe", "--split-size", "16K" }))
    assert.equal(1, attempts_of(gate, first))
    it_all:expect_clean()
  end)
end)

--- A job whose tasks wait until a spec lets them go, and which tells who ran what, how often.
--
--     local gate = gated.new(it_all)    in the folder of a cluster; all gates are shut
--     local job = gate:submit()
--     gate:wait_for("map", 2)           until 2 attempts of maps run, or did
--     #gate:ran "map"                   { task, attempt, worker } of every attempt that ran
--     gate:open("reduce", 3)            one task may end
--     gate:open "map"                   all may
--     gate:expect_parts(job)            it succeeds, with the parts of mrlua run
--
-- It is unsafe (files, os.execute): workers need --allow-unsafe. What it answers depends on the
-- order of all that reaches a reduce, so a segment that is missing, doubled or swapped is seen.

local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local gated = {}
gated.__index = gated

local JOB = [[
local passed = false

local function exists(name)
  local file <close> = io.open(mr.params.gates .. "/" .. name)
  return file ~= nil
end

-- Once in each attempt: leave a marker, wait for the gate.
local function pass()
  if passed or mr.params.gates == "" then return end
  passed = true
  local marker = ("%s/ran-%s-%d-%d-%d"):format(mr.params.gates, mr.stage, mr.task, mr.attempt,
    mr.worker)
  assert(io.open(marker, "w")):close()
  while not exists("open-" .. mr.stage) and not exists(("open-%s-%d"):format(mr.stage, mr.task)) do
    os.execute("sleep 0.02")
  end
end

return {
  unsafe = true,
  params = { gates = "" },
  map = function(offset, line, emit)
    pass()
    for word in line:gmatch("%a+") do emit(word, offset) end
  end,
  reduce = function(word, offsets, emit)
    pass()
    local hash = 0
    for offset in offsets do hash = (hash * 31 + offset) & 0xffffffff end
    emit(word, hash)
  end,
}
]]

gated.INPUTS = texts.LICENSES
gated.REDUCERS = 8 -- more than are fetched ahead by two workers with a slot each

local PLAN = { "--allow-unsafe", "--split-size", "16K", "--reducers", gated.REDUCERS }

--- Writes the job.
-- @tparam table it_all  a cluster
-- @tparam[opt] string fields  more of the job: "partition = 'range',"
function gated.new(it_all, fields)
  local self = setmetatable({ it_all = it_all, folder = it_all.folder .. "/gates" }, gated)
  assert(os.execute("mkdir " .. self.folder))
  self.path = temp.write(it_all.folder .. "/gated.lua",
    (JOB:gsub("unsafe = true,", "%0 " .. (fields or ""))))
  self.flags = table.move(PLAN, 1, #PLAN, 1, {})
  table.move({ "--param", "gates=" .. self.folder }, 1, 2, #self.flags + 1, self.flags)
  return self
end

--- Submits it, and waits until the master has it. Options are those of it_all:submit().
function gated:submit(options)
  local job = self.it_all:submit(self.path, gated.INPUTS, self.flags, options)
  self.it_all:job_id(job)
  return job
end

--- Lets the tasks of a stage end: all of them, or one.
function gated:open(stage, task)
  temp.write(("%s/open-%s%s"):format(self.folder, stage, task and "-" .. task or ""), "")
end

--- The attempts of a stage that ran, as { task, attempt, worker }, those of one worker if given.
function gated:ran(stage, worker)
  local attempts = {}
  for _, name in ipairs(temp.list(self.folder)) do
    local of, task, attempt, by = name:match("^ran%-(%a+)%-(%d+)%-(%d+)%-(%d+)$")
    if of == stage and (not worker or tonumber(by) == worker) then
      attempts[#attempts + 1] = { task = tonumber(task), attempt = tonumber(attempt),
        worker = tonumber(by) }
    end
  end
  return attempts
end

--- Waits until so many attempts of a stage have begun.
function gated:wait_for(stage, count)
  self.it_all:wait(("%d attempts of %s run"):format(count, stage), 90, function()
    return #self:ran(stage) >= count
  end)
end

--- Expects that the job succeeds and writes what `mrlua run` writes.
function gated:expect_parts(job)
  self.it_all:expect_parts(job, self.it_all:expected_parts(self.path, gated.INPUTS, PLAN))
end

--- The same, and that no task was run twice.
function gated:expect_nothing_twice(job)
  self:expect_parts(job)
  local maps, reduces = #self:ran "map", #self:ran "reduce"
  local expected = self.it_all:status(job.id).stages.map.tasks
  if maps ~= expected or reduces ~= gated.REDUCERS then
    error(("%d attempts of %d maps, %d of %d reduces"):format(maps, expected, reduces,
      gated.REDUCERS), 2)
  end
end

return gated

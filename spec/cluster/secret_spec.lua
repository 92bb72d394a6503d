-- P7: what a worker knows of its key is not in the memory of the process that runs a job.

local cluster = require "spec.support.cluster"
local session = require "spec.support.session"
local temp = require "spec.support.temp"

-- It goes on until it is killed.
local ENDLESS_JOB = "return { reduce = 'sum', map = function() while true do end end }"

-- How often `bytes` is in what a process has mapped, and how much that is; nil: we may not look.
local function search(pid, bytes)
  local memory <close> = io.open(("/proc/%s/mem"):format(pid), "rb")
  local count, searched = 0, 0
  for line in temp.read(("/proc/%s/maps"):format(pid)):gmatch("[^\n]+") do
    local first, last, kernel = line:match("^(%x+)%-(%x+) r%S+ %S+ %S+ %S+%s*(%[?v?)")
    if not memory then
      return nil
    elseif first and kernel ~= "[v" then -- [vvar] cannot be read
      first, last = tonumber(first, 16), tonumber(last, 16)
      memory:seek("set", first)
      local region = memory:read(last - first) or ""
      searched = searched + #region
      count = count + select(2, region:gsub(bytes:gsub("%W", "%%%0"), ""))
    end
  end
  return count, searched
end

-- The process that is a child of the worker's nursery.
local function vm_child(worker)
  for _, pid in ipairs(session.processes(worker.pid)) do
    local parent = temp.capture(("cat /proc/%s/stat 2>/dev/null"):format(pid)):match("%) %a (%d+)")
    local command = parent and temp.capture(("cat /proc/%s/cmdline 2>/dev/null | tr '\\0' ' '")
      :format(parent))
    if command and command:find("nursery", 1, true) then
      return pid
    end
  end
end

describe("the secret of a worker", function()
  local it_all

  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("is in the worker's memory, and not in that of a job", function()
    local hex = temp.read(it_all.folder .. "/key"):match("(%x+)\n")
    local secret = hex:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end)
    local path = temp.write(it_all.folder .. "/endless.lua", ENDLESS_JOB)
    it_all:start(1)
    local worker = it_all.workers[1]
    local job = it_all:submit(path, { "README.md" })
    it_all:wait_for_job(job, "the map runs", 30, function(status)
      return status.stages.map.tasks_running > 0 and vm_child(worker)
    end)
    local child = vm_child(worker)
    local in_worker = search(worker.pid, secret)
    if not in_worker then
      pending "only root may look"
    end
    local in_child, searched = search(child, secret)

    assert.is_true(in_worker > 0)
    assert.equal(0, in_child)
    assert.equal(0, search(child, hex))
    assert.is_true(searched > 1 << 20)
    it_all:run { "cancel", it_all:job_id(job) }
  end)
end)

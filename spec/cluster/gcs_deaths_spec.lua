-- Who is killed while the output of a job goes to gs://, a worker or the master, and at which
-- request of theirs: the store holds it, so that the moment is exact. Whoever comes after makes the
-- parts of `mrlua run`, and leaves nothing else.

local gcs_cluster = require "spec.support.gcs_cluster"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

-- Part 0 is small, part 1 has 600 KiB: its upload has a session, and an end that is held back.
local JOB <const> = [[
return {
  map = function(_, line, emit)
    for word in line:gmatch("%a+") do emit(word, 1) end
  end,
  partition = function(word) return word:find("^the") and 1 or 0 end,
  reduce = function(word, ones, emit)
    local count = 0
    for one in ones do count = count + one end
    if word == "the" then
      for i = 1, 10000 do emit(("%050d"):format(i), count) end
    else
      emit(word, count)
    end
  end,
}
]]
local FLAGS <const> = { "--split-size", "32K", "--reducers", "2" }
local HELD_S <const> = 300 -- longer than a spec lives: what is held never arrives

local it_all, storage, path, expected

local function begin()
  it_all = gcs_cluster.open()
  storage = it_all.storage
  path = temp.write(it_all.folder .. "/job.lua", JOB)
  expected = it_all.cluster:expected_parts(path, texts.LICENSES, FLAGS)
end

local function finish()
  it_all:close()
end

-- Answers the job's number.
local function submit(shuffle)
  local argv = { path, "--overwrite", "--shuffle", shuffle or "local" }
  table.move(FLAGS, 1, #FLAGS, #argv + 1, argv)
  table.move(texts.LICENSES, 1, #texts.LICENSES, #argv + 1, argv)
  return it_all:submit(argv)
end

-- Before anything is done, or when all is done and only the answer is missing.
local BEFORE <const> = { delay = HELD_S }
local AFTER <const> = { stall_after = 0, stall_seconds = HELD_S }

-- Submits the job, kills a process once the store holds the request, and starts another.
local function kill_at(operation, object, action, shuffle, victim_of, start)
  storage:faults { match = { operation = operation, object = object, count = 1 }, action = action }
  local id = submit(shuffle)
  it_all:wait_until_held()
  victim_of():kill()
  storage:clear()
  start()
  it_all:wait_for_end(id)
  local what = ("killed at %s of %s"):format(operation, object)
  assert(it_all:parts(2) == expected, what .. ": other parts")
end

describe("a job on gs:// outlives kill -9 of the worker", function()
  before_each(begin)
  after_each(finish)

  local STEPS <const> = {
    { "while it uploads a small part", "objects.insert.multipart", "/part-00000", BEFORE },
    { "between upload and report of a small part", "objects.insert.multipart", "/part-00000",
      AFTER },
    { "while it uploads a large part", "objects.insert.resumable.chunk", "/part-00001",
      { stall_body = { after_bytes = 100000, seconds = HELD_S } } },
    { "between a large part and its ticket", "objects.insert.multipart", "/part-00001[.][0-9]+$",
      BEFORE },
    { "while it uploads the output of a map", "objects.insert.multipart", "/map-1", BEFORE, "gcs" },
    { "between upload and report of a map", "objects.insert.multipart", "/map-1", AFTER, "gcs" },
  }

  for _, step in ipairs(STEPS) do
    local name, operation, object, action, shuffle = table.unpack(step)
    it(name, function()
      it_all:start(1)
      local workers = it_all.cluster.workers
      kill_at(operation, object, action, shuffle, function()
        return workers[#workers]
      end, function()
        it_all:start_worker()
      end)
    end)
  end
end)

describe("the commit of a job on gs:// outlives kill -9 of the master", function()
  before_each(function()
    begin()
    it_all:start(1)
    it_all:wait_for_end(submit()) -- so that there is something to replace
  end)
  after_each(finish)

  local STEPS <const> = {
    { "at the old _SUCCESS", "objects.delete", "^out/_SUCCESS$", BEFORE },
    { "at a small part", "objects.insert.multipart", "^out/part-00000$", BEFORE },
    { "behind a small part", "objects.insert.multipart", "^out/part-00000$", AFTER },
    { "at the end of a large part", "objects.insert.resumable.final", "^out/part-00001$", BEFORE },
    { "behind a large part", "objects.insert.resumable.final", "^out/part-00001$", AFTER },
    { "at _SUCCESS", "objects.insert.multipart", "^out/_SUCCESS$", BEFORE },
    { "behind _SUCCESS", "objects.insert.multipart", "^out/_SUCCESS$", AFTER },
    { "at the tickets", "objects.delete", "^out/.mrlua-[^/]*/part-", BEFORE },
    { "at the claim", "objects.delete", "^out/.mrlua-claim$", BEFORE },
  }

  for _, step in ipairs(STEPS) do
    local name, operation, object, action = table.unpack(step)
    it(name, function()
      kill_at(operation, object, action, "local", function()
        return it_all.cluster.master
      end, function()
        it_all:start_master()
      end)
    end)
  end
end)

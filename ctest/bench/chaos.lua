--- Kills of workers and of the master at random moments: is every output that of `mrlua run`?
--
--     lua5.4 ctest/bench/chaos.lua [WORKER_KILLS [MASTER_KILLS]]      200 and 100 otherwise
--     SEED=7 lua5.4 ctest/bench/chaos.lua 20 10
--
-- Jobs of 200 maps and 20 reduces run one after the other on three workers. While one runs, after
-- random pauses, a worker or the master is killed by kill -9 and started again on its folder. A
-- job must end within two minutes, with the parts of `mrlua run`. Exit code 1 if one does not.

local cluster = require "spec.support.cluster"
local slow = require "spec.support.slow"
local temp = require "spec.support.temp"

local kills_left = { worker = tonumber(arg[1] or 200), master = tonumber(arg[2] or 100) }
local kills_done = { worker = 0, master = 0 }
local seed = tonumber(os.getenv "SEED") or os.time()
local MAPS, REDUCERS, WORKERS, LINES, KILLS_PER_JOB <const> = 200, 20, 3, 12000, 15

math.randomseed(seed)
print(("SEED=%d: kills of workers %d, of the master %d, jobs of %d maps and %d reduces"):format(
  seed, kills_left.worker, kills_left.master, MAPS, REDUCERS))

local it_all = cluster.open()

local function write_input(path)
  local lines = {}
  for i = 1, LINES do
    lines[i] = ("%x %x line"):format(math.random(0, 9999), math.random(0, 99)):gsub("%d", "q")
  end
  local text = table.concat(lines, "\n") .. "\n"
  temp.write(path, text)
  return { "--split-size", tostring(#text // MAPS + 1), "--reducers", tostring(REDUCERS) }
end

local function choose_victim()
  local sum = kills_left.worker + kills_left.master
  return sum > 0 and (math.random(sum) <= kills_left.worker and "worker" or "master") or nil
end

local function kill_one(kind)
  if kind == "master" then
    it_all.master:kill()
    it_all:start_master()
  else
    local number = math.random(WORKERS)
    local victim = it_all.workers[number]
    victim:kill()
    local next_life = it_all:start_worker { dir = victim.dir, unawaited = true }
    it_all.workers[number], it_all.workers[#it_all.workers] = next_life, nil
  end
  kills_left[kind], kills_done[kind] = kills_left[kind] - 1, kills_done[kind] + 1
end

-- One job, with kills while it runs, so many at most; answers how many it lived through.
local function run_job(path, inputs, flags, expected)
  local job, count = it_all:submit(path, inputs, flags), 0
  it_all:job_id(job)
  while not job:code() do
    local kind = count < KILLS_PER_JOB and choose_victim()
    os.execute(("sleep %.3f"):format(math.random() * 0.6)) -- a random moment, nothing is awaited
    if kind and not job:code() then
      kill_one(kind)
      count = count + 1
    end
  end
  it_all:expect_parts(job, expected)
  temp.remove(job.out)
  return count
end

local function run()
  local path, input = slow.write(it_all.folder), it_all.folder .. "/input"
  local flags = write_input(input)
  local expected = it_all:expected_parts(path, { input }, flags)
  it_all:start(WORKERS)
  local job_count = 0
  while kills_left.worker + kills_left.master > 0 do
    local count = run_job(path, { input }, flags, expected)
    job_count = job_count + 1
    io.stderr:write(("job %d: equal, after %d kills (%d + %d in all)\n"):format(job_count, count,
      kills_done.worker, kills_done.master))
  end
  it_all:expect_no_leftovers()
  return job_count
end

local ok, answer = xpcall(run, debug.traceback)
it_all:close()
if not ok then
  print(answer)
  os.exit(1)
end
print(("%d jobs, %d workers and %d masters killed, every output equal, no leftover"):format(answer,
  kills_done.worker, kills_done.master))

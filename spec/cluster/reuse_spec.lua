-- `mrlua submit --reuse --shuffle gcs`: maps take the runs of earlier jobs from the store, and
-- whatever has happened to these meanwhile, the output is that of a job which took none.

local cjson = require "cjson"
local engine = require "spec.support.engine"
local gcs_cluster = require "spec.support.gcs_cluster"
local temp = require "spec.support.temp"

local INPUTS <const> = 12
local REDUCERS <const> = 3
local CACHE <const> = "mrlua-tmp/cache/"
local JOB_SECONDS <const> = 120

local JOB <const> = [[
return {
  params = { least = 1 },
  map = function(_, line, emit)
    for word in line:gmatch("%a+") do
      if #word >= mr.params.least then emit(word, 1) end
    end
  end,
  combine = "sum", reduce = "sum", reducers = 3,
}
]]

local it_all, storage, job

-- The i-th input: words that only it has, and words that all have.
local function input_text(i)
  local lines = {}
  for n = 1, 40 do
    lines[n] = ("all words of %s and %s"):format(("f"):rep(i), ("x"):rep(n))
  end
  return table.concat(lines, "\n") .. "\n"
end

local function write_job(text)
  job = temp.write(it_all.folder .. "/job.lua", text)
end

local function argv_of(...)
  return { job, "gs://bkt/in/", "--overwrite", "--split-size", "1M", "--shuffle", "gcs", ... }
end

-- Its parts, how many maps were run, and how many not; nil without --reuse.
local function result_of(id)
  local status = it_all:wait_for_end(id)
  local parts = {}
  for i = 1, REDUCERS do
    parts[i] = storage:get(("out/part-%05d"):format(i - 1))
  end
  assert.same({}, storage:open_sessions())
  local reused = status.outcome.counters.map_reused
  return table.concat(parts, "==\n"), status.outcome.plan.split_count - (reused or 0), reused
end

local function run(...)
  return result_of(it_all:submit(argv_of(...)))
end

-- A job with --reuse: how many maps were run.
local function run_count(...)
  local output, count = run("--reuse", ...)
  return count, output
end

local function kept()
  return storage:list(CACHE)
end

-- What no job may leave behind: anything of its own in the store.
local function expect_only_kept()
  for _, name in ipairs(storage:list "mrlua-tmp/") do
    assert.equal(CACHE, name:sub(1, #CACHE))
  end
end

-- Turns a bit of a stored object, which no checksum of the store's knows of.
local function damage(name, at)
  local bytes = storage:get(name)
  local paths = temp.capture(("find %s/gcs.d -type f"):format(it_all.folder))
  for path in paths:gmatch("[^\n]+") do
    if temp.read(path) == bytes then
      local file <close> = assert(io.open(path, "r+b"))
      file:seek("set", at)
      file:write(string.char(bytes:byte(at + 1) ~ 1))
      return
    end
  end
  error(name .. " is in no file")
end

describe("mrlua submit --reuse", function()
  before_each(function()
    it_all = gcs_cluster.open()
    storage = it_all.storage
    it_all:start(2)
    for i = 1, INPUTS do
      storage:put(("in/%02d"):format(i), input_text(i))
    end
    write_job(JOB)
  end)
  after_each(function()
    it_all:close()
  end)

  it("gives the same output, run or reused, and leaves only what is kept", function()
    local without, _, none = run()
    local first_count, first = run_count()
    local names = kept()
    storage:forget()
    local second_count, second = run_count()

    assert.is_nil(none)
    assert.equal(INPUTS, first_count)
    assert.equal(0, second_count)
    assert.equal(without, first)
    assert.equal(without, second)
    assert.equal(INPUTS, #names)
    assert.same(names, kept())
    for _, request in ipairs(storage:requests "objects.insert") do
      assert.equal("out/", request.object:sub(1, 4)) -- nothing is copied
    end
    assert.is_nil(storage:violations()["unpinned-read"])
    assert.is_nil(storage:violations()["no-precondition"])
    expect_only_kept()
  end)

  it("runs only the map of what has changed", function()
    run_count()
    storage:put("in/03", input_text(33))
    local count, output = run_count()

    assert.equal(1, count)
    assert.equal(run(), output)
    assert.equal(INPUTS + 1, #kept())
  end)

  it("runs all maps again for another param or job", function()
    run_count()
    assert.equal(INPUTS, (run_count("--param", "least=3")))
    write_job("-- another source\n" .. JOB)
    assert.equal(INPUTS, (run_count()))
    write_job(JOB)
    assert.equal(0, (run_count()))
  end)

  it("knows files by what is in them", function()
    local folder = it_all.folder .. "/in"
    os.execute("mkdir " .. folder)
    for i = 1, INPUTS do
      temp.write(("%s/%02d"):format(folder, i), input_text(i))
    end
    local function run_files(...)
      local argv = argv_of(...)
      argv[2] = folder
      return result_of(it_all:submit(argv))
    end
    run_files "--reuse"
    temp.write(folder .. "/03", input_text(33))
    os.execute(("touch -d yesterday %s/05"):format(folder)) -- but its content is the same
    local output, count = run_files "--reuse"

    assert.equal(1, count)
    assert.equal(run_files(), output)
  end)

  -- Between the maps and the reduces of a job that takes all runs but that of a new input, which
  -- can only be read when `change` is done.
  local function run_while(change)
    storage:put("in/new", input_text(120))
    storage:faults { match = { operation = "objects.get.media", object = "^in/new$" },
      action = { status = 503 } }
    local id = it_all:submit(argv_of "--reuse")
    it_all.cluster:wait("all maps but one are done", JOB_SECONDS, function()
      local status = it_all.cluster:status(id)
      return status and status.stages.map and status.stages.map.tasks_done == INPUTS
    end)
    change()
    storage:clear()
    return result_of(id)
  end

  it("runs a map again whose object is deleted during the job", function()
    run_count()
    local names = kept()
    local output, count = run_while(function()
      storage:remove(names[4])
    end)

    assert.equal(2, count)
    assert.is_not_nil(storage:stat(names[4])) -- it is kept again
    expect_only_kept()
    assert.equal(run(), output)
    assert.equal(0, (run_count()))
  end)

  it("runs maps again whose objects are replaced by others during the job (P5)", function()
    run_count()
    local names = kept()
    local output, count = run_while(function()
      storage:put(names[2], storage:get(names[3]))
      storage:put(names[5], "nothing")
    end)

    assert.equal(3, count)
    assert.equal(run(), output)
    assert.equal(0, (run_count()))
  end)

  it("takes no object whose note is damaged, or which is another's, and replaces it (P5)",
    function()
      local _, good = run_count()
      local names = kept()
      damage(names[2], #storage:get(names[2]) - 1)
      storage:put(names[5], storage:get(names[6]))
      local count, output = run_count()

      assert.equal(2, count)
      assert.equal(good, output)
      assert.equal(0, (run_count()))
      assert.same(names, kept())
    end)

  it("runs maps again whose runs are damaged at rest (P5)", function()
    local _, good = run_count()
    local names = kept()
    damage(names[1], 70)
    damage(names[7], 90)
    local count, output = run_count()

    assert.equal(2, count)
    assert.equal(good, output)
    assert.equal(0, (run_count()))
  end)

  it("ends right when the master is started again while a run is replaced (P5)", function()
    local _, good = run_count()
    local names = kept()
    damage(names[1], 70)
    storage:faults { match = { operation = "objects.insert", object = names[1] },
      action = { status = 503 } } -- the damaged one can not be replaced yet
    local id = it_all:submit(argv_of "--reuse")
    it_all.cluster:wait("a map is run again", JOB_SECONDS, function()
      return storage:rules()[1].taken > 0
    end)
    it_all.cluster.master:kill()
    it_all:start_master()
    storage:clear()
    local output, count = result_of(id)

    assert.equal(good, output)
    assert.is_true(count <= 1) -- none: its attempt of before was in time with the new object
    assert.equal(0, (run_count()))
  end)

  it("runs every map where the cache cannot be written", function()
    storage:faults { match = { operation = "objects.insert", object = "^" .. CACHE },
      action = { status = 403 } }
    local count, output = run_count()

    assert.equal(INPUTS, count)
    storage:clear()
    assert.equal(run(), output)
    assert.same({}, storage:list "mrlua-tmp/")
  end)

  -- The store may do what the dead one asked for when its map has been run elsewhere.
  it("outlives workers that are killed while they keep a run", function()
    storage:faults { match = { operation = "objects.insert", object = "^" .. CACHE, count = 2 },
      action = { delay = 3 } }
    local id = it_all:submit(argv_of "--reuse")
    it_all.cluster:wait("two runs are on their way", JOB_SECONDS, function()
      return storage:rules()[1].taken == 2
    end)
    for i = 1, 2 do
      it_all.cluster.workers[i]:kill()
    end
    it_all:start_worker()
    local output, count = result_of(id)

    assert.equal(INPUTS, count)
    storage:clear()
    assert.equal(run(), output)
    assert.equal(0, (run_count()))
    expect_only_kept()
  end)

  it("is used by several jobs at once", function()
    local ids = {}
    for i = 1, 3 do
      ids[i] = it_all:submit(argv_of "--reuse", "gs://bkt/out-" .. i)
    end
    for i = 1, 3 do
      it_all:wait_for_end(ids[i])
    end
    local expected = run()

    for i = 1, 3 do
      local parts = {}
      for part = 1, REDUCERS do
        parts[part] = storage:get(("out-%d/part-%05d"):format(i, part - 1))
      end
      assert.equal(expected, table.concat(parts, "==\n"))
    end
    assert.equal(INPUTS, #kept())
    expect_only_kept()
  end)

  it("takes the maps of the first of several steps", function()
    local steps <const> = [[
      return { steps = {
        { map = function(_, line, emit) emit(#line, line) end, reduce = "list" },
        { map = function(length, lines, emit) emit(length % 5, #lines) end, reduce = "sum",
          reducers = 3 },
      } }]]
    write_job(steps)
    local function made(...)
      storage:forget()
      local output = run(...)
      local count = 0
      for _, request in ipairs(storage:requests "objects.insert") do
        count = count + (request.object:find(CACHE, 1, true) and 1 or 0)
      end
      return count, output
    end
    local none, without = made()
    local first = made "--reuse"
    local second, output = made "--reuse"
    storage:put("in/03", input_text(33))
    local third = made "--reuse"

    write_job((steps:gsub("{ map", "{ deterministic = false, map", 1)))
    local random = made "--reuse"

    assert.same({ 0, INPUTS, 0, 1, 0 }, { none, first, second, third, random })
    assert.equal(without, output)
    expect_only_kept()
  end)

  it("tells programs how many maps were not run", function()
    run_count()
    local result = it_all.cluster:run { "submit", "-o", "gs://bkt/out", "--json",
      table.unpack(argv_of "--reuse") }

    assert.equal(0, result.code, result.stderr)
    assert.equal(INPUTS, cjson.decode(result.stdout).counters.map_reused)
    assert.matches('"map_reused":12', storage:get "out/_SUCCESS")
  end)

  it("keeps runs that go up in pieces", function()
    local text = it_all.folder .. "/large.txt"
    assert(os.execute("head -c 9M /dev/urandom | base64 -w 63 > " .. text))
    storage:put("in/00", temp.read(text))
    write_job [[
      return { reduce = "identity", reducers = 3,
        map = function(_, line, emit) emit(line, 1) end }]]
    local function submit(...)
      return it_all:submit { job, "gs://bkt/in/", "--overwrite", "--split-size", "16M",
        "--shuffle", "gcs", ... }
    end
    local without = result_of(submit())
    local first, first_count = result_of(submit "--reuse")
    local second, second_count = result_of(submit "--reuse")

    assert.equal(INPUTS + 1, first_count)
    assert.equal(0, second_count)
    assert.equal(without, first)
    assert.equal(without, second)
    expect_only_kept()
  end)
end)

describe("mrlua cache --gcs", function()
  before_each(function()
    it_all = gcs_cluster.open()
    storage = it_all.storage
    it_all:start(1)
    for i = 1, INPUTS do
      storage:put(("in/%02d"):format(i), input_text(i))
    end
    write_job(JOB)
  end)
  after_each(function()
    it_all:close()
  end)

  local function cache(...)
    local result = engine.run({ "cache", "--gcs", ... }, { environment = storage.environment })
    assert.equal(0, result.code, result.stderr)
    return result.stdout
  end

  it("shows what jobs keep, to people and programs", function()
    assert.matches("\nruns:       0 maps, 0 B\n", cache "gs://bkt")
    run_count()
    local bytes = 0
    for _, name in ipairs(kept()) do
      bytes = bytes + #storage:get(name)
    end
    local told = cjson.decode(cache("gs://bkt", "--json"))

    assert.matches("^place:      gs://bkt/mrlua%-tmp/cache/\nruns:       12 maps, [%d.]+ KB\n"
      .. "limit:      7 days old\nmade:       [^\n]+ to [^\n]+ ago\n$", cache "gs://bkt")
    assert.equal(INPUTS, told.files)
    assert.equal(bytes, told.file_bytes)
    assert.equal(7 * 86400, told.limit_seconds)
    assert.is_true(told.oldest_seconds >= told.newest_seconds)
  end)

  it("clears it, or what is older, and nothing else", function()
    run_count()
    storage:put(CACHE .. "notes", "somebody's")
    assert.equal("removed: 0 maps, 0 B\n", cache("gs://bkt", "clear", "--older-than", "1h"))
    assert.matches("^removed: 12 maps, [%d.]+ KB\n$", cache("gs://bkt", "clear"))
    assert.same({ CACHE .. "notes" }, kept())
    assert.equal(INPUTS, (run_count()))
  end)

  it("says what is wrong with a place", function()
    local result = engine.run { "cache", "--gcs", "gs://" }
    assert.equal(2, result.code)
    assert.matches("^mrlua: %-%-gcs gs://: ", result.stderr)
  end)
end)

describe("mrlua submit refuses --reuse", function()
  local function refusal(...)
    local result = engine.run { "submit", "jobs/wordcount.lua", "gs://bkt/in/", "-o",
      "gs://bkt/out", "--reuse", ... }
    assert.equal(2, result.code)
    return result.stderr
  end

  local function refusal_of(text)
    local folder <const> = temp.folder()
    finally(function()
      temp.remove(folder)
    end)
    local result = engine.run { "submit", temp.write(folder .. "/job.lua", text),
      "gs://bkt/in/", "-o", "gs://bkt/out", "--reuse", "--shuffle", "gcs" }
    assert.equal(2, result.code)
    return result.stderr
  end

  it("without --shuffle gcs, and says what to do", function()
    local text <const> = "mrlua: submit --reuse needs --shuffle gcs: what is kept for later jobs"
      .. " are objects; add --shuffle gcs (the output's bucket) or --shuffle gs://BUCKET/PREFIX\n"
    assert.equal(text, refusal():match "^[^\n]*\n")
    assert.equal(text, refusal("--shuffle", "local"):match "^[^\n]*\n")
  end)

  it("for jobs whose maps do not answer the same each time, or tell what they set aside", function()
    assert.matches("says deterministic = false", refusal_of((JOB:gsub("return {",
      "return { deterministic = false,", 1))))
    assert.matches("says skip_bad", refusal_of((JOB:gsub("return {", "return { skip_bad = 1,", 1))))
    assert.matches("has no reduce", refusal_of "return { map = function() end }")
  end)
end)

-- A job with several inputs on a cluster: the parts of `mrlua run`, whoever dies.

local cluster = require "spec.support.cluster"
local gated = require "spec.support.gated"
local gcs_cluster = require "spec.support.gcs_cluster"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local UNSAFE <const> = { flags = { "--allow-unsafe" } }

-- The values of a key come from all inputs, and their order is seen.
local JOB <const> = [[
local function tell(key, value, emit)
  if type(value) == "table" then value = value.word end
  emit(#value, ("%s %d %s"):format(mr.input, key, value))
end
return {
  inputs = { lines = {}, words = { map = "words" }, table = { input = "csv" },
    json = { input = "jsonl" } },
  params = { unused = { type = "string" } },
  REST
}]]
local IDENTITY <const> = "map = tell, reduce = 'identity',"

local it_all

-- Writes the job and its inputs into a folder, and answers the flags that name them.
local function prepare(folder, rest)
  local words, table_lines, json_lines = {}, { "word" }, {}
  for i = 1, 3000 do
    words[i] = ("w"):rep(i % 13) .. " x"
    table_lines[i + 1] = ("w"):rep(i % 11)
    json_lines[i] = ('{"word":"%s"}'):format(("j"):rep(i % 7))
  end
  temp.write(folder .. "/lines", table.concat(words, "\n") .. "\n")
  temp.write(folder .. "/table", table.concat(table_lines, "\n,\n"):gsub(",\n", "") .. "\n")
  temp.write(folder .. "/json", table.concat(json_lines, "\n") .. "\n")
  local source = JOB:gsub("REST", rest or IDENTITY)
  return temp.write(folder .. "/job.lua", source), { "--param", "unused=x",
    "--input", "words=" .. folder .. "/lines", "--input", "lines=" .. folder .. "/lines",
    "--input", "json=" .. folder .. "/json", "--input", "table=" .. folder .. "/table",
    "--split-size", "8K", "--reducers", 3 }
end

describe("a job with inputs on a cluster", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  for what, rest in pairs { ["by hash"] = "", ["by range"] = "partition = 'range'," } do
    it("writes what mrlua run writes, with parts " .. what, function()
      it_all:start(2)
      local job, flags = prepare(it_all.folder, IDENTITY .. rest)

      it_all:expect_parts(it_all:submit(job, {}, flags), it_all:expected_parts(job, {}, flags))
      it_all:expect_clean()
    end)
  end

  it("joins two", function()
    it_all:start(2)
    local flags = { "--split-size", "100", "--reducers", 2 }

    it_all:expect_parts(it_all:submit("jobs/join.lua", {}, flags),
      it_all:expected_parts("jobs/join.lua", {}, flags))
    it_all:expect_clean()
  end)

  it("reads them in the first of several steps, and in those of a driver", function()
    it_all:start(2)
    local steps <const> = "steps = { { map = tell, reduce = 'count' }, "
      .. "{ map = 'identity', reduce = 'sum', reducers = 2 } },"
    local drive <const> = [[drive = function(mr)
      local one = { map = tell, reduce = "count" }
      return { map = "identity", reduce = "sum", inputs = { mr.run(one), mr.run(one) } }
    end, steps = { tell },]]
    for _, rest in ipairs { steps, drive } do
      local job, flags = prepare(it_all.folder, rest)

      it_all:expect_parts(it_all:submit(job, {}, flags), it_all:expected_parts(job, {}, flags))
    end
    it_all:expect_clean()
  end)

  it("finds what the job lists in the folder of the client", function()
    it_all:start(2)
    local job = temp.write(it_all.folder .. "/listed.lua", "return { reduce = 'identity', "
      .. "inputs = { a = { 'a*', map = 'words' }, b = { 'b', map = 'identity' } } }")
    temp.write(it_all.folder .. "/a1", "x y\n")
    temp.write(it_all.folder .. "/b", "z\n")

    local expected = it_all:expected_parts(job, {}, {}, { folder = it_all.folder })
    assert.equal("== part-00000\n0\tz\nx\t1\ny\t1\n", expected)
    it_all:expect_parts(it_all:submit(job, {}, {}, { folder = it_all.folder }), expected)
    it_all:expect_clean()
  end)

  it("goes on where it was when the master or a worker dies", function()
    it_all:start(2, UNSAFE)
    local gate = gated.new(it_all, ([[inputs = {
      zeta = { "%s" },
      alpha = { "%s", map = function(offset, line, emit) pass() emit(mr.input, offset) end },
    },]]):format(texts.LICENSES[1], texts.LICENSES[2]))
    local job = it_all:submit(gate.path, {}, gate.flags)
    gate:wait_for("map", 2)
    it_all:restart_master()
    it_all:wait_for_ready(2)
    local victim = it_all.workers[1]
    victim:kill()
    it_all:start_worker { flags = UNSAFE.flags, dir = victim.dir } -- and takes its rests away
    gate:open "map"
    gate:open "reduce"

    it_all:expect_parts(job, it_all:expected_parts(gate.path, {},
      { "--allow-unsafe", "--split-size", "16K", "--reducers", gated.REDUCERS }))
    it_all:expect_clean()
  end)

  it("shows the right call to who names none", function()
    it_all:start_master()
    local job = prepare(it_all.folder)
    local result = it_all:run { "submit", job, "-o", it_all.folder .. "/out", "--input", "words=-",
      "--input", "lines=x", "--input", "json=x", "--param", "unused=x" }

    assert.equal(2, result.code)
    assert.equal(("mrlua: input 'table' of %s has no path: mrlua submit %s --input json=PATH "
      .. "--input lines=PATH --input table=PATH --input words=PATH\n"):format(job, job),
      result.stderr)
    result = it_all:run { "submit", job, "-o", it_all.folder .. "/out", "--input", "words=-",
      "--input", "lines=x", "--input", "json=x", "--input", "table=x", "--param", "unused=x" }
    assert.matches("^mrlua: standard input %(%-%) is seen by no worker", result.stderr)
  end)
end)

describe("a job with inputs in Cloud Storage", function()
  local on_gs

  before_each(function()
    on_gs = gcs_cluster.open()
    on_gs:start(2)
  end)

  after_each(function()
    on_gs:close()
  end)

  it("writes what mrlua run writes on files, with its runs in the bucket", function()
    local folder <const> = on_gs.folder
    local job, flags = prepare(folder, IDENTITY .. "partition = 'range',")
    local expected = on_gs.cluster:expected_parts(job, {}, flags)
    local argv = { job, "--shuffle", "gcs" }
    for i, flag in ipairs(flags) do
      argv[i + 3] = tostring(flag):gsub("=" .. folder:gsub("%p", "%%%0"), "=gs://bkt/in")
    end
    for _, name in ipairs { "lines", "table", "json" } do
      on_gs.storage:put("in/" .. name, temp.read(folder .. "/" .. name))
    end
    on_gs:wait_for_end(on_gs:submit(argv, "gs://bkt/a"))

    assert.equal(expected, on_gs:parts(3, "a", { "in/json", "in/lines", "in/table" }))
  end)
end)

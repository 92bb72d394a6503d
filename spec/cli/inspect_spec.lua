local engine = require "spec.support.engine"
local gcs = require "spec.support.gcs"
local temp = require "spec.support.temp"

local folder, out

-- Runs a job that leaves one part: a line's first letter and its bytes, in the given form.
local function write_output(form)
  local job = temp.write(folder .. "/job.lua", ([[return { output = "%s", reduce = "identity",
    map = function(key, line, emit) emit({ line:sub(1, 1), key }, { line = line, n = 1.5 }) end }
  ]]):format(form))
  local input = temp.write(folder .. "/in", "b\ta\nax\n")
  engine.output { "run", job, input, "--quiet", "-o", out }
  return out .. "/part-00000"
end

local function damage(path)
  local bytes = temp.read(path)
  local at = #bytes // 2
  temp.write(path, bytes:sub(1, at) .. string.char(bytes:byte(at + 1) ~ 1) .. bytes:sub(at + 2))
end

describe("mrlua inspect of an output on gs://", function()
  local storage, part

  before_each(function()
    folder = temp.folder()
    out = folder .. "/out"
    storage = gcs.start(folder .. "/gcs")
    part = temp.read(write_output "tsv")
    storage:put("a/out/_SUCCESS", temp.read(out .. "/_SUCCESS"))
  end)

  after_each(function()
    storage:stop()
    temp.remove(folder)
  end)

  local function inspect(name)
    return engine.run({ "inspect", name }, { environment = storage.environment })
  end

  it("compares size and checksum of the objects with the manifest, and reads no part", function()
    storage:put("a/out/part-00000", part)
    for _, name in ipairs { "gs://bkt/a/out", "gs://bkt/a/out/", "gs://bkt/a/out/_SUCCESS" } do
      local result = inspect(name)

      assert.equal("", result.stderr)
      assert.matches("^# output of job job %(run%-[^)]*%): 1 part\n", result.stdout)
      assert.matches("\npart%-00000\t%d+ bytes\t2 records\tcrc32c %x+\tgood\n$", result.stdout)
      assert.equal(0, result.code)
    end
    assert.equal(0, #storage:requests("objects.get.media", "a/out/part-00000"))
  end)

  it("names the part that is another or is not there", function()
    for _, case in ipairs { { part:sub(2), "bytes, but _SUCCESS" },
      { part:upper(), "checksum" }, { nil, "no such object" } } do
      if case[1] then
        storage:put("a/out/part-00000", case[1])
      else
        storage:remove "a/out/part-00000"
      end
      local result = inspect "gs://bkt/a/out"

      assert.equal(1, result.code)
      assert.matches("\npart%-00000\t[^\n]*gs://bkt/a/out/part%-00000: [^\n]*" .. case[2],
        result.stdout)
    end
  end)

  it("says that a run file is to be on disk", function()
    storage:put("a/run", "MRS1")
    local result = inspect "gs://bkt/a/run"

    assert.equal(1, result.code)
    assert.matches("^mrlua: gs://bkt/a/run/_SUCCESS: no such object[^\n]*mrlua fs cp\n$",
      result.stderr)
  end)

  it("says what is no name of an object", function()
    assert.equal(2, inspect("gs://").code)
  end)
end)

describe("mrlua inspect", function()
  before_each(function()
    folder = temp.folder()
    out = folder .. "/out"
  end)

  after_each(function()
    temp.remove(folder)
  end)

  it("prints the records of a run file, and where they lie", function()
    local lines = {}
    for line in engine.output({ "inspect", write_output "run" }):gmatch("[^\n]+") do
      lines[#lines + 1] = line
    end

    assert.matches("^# run file: .*1 partition, 2 records, %d+ bytes$", lines[1])
    assert.matches("^# partition 0: 2 records, %d+ bytes at 0, ", lines[2])
    assert.equal('["a",4]\t{"line":"ax","n":1.5}', lines[3])
    assert.equal('["b",0]\t{"line":"b\\ta","n":1.5}', lines[4])
    assert.equal(4, #lines)
  end)

  it("leaves the records out with --summary", function()
    local said = engine.output { "inspect", write_output "run", "--summary" }

    assert.matches("2 records", said)
    assert.not_matches("\n[^#]", said)
  end)

  it("finds a flipped bit in a run file", function()
    local path = write_output "run"
    damage(path)
    local result = engine.run { "inspect", path }

    assert.equal(1, result.code)
    assert.matches("^mrlua: .*part%-00000", result.stderr)
  end)

  it("checks the parts of an output against its manifest", function()
    write_output "tsv"
    for _, path in ipairs { out, out .. "/_SUCCESS" } do
      local said = engine.output { "inspect", path }

      assert.matches("^# output of job job %(run%-[^)]*%): 1 part\n", said)
      assert.matches("\npart%-00000\t%d+ bytes\t2 records\tcrc32c %x+\tgood\n$", said)
    end
  end)

  it("names the part that is not what was committed", function()
    damage(write_output "tsv")
    local result = engine.run { "inspect", out }

    assert.equal(1, result.code)
    assert.matches("\npart%-00000\t[^\n]*checksum", result.stdout)
  end)

  it("says of any other file that it is none of ours", function()
    local result = engine.run { "inspect", "jobs/wordcount.lua" }

    assert.equal(2, result.code)
    assert.equal("mrlua: jobs/wordcount.lua is neither a run file nor an output folder of mrlua\n",
      result.stderr)
  end)

  it("says which file it cannot read", function()
    local result = engine.run { "inspect", folder .. "/nowhere" }

    assert.equal(2, result.code)
    assert.equal(("mrlua: %s/nowhere: No such file or directory\n"):format(folder), result.stderr)
  end)

  it("does not mind a folder without a manifest, but says so", function()
    local result = engine.run { "inspect", folder }

    assert.equal(1, result.code)
    assert.matches("^mrlua: [^\n]*_SUCCESS[^\n]*No such file", result.stderr)
  end)
end)

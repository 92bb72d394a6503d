local history = require "mrlua.history"
local json = require "mrlua.json"

local BUNDLE <const> = { path = "jobs/a.lua", source = "return {}\n", modules = {
  ["lib.b"] = { path = "jobs/lib/b.lua", source = "return 1\n" } } }

local function source_of(bundle)
  return history.of_record("r1", { version = 1, name = "a", state = "done", begun = 1, seconds = 1,
    bundle = bundle }).source
end

describe("mrlua/history of a local run", function()
  local function record()
    local config = { job_name = "a", params = { top = 10 }, bundle = BUNDLE, reducers = 3,
      inputs = { "in" }, files = {}, output = "out", attempts = 4, cache_bytes = 5 }
    local ended = { seconds = 1.5,
      inputs = { { name = "in", bytes = 8, mtime_ns = 1796002124218605498 } },
      input_count = 1, input_sum = "ab", parts = { {}, {} }, records = 3, bytes = 12,
      counters = { map_records_in = 4 }, effort = { seconds = { map = 1.0 }, slowest = {},
        bytes_read = 8, records_read = 4, bytes_shuffled = 9, records_shuffled = 4 },
      plan = { split_count = 1 }, publish_id = "run-1" }
    return history.record(config, ended, 1796002124, "/home/me")
  end

  it("is what its record says, through JSON", function()
    local job = history.of_record("r7", json.decode(json.encode(record())))

    assert.equal("run", job.kind)
    assert.equal("r7", job.id)
    assert.equal("done", job.state)
    assert.equal(1796002124, job.begun)
    assert.same({ top = 10 }, job.params)
    assert.same({ reducers = 3, attempts = 4 }, job.options)
    assert.same({ { name = "in", bytes = 8, mtime_us = 1796002124218605 } }, job.inputs)
    assert.equal("return 1\n", job.source.files["jobs/lib/b.lua"])
    assert.equal(2, job.part_count)
    assert.equal(12, job.bytes)
    assert.equal("/home/me", job.folder)
  end)

  it("may have failed, or have been interrupted", function()
    local function state_of(ended)
      return history.record({ files = {} }, ended, 1, "/").state
    end

    assert.equal("failed", state_of { seconds = 1, error = { kind = "job", message = "oh" } })
    assert.equal("interrupted", state_of { seconds = 1, signal = 2 })
  end)

  it("is refused where its record is none", function()
    for _, wrong in ipairs { "text", {}, { version = 2, name = "a" }, { version = 1 } } do
      local job, message = history.of_record("r7", wrong)
      assert.is_nil(job)
      assert.matches("run r7", message)
    end
    assert.is_nil(history.of_record("r7", nil))
  end)

  it("is refused where its record is damaged, by the name of what is wrong", function()
    local function fault_of(name, value)
      local damaged = json.decode(json.encode(record()))
      damaged[name] = value
      return select(2, history.of_record("r7", damaged))
    end

    assert.is_nil(fault_of("begun", 5))
    assert.equal("the record of run r7 is damaged: 'begun' is 1e+300, not an integer",
      fault_of("begun", 1e300))
    assert.matches("'inputs.1.name' is missing$", fault_of("inputs", { { bytes = 1 } }))
    assert.matches("'effort.slowest' is missing$", fault_of("effort", { seconds = {},
      bytes_read = 1, records_read = 1, bytes_shuffled = 1, records_shuffled = 1 }))
    for _, name in ipairs { "params", "options", "files", "inputs", "plan", "effort", "counters",
      "skew", "error", "bundle" } do
      assert.matches("'" .. name .. "' is 7, not a table$", fault_of(name, 7))
    end
  end)
end)

describe("mrlua/history of a master's job", function()
  it("is what the master says of it, and of what it was asked for", function()
    local job = history.of_master {
      status = { job = { id = 7, name = "a", state = "done", user = "me", submitted = 5.5,
        seconds = 2.0, output = "/out", priority = 1 },
        outcome = { parts = { {} }, records = 3, bytes = 12, plan = { split_count = 1 } },
        counters = { x = 1 }, effort = {}, skew = {} },
      facts = { reducers = 3, files = {}, inputs = {}, input_count = 0, input_sum = "00" },
      params = { top = 10 }, bundle = BUNDLE,
    }

    assert.equal("job", job.kind)
    assert.equal("7", job.id)
    assert.equal(5.5, job.begun)
    assert.same({ top = 10 }, job.params)
    assert.equal(3, job.options.reducers)
    assert.equal("jobs/a.lua", job.source.name)
    assert.equal(1, job.part_count)
  end)

  it("has no params where the master does not know of any", function()
    local job = history.of_master { status = { job = { id = 7 }, counters = {} }, facts = {} }

    assert.is_nil(job.params)
    assert.is_nil(job.source)
    assert.same({}, job.options)
  end)
end)

describe("mrlua/history of an output", function()
  it("is what its manifest says", function()
    local job = history.of_manifest("out", {
      format = "mrlua-manifest", job = { id = "run-1", name = "a" },
      plan = { split_count = 2, split_bytes = 4, reducer_count = 3, sort_buffer_bytes = 5,
        input = "lines", output = "tsv" },
      parts = { { bytes = 4, records = 1 }, { bytes = 8, records = 2 } },
      counters = { map_records_in = 4, map_bytes_written = 9 }, times_ms = { map = 1500 },
      inputs = { { path = "in", bytes = 8, mtime_ns = 77000 },
        { path = "gs://b/o", bytes = 1, mtime_ns = 0, generation = 5 } },
    })

    assert.equal("output", job.kind)
    assert.equal("out", job.id)
    assert.equal("run-1", job.publish_id)
    assert.equal(12, job.bytes)
    assert.equal(3, job.records)
    assert.equal(1.5, job.effort.seconds.map)
    assert.equal(9, job.effort.bytes_read)
    assert.equal(9, job.effort.bytes_shuffled)
    assert.same({ name = "in", bytes = 8, mtime_us = 77 }, job.inputs[1])
    assert.same({ name = "gs://b/o", bytes = 1, generation = 5 }, job.inputs[2])
    assert.is_nil(job.params)
  end)

  it("is refused where that is none", function()
    assert.is_nil(history.of_manifest("out", nil))
    assert.is_nil(history.of_manifest("out", { format = "other" }))
  end)

  it("is refused where that is damaged", function()
    local job, message = history.of_manifest("out", { format = "mrlua-manifest", plan = {},
      job = { id = "run-1", name = "a" }, parts = {}, counters = {}, times_ms = {},
      inputs = { {} } })

    assert.is_nil(job)
    assert.matches("^out/_SUCCESS is damaged: 'inputs.1.%a+' is missing$", message)
  end)
end)

describe("mrlua/history source_id()", function()
  it("is that of the same text, and of no other", function()
    local id = history.source_id(source_of(BUNDLE))
    local other = { path = BUNDLE.path, source = "return {}  \n", modules = BUNDLE.modules }
    local alone = { path = BUNDLE.path, source = BUNDLE.source }

    assert.matches("^%x%x%x%x%x%x%x%x%x%x%x%x$", id)
    assert.equal(id, history.source_id(source_of(BUNDLE)))
    assert.not_equal(id, history.source_id(source_of(other)))
    assert.not_equal(id, history.source_id(source_of(alone)))
  end)

  it("has the job file first", function()
    assert.same({ "jobs/a.lua", "jobs/lib/b.lua" }, history.source_paths(source_of(BUNDLE)))
  end)
end)

-- skip_bad: records and keys on which a job's functions fail are left out, and listed.

local cjson = require "cjson"
local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local gcs = require "spec.support.gcs"
local temp = require "spec.support.temp"

local folder

local function write(name, text)
  return temp.write(folder .. "/" .. name, text)
end

-- Map and reduce each emit before and after they look; the second emit is what a bad one lacks.
local JOB = [[return { skip_bad = SKIP, %s
  map = function(at, line, emit)
    mr.count "lines"
    emit(line, 1)
    if line:find "^bad" then error("no " .. line) end
    emit(line, 2)
  end,
  reduce = function(key, values, emit)
    emit(key, "begun")
    if key:find "^worse" then error("none of " .. key) end
    local sum = 0
    for n in values do sum = sum + n end
    emit(key, sum)
  end }]]

local function job_text(skip_bad, fields)
  return (JOB:format(fields or ""):gsub("SKIP", skip_bad))
end

-- Runs a job over a text into a folder.
local function run(source, text, flags)
  local argv = { "run", write("job.lua", source), write("in", text), "--tmp", folder,
    "-o", folder .. "/out", "--overwrite" }
  return engine.run(table.move(flags or {}, 1, #(flags or {}), #argv + 1, argv))
end

local function listed()
  local list = {}
  for line in temp.read(folder .. "/out/_bad.jsonl"):gmatch("([^\n]*)\n") do
    list[#list + 1] = cjson.decode(line)
  end
  return list
end

local function manifest()
  return cjson.decode(temp.read(folder .. "/out/_SUCCESS"))
end

local TEXT = "a\nbad 1\nworse\nb\na\nbad 2\nworse 2\n"

describe("a job with skip_bad", function()
  temp.each(function(path)
    folder = path
  end)

  it("gives the records that its meaning gives, and the same list", function()
    local result = run(job_text(4), TEXT, { "--reducers", "1" })
    local expected, counters, bad = dryrun.run(load(job_text(4))(), TEXT)
    local lines = {}
    for i, record in ipairs(expected) do
      lines[i] = ("%s\t%s\n"):format(record[1], record[2])
    end

    assert.equal(0, result.code, result.stderr)
    assert.equal(table.concat(lines), temp.read(folder .. "/out/part-00000"))
    local list = listed()
    assert.equal(4, #bad)
    assert.equal(#bad, #list)
    for i, record in ipairs(bad) do
      assert.same({ record.stage, record.record, 0 },
        { list[i].stage, list[i].record, list[i].task })
      assert.equal(record.error:match "no.*", list[i].error:match "no.*")
      if record.stage == "map" then
        assert.same({ record.key, folder .. "/in" }, { list[i].offset, list[i].file })
      else
        assert.equal(('"%s"'):format(record.key), list[i].key)
      end
    end
    assert.equal(4, manifest().counters.bad_records)
    assert.equal(counters.lines, manifest().counters["user.lines"])
    assert.matches("4 bad records were set aside: .*/out/_bad%.jsonl\n", result.stderr)
  end)

  it("gives the same bytes whatever the slots, wherever a spill cuts", function()
    local text, seen = {}, {}
    for i = 1, 6000 do
      text[i] = (i % 1500 == 7 and "bad " or i % 2000 == 9 and "worse " or "line ") .. i
        .. (" "):rep(500)
    end
    for _, slots in ipairs { 1, 2, 4 } do
      local result = run(job_text(20), table.concat(text, "\n"),
        { "--slots", slots, "--split-size", "1M", "--sort-buffer", "1M", "--reducers", "3" })
      assert.equal(0, result.code, result.stderr)
      seen[#seen + 1] = engine.parts(folder .. "/out") .. temp.read(folder .. "/out/_bad.jsonl")
    end

    assert.equal(7, #listed())
    assert.is_true(manifest().counters.map_spills > 0)
    assert.equal(seen[1], seen[2])
    assert.equal(seen[1], seen[3])
  end)

  it("finds all of a task in one run of it, as many as there may be", function()
    local source = job_text(1000, 'setup = function(mr) print("begins " .. mr.stage) end,')
    local one_map = { "--split-size", "1M" }
    local result = run(source, ("bad\n"):rep(1000) .. "a\n", one_map)

    assert.equal(0, result.code, result.stderr)
    assert.equal(2, select(2, result.stderr:gsub("begins map", "")))
    assert.equal(1000, manifest().counters.bad_records)
    assert.equal(1000, #listed())
    result = run(source, ("bad\n"):rep(1001) .. "a\n", one_map)
    assert.equal(1, result.code)
    assert.equal(1, select(2, result.stderr:gsub("begins map", "")))
    assert.matches("record 100%): [^\n]*\nand 901 more\n", result.stderr)
  end)

  it("leaves out what kills its VM or stands still, when it has done so twice", function()
    local result = run([[return { skip_bad = 3, reduce = "identity",
      limits = { memory = "8M", seconds_per_record = 1 },
      map = function(at, line, emit)
        print(line)
        if line == "hang" then while true do end end
        if line == "large" then line = line:rep(1 << 24) end
        emit(line, at)
      end }]], "a\nhang\nlarge\nb\n")

    assert.equal(0, result.code, result.stderr)
    assert.equal("a\t0\nb\t13\n", temp.read(folder .. "/out/part-00000"))
    local list = listed()
    assert.same({ 2, 3 }, { list[1].record, list[2].record })
    assert.matches("seconds_per_record", list[1].error)
    assert.matches("memory", list[2].error)
    assert.equal(2, select(2, result.stderr:gsub("hang\n", "")))
    assert.equal(2, select(2, result.stderr:gsub("large\n", "")))
  end)

  it("leaves out a key that stands still in reduce, and names it", function()
    local result = run([[return { skip_bad = 1, map = "words",
      limits = { seconds_per_record = 1 },
      reduce = function(key, _, emit)
        if key == "c" then while true do end end
        emit(key, true)
      end }]], "a b c d\n")

    assert.equal(0, result.code, result.stderr)
    assert.equal("a\ttrue\nb\ttrue\nd\ttrue\n", temp.read(folder .. "/out/part-00000"))
    assert.same({ "reduce", '"c"', 3 },
      { listed()[1].stage, listed()[1].key, listed()[1].record })
  end)

  it("lists what is no text as JSON all the same", function()
    local result = run([[return { skip_bad = 2, map = "words", reduce = "sum",
      map = function(_, line, emit) if line:find "^m" then error(line) end emit(line, 1) end,
      reduce = function(key) error({ key }) end }]], "m\1\"\xff\n\0\xfe\"\\\n")

    assert.equal(0, result.code, result.stderr)
    assert.equal('job.lua:2: m\1"\u{fffd}', listed()[1].error:match "job.lua.*")
    assert.equal([["\x00\xfe\"\\"]], listed()[2].key)
  end)

  it("fails at the first one too many, leaves nothing, and names them all", function()
    local result = run(job_text(3), TEXT)

    assert.equal(1, result.code)
    assert.matches("^map: [^\n]*\nmrlua: more bad records than skip_bad = 3 sets aside, at last: "
      .. "[^\n]*: none of worse\n", result.stderr)
    for _, what in ipairs {
      "in, at byte 2 (map 0, record 2): ", "in, at byte 18 (map 0, record 6): ",
      'key "worse" (reduce 0, number 3): ', 'key "worse 2" (reduce 0, number 4): ' } do
      assert.matches(what, result.stderr, 1, true)
    end
    assert.is_false(temp.exists(folder .. "/out"))
  end)

  it("tells them on standard error when the records go to standard output", function()
    local argv = { "run", write("job.lua", job_text(4)), write("in", TEXT) }
    local result = engine.run(argv)
    argv[#argv + 1] = "--json"
    local object = cjson.decode(engine.run(argv).stderr:match("\n({.*})\n$"))

    assert.equal(0, result.code)
    assert.matches("\nmrlua: 4 bad records were set aside:\n[^\n]*at byte 2 %(map 0, record 2%): "
      .. "[^\n]*: no bad 1\n", result.stderr)
    assert.equal(4, #object.bad_records)
    assert.equal(4, object.counters.bad_records)
  end)

  it("has no list when nothing was left out", function()
    local result = run(job_text(4), "a\n")

    assert.equal(0, result.code)
    assert.is_false(temp.exists(folder .. "/out/_bad.jsonl"))
    assert.is_nil(manifest().bad_records)
    assert.is_nil(manifest().counters.bad_records)
    assert.not_matches("bad", result.stderr)
  end)

  it("has a list that inspect compares with the manifest", function()
    run(job_text(4), TEXT)
    assert.equal(0, engine.run({ "inspect", folder .. "/out" }).code)
    local text = temp.read(folder .. "/out/_bad.jsonl")
    temp.write(folder .. "/out/_bad.jsonl", (text:gsub("worse", "worst", 1)))
    local result = engine.run { "inspect", folder .. "/out" }

    assert.equal(1, result.code)
    assert.matches("_bad.jsonl[^\n]*checksum", result.stdout)
  end)

  describe("whose output is on gs://", function()
    local storage

    before_each(function()
      storage = gcs.start(folder .. "/gcs")
    end)

    after_each(function()
      storage:stop()
    end)

    it("has the same list there, wherever its runs are", function()
      run(job_text(4), TEXT)
      local text = temp.read(folder .. "/out/_bad.jsonl")
      local environment = { environment = storage.environment }
      for _, shuffle in ipairs { "local", "gcs" } do
        local output = "gs://bkt/out-" .. shuffle
        local result = engine.run({ "run", folder .. "/job.lua", folder .. "/in",
          "--tmp", folder, "-o", output, "--shuffle", shuffle }, environment)

        assert.equal(0, result.code, result.stderr)
        assert.equal(text, storage:get("out-" .. shuffle .. "/_bad.jsonl"))
        assert.matches("were set aside: " .. output .. "/_bad.jsonl\n", result.stderr, 1, true)
        assert.matches("_bad.jsonl[^\n]*good",
          engine.run({ "inspect", output }, environment).stdout)
      end
    end)
  end)

  it("leaves them out of the maps of a range partition, whatever its sample meets", function()
    local text = {}
    for i = 1, 3000 do
      text[i] = i == 1000 and "hang" or i == 2000 and "bad" or ("%04d"):format(i * 7 % 3001)
    end
    local result = run([[return { skip_bad = 2, partition = "range", reduce = "identity",
      limits = { seconds_per_record = 1 },
      map = function(_, line, emit)
        if line == "hang" then while true do end end
        if line == "bad" then error(line) end
        emit(line, 1)
      end }]], table.concat(text, "\n"), { "--reducers", "3", "--split-size", "1M" })

    assert.equal(0, result.code, result.stderr)
    assert.same({ 1000, 2000 }, { listed()[1].record, listed()[2].record })
    assert.equal(2998, manifest().counters.reduce_records_out)
  end)

  it("tells what its steps were without", function()
    local result = run([[return { skip_bad = 1, steps = {
      { map = function(_, line, emit) if line == "bad" then error "1" end emit(line, 1) end,
        reduce = "sum" },
      { map = "identity", reduce = function(key, values, emit)
          if key == "worse" then error "2" end emit(key, values()) end } } }]], "a\nbad\nworse\n")

    assert.equal(0, result.code, result.stderr)
    assert.equal("a\t1\n", temp.read(folder .. "/out/part-00000"))
    assert.matches("mrlua: 2 bad records were set aside:\n[^\n]*record 2[^\n]*\nkey \"worse\"",
      result.stderr)
  end)

  it("ends at once for what is of no record", function()
    for _, fields in ipairs { "setup = function() error 'here' end,",
      "combine = function() error 'here' end,", "cleanup = function() error 'here' end," } do
      local result = run(job_text(9, fields), "a\na\n")

      assert.equal(1, result.code)
      assert.matches("\nmrlua: [^\n]*here\n", "\n" .. result.stderr)
    end
  end)
end)

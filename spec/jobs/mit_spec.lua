-- The MIT lab's apps: small ones against dryrun and the engine, the lab's own tests as far as one
-- machine has them, and its known numbers where its eight texts are.

local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local JOBS = temp.capture("realpath jobs/mit") .. "/"
local DATA = os.getenv("MRLUA_MIT_DATA") or temp.capture("realpath -m ../shared/data/mit")
local HAS_DATA = temp.exists(DATA .. "/pg-grimm.txt")

local LETTERS = { a = 2, b = 9, c = 0, d = 5, e = 6, f = 3, g = 4, h = 3, i = 4, j = 1 }

local folder -- a fresh one for each spec, with a folder "run" in it: inputs are ../pg-NAME.txt

-- Eight small books, named as the lab's.
local function write_books()
  local names = {}
  for i, name in ipairs { "being_ernest", "dorian_gray", "frankenstein", "grimm",
    "huckleberry_finn", "metamorphosis", "sherlock_holmes", "tom_sawyer" } do
    temp.write(folder .. "/pg-" .. name .. ".txt", texts.generate(i, 60))
    names[i] = "../pg-" .. name .. ".txt"
  end
  return names
end

local function run(job, inputs, flags)
  local argv = { "run", JOBS .. job .. ".lua", "--quiet", table.unpack(flags or {}) }
  return engine.output(table.move(inputs, 1, #inputs, #argv + 1, argv),
    { folder = folder .. "/run", seconds = 120 })
end

-- The same for a job that needs the whole machine, with waits shortened to `pace`.
local function run_unsafe(job, inputs, pace)
  return run(job, inputs, { "--allow-unsafe", "--slots", "2", "--param", "pace=" .. pace })
end

local function count_matches(text, pattern)
  return select(2, text:gsub(pattern, ""))
end

-- Inputs as dryrun wants them, under the names that the engine was given.
local function contents_of(names)
  local files = {}
  for i, name in ipairs(names) do
    files[i] = { name, temp.read(folder .. "/run/" .. name) }
  end
  return files
end

local function lines_of_dryrun(job, names)
  local lines = {}
  for i, record in ipairs(dryrun.run(meaning.load("jobs/mit/" .. job .. ".lua"),
    contents_of(names), { pace = 0.0 })) do
    lines[i] = record[1] .. "\n"
  end
  return meaning.sorted(table.concat(lines))
end

describe("jobs/mit", function()
  before_each(function()
    folder = temp.folder()
    assert(os.execute("mkdir " .. folder .. "/run"))
  end)

  after_each(function()
    temp.remove(folder)
  end)

  it("partitions as the lab does", function()
    local partition = meaning.load("jobs/mit/wc.lua").partition

    for letter, expected in pairs(LETTERS) do
      assert.equal(expected, partition(letter, 10), letter)
    end
  end)

  it("wc counts every occurrence, case kept", function()
    local output = dryrun.run(meaning.load "jobs/mit/wc.lua", { { "f", "It's it, it" } })

    assert.same({ { "It 1", true }, { "it 2", true }, { "s 1", true } }, output)
  end)

  it("indexer names each document once, in order", function()
    local files = { { "b", "red red blue" }, { "a", "red" } }
    local output = dryrun.run(meaning.load "jobs/mit/indexer.lua", files)

    assert.same({ { "blue 1 b", true }, { "red 2 a,b", true } }, output)
  end)

  for _, job in ipairs { "wc", "indexer", "nocrash" } do
    it(job .. " is on the engine what it is on dryrun", function()
      local books = write_books()

      assert.equal(lines_of_dryrun(job, books), meaning.sorted(run(job, books)))
    end)
  end

  it("wc puts every word into the part that the lab would", function()
    local books = write_books()
    local partition = meaning.load("jobs/mit/wc.lua").partition

    run("wc", books, { "-o", "out" })

    for part = 0, 9 do
      local text = temp.read(("%s/run/out/part-%05d"):format(folder, part))
      for word in text:gmatch("(%S+) %d+\n") do
        assert.equal(part, partition(word, 10), word)
      end
    end
  end)

  it("mtiming sees maps side by side", function()
    local output = run_unsafe("mtiming", write_books(), 0.3)

    assert.equal(1, count_matches(output, "times%-%d+ "))
    assert.truthy(output:find("parallel%-[^\n]* 2"), output)
  end)

  it("rtiming sees reduces side by side", function()
    local output = run_unsafe("rtiming", write_books(), 0.3)

    assert.equal(10, count_matches(output, "%f[%l]%l %d\n"))
    assert.is_true(count_matches(output, "%f[%l]%l 2\n") >= 2, output)
  end)

  it("jobcount finds that no map ran twice", function()
    assert.equal("a 8\n", run_unsafe("jobcount", write_books(), 0.05))
  end)

  it("early_exit waits for its slow reduces", function()
    local books = write_books()

    assert.equal(lines_of_dryrun("early_exit", books),
      meaning.sorted(run_unsafe("early_exit", books, 0.2)))
  end)

  it("crash answers what nocrash does", function()
    local books = write_books()

    assert.equal(run("nocrash", books), run_unsafe("crash", books, 0.01))
  end)

  it("crash is refused without --allow-unsafe", function()
    local result = engine.run { "run", JOBS .. "crash.lua", "README.md" }

    assert.equal(2, result.code)
    assert.truthy(result.stderr:find("--allow-unsafe", 1, true), result.stderr)
  end)
end)

describe("jobs/mit on the lab's eight texts", function()
  local books

  before_each(function()
    folder = temp.folder()
    if HAS_DATA then
      os.execute(("mkdir %s/run && cp %s/pg-*.txt %s"):format(folder, temp.quote(DATA), folder))
      books = {}
      for i, name in ipairs(temp.list(DATA)) do
        books[i] = "../" .. name
      end
    end
  end)

  after_each(function()
    temp.remove(folder)
  end)

  local function claim(what, check)
    it(what, function()
      if not HAS_DATA then
        return pending("no " .. DATA .. ": set MRLUA_MIT_DATA")
      end
      check()
    end)
  end

  claim("wc counts 623,948 words, 22,107 of them different", function()
    local output, words = run("wc", books), 0
    for count in output:gmatch(" (%d+)\n") do
      words = words + tonumber(count)
    end

    assert.equal(623948, words)
    assert.equal(22107, count_matches(output, "\n"))
    for _, line in ipairs { "A 509", "ABOUT 2", "ACT 8", "the 29748" } do
      assert.truthy(("\n" .. output):find("\n" .. line .. "\n", 1, true), line)
    end
  end)

  claim("indexer finds 1,304 words in all eight", function()
    local output = run("indexer", books)

    assert.equal(22107, count_matches(output, "\n"))
    assert.equal(1304, count_matches(output, " 8 [^\n]*\n"))
  end)

  claim("crash and nocrash answer the lab's four lines", function()
    local expected = "a " .. table.concat(books, " ") .. "\nb 15 20 21 22 22 23 25 26\n"
      .. "c 138885 139054 412665 441033 453168 540174 581863 594262\n"
      .. "d" .. (" xyzzy"):rep(8) .. "\n"

    assert.equal(expected, meaning.sorted(run("nocrash", books)))
    assert.equal(expected, meaning.sorted(run_unsafe("crash", books, 0.01)))
  end)
end)

-- `mrlua fs` and what its copies plan (mrlua.cli.fs_copies), against the storage of spec/gcs.

local cjson = require "cjson"
local engine = require "spec.support.engine"
local gcs = require "spec.support.gcs"
local temp = require "spec.support.temp"

local MIB = 1 << 20

-- Bytes that no two places of a file share.
local function numbers(size)
  local lines = {}
  for number = 1, size // 16 do
    lines[number] = ("%015d\n"):format(number)
  end
  return table.concat(lines)
end

local folder, storage

local function fs(argv, options)
  options = options or {}
  options.environment = storage.environment
  options.folder = folder .. "/here"
  return engine.run({ "fs", table.unpack(argv) }, options)
end

local function good(argv, options)
  local result = fs(argv, options)
  assert.equal(0, result.code, result.stderr)
  return result.stdout
end

local function fails(code, message, argv)
  local result = fs(argv)
  assert.equal(code, result.code, result.stderr)
  assert.matches(message, result.stderr, 1, true)
end

local function write(name, text)
  return temp.write(folder .. "/here/" .. name, text)
end

local function read(name)
  return temp.read(folder .. "/here/" .. name)
end

describe("mrlua fs", function()
  setup(function()
    folder = temp.folder()
    storage = gcs.start(folder .. "/gcs")
  end)

  teardown(function()
    storage:stop()
    temp.remove(folder)
  end)

  before_each(function()
    for _, name in ipairs(storage:list()) do
      storage:remove(name)
    end
    storage:clear()
    storage:forget()
    os.execute("rm -rf " .. temp.quote(folder .. "/here"))
    os.execute("mkdir " .. temp.quote(folder .. "/here"))
  end)

  it("names what is missing as its help does", function()
    for _, case in ipairs { { { "fs" }, "VERB" }, { { "fs", "ls" }, "NAME" } } do
      local result = engine.run(case[1])

      assert.equal(2, result.code)
      assert.equal(("mrlua: missing argument '%s'\ntry 'mrlua fs --help'\n"):format(case[2]),
        result.stderr)
    end
  end)

  describe("ls", function()
    before_each(function()
      for _, name in ipairs { "a/1.txt", "a/_2", "a/b/3.txt", "c" } do
        storage:put(name, "12345")
      end
    end)

    it("shows a level, a tree, a pattern", function()
      assert.equal("gs://bkt/c\ngs://bkt/a/\n", good { "ls", "gs://bkt" })
      assert.equal("gs://bkt/a/1.txt\ngs://bkt/a/_2\ngs://bkt/a/b/\n", good { "ls", "gs://bkt/a" })
      assert.equal("gs://bkt/a/1.txt\ngs://bkt/a/_2\ngs://bkt/a/b/3.txt\n",
        good { "ls", "-r", "gs://bkt/a" })
      assert.equal("gs://bkt/a/1.txt\n", good { "ls", "gs://bkt/a/*.txt" })
      assert.equal("gs://bkt/c\n", good { "ls", "gs://bkt/c" })
    end)

    it("tells sizes and times, for people and for programs", function()
      assert.matches("^BYTES +UPDATED +NAME\n +5 +%d+%-.*Z +gs://bkt/c\n$",
        good { "ls", "-l", "gs://bkt/c" })
      local object = cjson.decode(good { "ls", "--json", "gs://bkt/c" })
      assert.equal(5, object.size)
      assert.equal(storage:stat("c").generation, object.generation)
    end)

    it("says what is not there", function()
      fails(2, "gs://bkt/none: no such object", { "ls", "gs://bkt/none" })
      fails(2, "list gs://nobucket/: no such object or bucket", { "ls", "gs://nobucket" })
    end)

    it("follows pages, empty ones too", function()
      storage:set { page_max = 2, empty_every = 2 }
      assert.equal(4, select(2, good { "ls", "-r", "gs://bkt" }:gsub("\n", "")))
      storage:set { page_max = 1000, empty_every = 0 }
    end)
  end)

  describe("cp", function()
    it("copies a file there and back, large ones in pieces", function()
      local bytes = numbers(20 * MIB)
      write("f", bytes)
      good { "cp", "f", "gs://bkt/d/" }
      good { "cp", "gs://bkt/d/f", "g" }
      assert.is_true(read "g" == bytes)
      assert.same({ "f", "g" }, temp.list(folder .. "/here")) -- and nothing beside them
    end)

    it("copies folders below the destination, and twice the same names", function()
      os.execute("mkdir -p " .. temp.quote(folder .. "/here/t/u"))
      write("t/1", "one")
      write("t/u/2", "two")
      for _ = 1, 2 do
        good { "cp", "-r", "t", "gs://bkt/x" }
        assert.same({ "x/1", "x/u/2" }, storage:list())
      end
      good { "cp", "-r", "gs://bkt/x", "back" }
      assert.equal("two", read "back/u/2")
      fails(2, "t is a folder: cp -r copies what is in it", { "cp", "t", "gs://bkt/x" })
    end)

    it("keeps the names of several sources, and refuses two of one name", function()
      os.execute("mkdir -p " .. temp.quote(folder .. "/here/t"))
      write("a", "1")
      write("t/a", "2")
      good { "cp", "-r", "a", "t", "gs://bkt/x" }
      assert.same({ "x/a", "x/t/a" }, storage:list())
      fails(2, "would both be written to gs://bkt/y/a", { "cp", "a", "t/a", "gs://bkt/y" })
    end)

    it("streams standard input and output", function()
      local bytes = numbers(MIB)
      good({ "cp", "-", "gs://bkt/s" }, { input = bytes })
      assert.is_true(good { "cp", "gs://bkt/s", "-" } == bytes)
      assert.is_true(good { "cat", "gs://bkt/s" } == bytes)
    end)

    it("copies from object to object, in as many steps as the service wants", function()
      storage:put("a", numbers(3 * MIB))
      storage:set { rewrite_bytes = MIB }
      good { "cp", "gs://bkt/a", "gs://bkt/b" }
      storage:set { rewrite_bytes = 0 }
      assert.equal(storage:stat("a").crc32c, storage:stat("b").crc32c)
    end)

    it("leaves what is there with --no-clobber", function()
      storage:put("a", "old")
      write("f", "new")
      assert.matches("0 copied, 0 B, 1 were there", fs({ "cp", "-n", "f", "gs://bkt/a" }).stderr)
      assert.equal("old", storage:get "a")
      good { "cp", "f", "gs://bkt/a" }
      assert.equal("new", storage:get "a")
    end)

    it("writes no file outside of its destination", function()
      storage:put("d/../../x", "1")
      fails(2, "its name has parts that mean another folder here",
        { "cp", "-r", "gs://bkt/d", "here" })
      assert.same({}, temp.list(folder .. "/here"))
    end)

    it("goes on after every fault of the conformance tests, both ways", function()
      local bytes = numbers(20 * MIB)
      write("f", bytes)
      for _, case in ipairs { "S7.reset-503", "S7.408", "S7.503-after-256K",
        "S7.503-after-8192K-408" } do
        storage:preset(case)
        good { "cp", "f", "gs://bkt/" .. case }
        assert.is_true(storage:get(case) == bytes, case)
        storage:clear()
      end
      for _, case in ipairs { "S8.broken-broken", "S8.broken-after-256K" } do
        storage:preset(case)
        good { "cp", "gs://bkt/S7.408", case }
        assert.is_true(read(case) == bytes, case)
        storage:clear()
      end
      assert.same({}, storage:open_sessions())
    end)

    it("begins a lost session anew from its first byte", function()
      local bytes = numbers(20 * MIB)
      write("f", bytes)
      storage:faults { match = { operation = "objects.insert.resumable", nth = 2, method = "PUT" },
        action = { gone = 410 } }
      good { "cp", "f", "gs://bkt/a" }
      assert.is_true(storage:get "a" == bytes)
    end)

    it("takes its own lost success for one", function()
      write("f", "new")
      storage:faults { match = { operation = "objects.insert", count = 1 },
        action = { reset = "after" } }
      good { "cp", "f", "gs://bkt/a" }
      assert.equal("new", storage:get "a")
    end)

    it("finds bytes that were turned over on their way", function()
      storage:put("a", numbers(MIB))
      storage:faults { match = { operation = "objects.get.media" }, action = { corrupt = 5 } }
      fails(1, "input gs://bkt/a: wrong checksum", { "cp", "gs://bkt/a", "f" })
    end)
  end)

  it("tells all that is known of an object", function()
    storage:put("a", "hello")
    assert.matches("gs://bkt/a\n  bytes       5\n  generation  %d+\n  crc32c      9a71bb4c\n",
      good { "stat", "gs://bkt/a" })
    fails(2, "gs://bkt/b: no such object", { "stat", "gs://bkt/b" })
  end)

  it("deletes what is named, and a folder only with -r", function()
    for _, name in ipairs { "a/1", "a/2", "b" } do
      storage:put(name, "x")
    end
    fails(2, "gs://bkt/a is a folder: rm -r deletes what is in it", { "rm", "gs://bkt/a" })
    good { "rm", "gs://bkt/b" }
    good { "rm", "-r", "gs://bkt/a" }
    assert.same({}, storage:list())
  end)

  it("refuses what it does not understand", function()
    fails(2, "not of the form gs://BUCKET/NAME", { "ls", "x" })
    fails(2, "cp needs a source and a destination", { "cp", "x" })
    fails(2, "one of the two must be gs://", { "cp", "/etc/passwd", "x" })
    fails(2, "read none: No such file or directory", { "cp", "none", "gs://bkt/x" })
  end)

  it("does what no client may do: nothing", function()
    write("f", numbers(9 * MIB))
    good { "cp", "f", "gs://bkt/calm/a" }
    good { "cat", "gs://bkt/calm/a" }
    good { "cp", "gs://bkt/calm/a", "gs://bkt/calm/b" }
    assert.same({}, storage:violations())
  end)
end)

local files = require "mrlua.files"

local function message_of(value)
  local list, message = files.check(value)
  assert.is_nil(list)
  return message
end

describe("mrlua.files check()", function()
  it("answers names and paths, by name", function()
    assert.same({
      { name = "geo.csv", path = "data/geo.csv" }, { name = "model", path = "gs://b/m/v1.bin" },
      { name = "stop", path = "stopwords.txt" }, { name = "words", path = "/usr/words" },
    }, files.check { stop = "stopwords.txt", "data/geo.csv", "/usr/words",
      model = "gs://b/m/v1.bin" })
    assert.same({}, files.check {})
  end)

  it("names what is no path", function()
    assert.equal("must be a table of names and paths, not a string", message_of "stop.txt")
    assert.equal("entry 'stop' must be a path, not a number", message_of { stop = 7 })
    assert.equal("entry 1 must be a path, not a boolean", message_of { true })
    assert.equal("entry 'stop' must be a path of 1 to 4095 bytes", message_of { stop = "" })
    assert.equal("entry 'stop' must be a path of 1 to 4095 bytes",
      message_of { stop = ("x"):rep(4096) })
    assert.equal("entry 'stop' must be a path of 1 to 4095 bytes", message_of { stop = "a\0b" })
    assert.is_table(files.check { stop = ("x"):rep(4095) })
  end)

  it("takes objects of Cloud Storage, and no other addresses", function()
    for _, path in ipairs { "gs://b", "gs://b/", "gs://b/folder/", "gs:///x", "s3://b/x",
      "https://host/x" } do
      assert.equal(("entry 'a' is '%s': a file, or gs://BUCKET/OBJECT"):format(path),
        message_of { a = path })
    end
  end)

  it("names what is no name", function()
    assert.equal("must have names as keys, not a boolean", message_of { [true] = "x" })
    assert.equal("must have names as keys, not a number", message_of { [1.5] = "x" })
    assert.equal("entry 1 ('folder/') must have a name of 1 to 100 bytes, without '/'",
      message_of { "folder/" })
    assert.equal("entry 'a/b' ('x') must have a name of 1 to 100 bytes, without '/'",
      message_of { ["a/b"] = "x" })
    assert.matches("must have a name", message_of { [""] = "x" }, 1, true)
    assert.matches("must have a name", message_of { ".." }, 1, true)
    assert.matches("must have a name", message_of { [("x"):rep(101)] = "x" }, 1, true)
    assert.is_table(files.check { [("x"):rep(100)] = "x" })
  end)

  it("wants every name once", function()
    assert.equal("has two entries with the name 'a.txt': give one of them another, as in"
      .. " { other = \"y/a.txt\" }", message_of { "y/a.txt", "y/a.txt" })
    assert.matches("two entries with the name 'a'", message_of { a = "x", "y/a" }, 1, true)
  end)

  it("takes 16 and no more", function()
    local many = {}
    for i = 1, files.COUNT_MAX do
      many[i] = "f" .. i
    end
    assert.equal(16, #files.check(many))
    many.one = "more"
    assert.equal("has 17 entries: 16 are the most", message_of(many))
  end)
end)

describe("mrlua.files resolve()", function()
  local declared = files.check { a = "x/a", b = "/b", c = "gs://b/c" }

  it("looks beside the job file", function()
    assert.same({ a = "jobs/x/a", b = "/b", c = "gs://b/c" },
      files.resolve(declared, {}, "jobs/j.lua"))
    assert.same({ a = "x/a", b = "/b", c = "gs://b/c" }, files.resolve(declared, {}, "j.lua"))
    assert.equal("/x/a", files.resolve(declared, {}, "/j.lua").a)
  end)

  it("takes what the command line says as it is", function()
    assert.same({ a = "a", b = "gs://b/b", c = "c" },
      files.resolve(declared, { a = "a", b = "gs://b/b", c = "c" }, "jobs/j.lua"))
    assert.equal("option '--file': 'b' is 's3://b': a file, or gs://BUCKET/OBJECT",
      select(2, files.resolve(declared, { b = "s3://b" }, "j.lua")))
  end)

  it("names the nearest, or all", function()
    local list = files.check { stop = "s", geo = "g" }

    assert.equal("option '--file': there is no side file 'stpo'; did you mean 'stop'?",
      select(2, files.resolve(list, { stpo = "x" }, "j.lua")))
    assert.equal("option '--file': there is no side file 'elephant': there are geo, stop",
      select(2, files.resolve(list, { elephant = "x" }, "j.lua")))
  end)
end)

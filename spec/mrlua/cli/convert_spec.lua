local convert = require "mrlua.cli.convert"

describe("mrlua/cli/convert", function()
  it("reads an address", function()
    for _, text in ipairs { "127.0.0.1:7070", "master:0", "[::1]:65535", "a.b-c:1" } do
      assert.equal(text, convert.address(text))
    end
  end)

  it("refuses what is no address", function()
    for _, text in ipairs { "", "host", ":70", "host:", "host:x", "host:65536", "::1:70",
      "two words:70" } do
      local address, message = convert.address(text)

      assert.is_nil(address)
      assert.equal(("'%s' is not HOST:PORT"):format(text), message)
    end
  end)

  it("reads where outputs of maps wait", function()
    for _, text in ipairs { "local", "gcs", "gs://b", "gs://bucket/a/b" } do
      assert.equal(text, convert.shuffle(text))
    end
  end)

  it("refuses what is no such place", function()
    for _, text in ipairs { "", "disk", "gs", "gs://", "gs:///x", "/tmp", "GCS", "local " } do
      local place, message = convert.shuffle(text)

      assert.is_nil(place)
      assert.equal(("'%s' is not local, gcs or gs://BUCKET/PREFIX"):format(text), message)
    end
  end)

  it("reads an age", function()
    for text, seconds in pairs { ["0s"] = 0, ["90s"] = 90, ["30m"] = 1800, ["12h"] = 43200,
      ["7d"] = 604800, ["36500d"] = 36500 * 86400 } do
      assert.equal(seconds, convert.age(text))
    end
    for _, text in ipairs { "", "7", "d", "-1d", "1.5h", "7w", "1 d", "36501d",
      "99999999999999999999s" } do
      assert.equal(("'%s' is not an age; write 90s, 30m, 12h or 7d"):format(text),
        select(2, convert.age(text)))
    end
  end)

  it("reads the path of a side file", function()
    assert.same({ "geo.csv", "/a=b" }, convert.side_file("geo.csv=/a=b"))
    for _, text in ipairs { "", "name", "name=", "=path", "a/b=c" } do
      assert.equal(("'%s' is not NAME=PATH"):format(text), select(2, convert.side_file(text)))
    end
  end)

  it("reads what a named input is", function()
    assert.same({ "users", "a=b/*.csv" }, convert.named_path("users=a=b/*.csv"))
    assert.same({ "_1", "-" }, convert.named_path("_1=-"))
    for _, text in ipairs { "", "users", "users=", "=x", "a-b=x", "/data/day=1/x", "1=x" } do
      local pair, message = convert.named_path(text)

      assert.is_nil(pair)
      assert.equal(("'%s' is not NAME=PATH"):format(text), message)
    end
  end)

  it("reads the number of a job", function()
    assert.equal(12, convert.job("12"))
    for _, text in ipairs { "0", "-1", "x", "1.5", "", "99999999999999999999" } do
      assert.is_nil(convert.job(text))
    end
  end)
end)

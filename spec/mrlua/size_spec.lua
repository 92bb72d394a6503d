local size = require "mrlua.size"

describe("mrlua/size", function()
  it("reads sizes in powers of 1024, in any case, with or without B", function()
    assert.equal(512, size.parse("512"))
    assert.equal(64 << 20, size.parse("64M"))
    assert.equal(64 << 20, size.parse("64m"))
    assert.equal(64 << 20, size.parse("64MB"))
    assert.equal(64 << 20, size.parse("64 MiB"))
    assert.equal(3 << 29, size.parse("1.5G"))
    assert.equal(2 << 40, size.parse("2T"))
  end)

  it("answers an integer, so that it can be counted with", function()
    assert.equal("integer", math.type(size.parse("1.5K")))
    assert.equal("integer", math.type(size.parse(4096)))
  end)

  it("names what is not a size", function()
    for _, text in ipairs { "", "M", "-1", "1X", "64 apples", "0x10", "1e3", "99999999T", "." } do
      local bytes, message = size.parse(text)

      assert.is_nil(bytes, text)
      assert.matches("'" .. text .. "' is not a size", message, 1, true)
    end
  end)

  it("shows three digits, in the unit that keeps them readable", function()
    assert.equal("0 B", size.bytes(0))
    assert.equal("999 B", size.bytes(999))
    assert.equal("1.00 KB", size.bytes(1000))
    assert.equal("483 MB", size.bytes(483211000))
    assert.equal("48.3 MB", size.bytes(48321100))
    assert.equal("65.0 M", size.count(65012345))
    assert.equal("812", size.count(812))
  end)

  it("goes to the next unit rather than show four digits", function()
    assert.equal("1.00 KB", size.bytes(999.6))
    assert.equal("1.00 MB", size.bytes(999999))
    assert.equal("10.0 KB", size.bytes(9999))
    assert.equal("100 KB", size.bytes(99970))
  end)

  it("shows durations from milliseconds to hours", function()
    assert.equal("0 ms", size.seconds(0))
    assert.equal("40 ms", size.seconds(0.0402))
    assert.equal("4.1 s", size.seconds(4.12))
    assert.equal("1 min 35 s", size.seconds(95))
    assert.equal("1 min 0 s", size.seconds(59.97))
    assert.equal("2 h 1 min", size.seconds(7290))
  end)
end)

local lpeg = require "lpeg"
local text = require "mrlua.text"
local texts = require "spec.support.texts"

local SEED = texts.seed(20261129)

local function all(next_value)
  local values = {}
  for value in next_value do
    values[#values + 1] = value
  end
  return values
end

describe("mrlua/text words()", function()
  it("are letters of any script, with apostrophes within", function()
    assert.same({ "Don't", "panic", "Zoë", "quoted", "l’eau" },
      all(text.words "Don't panic, Zoë! 'quoted' l’eau 42"))
    assert.same({}, all(text.words ""))
    assert.same({}, all(text.words "12 -- ’ '"))
  end)

  it("are those of %a+ where there is only ASCII without apostrophes, SEED=" .. SEED, function()
    math.randomseed(SEED)
    for _ = 1, 200 do
      local bytes = {}
      for i = 1, math.random(0, 60) do
        bytes[i] = string.char(math.random(32, 126))
      end
      local line = table.concat(bytes):gsub("'", "")
      assert.same(all(line:gmatch "%a+"), all(text.words(line)))
    end
  end)
end)

describe("mrlua/text numbers()", function()
  it("are integers and floats, as Lua reads them", function()
    local found = all(text.numbers "1 -2.5 3e4, (7) .5 +9 99999999999999999999")

    assert.same({ 1, -2.5, 3e4, 7, 0.5, 9, 1e20 }, found)
    assert.equal("integer", math.type(found[1]))
    assert.equal("float", math.type(found[7]))
  end)

  it("stand alone: not in words, addresses, dates", function()
    assert.same({}, all(text.numbers "x86 10.0.0.1 2000-10-10 v1 1st a-7"))
  end)
end)

describe("mrlua/text csv()", function()
  it("are fields with quotes as RFC 4180 has them", function()
    assert.same({ "a", 'b "c"', "", "d, e", "x\ny" }, text.csv 'a,"b ""c""",,"d, e","x\ny"')
    assert.same({ "" }, text.csv "")
    assert.same({ "", "" }, text.csv ",")
    assert.same({ "a", "b" }, text.csv "a,b\r\n")
  end)

  it("may be separated by another byte", function()
    assert.same({ "a,b", "c" }, text.csv("a,b;c", ";"))
    assert.same({ "a", "b;c" }, text.csv('a\t"b;c"', "\t"))
    assert.has_error(function() text.csv("a", "::") end)
  end)

  it("are nil for quotes that do not end, or stand within", function()
    assert.is_nil(text.csv 'a,"b')
    assert.is_nil(text.csv 'a"b",c')
    assert.is_nil(text.csv '"a"b')
  end)

  it("reads back whatever was quoted, SEED=" .. SEED, function()
    math.randomseed(SEED)
    local pieces = { '"', ",", "\n", "a", " ", "ü", "\0", ";", "'" }
    for _ = 1, 300 do
      local fields, quoted = {}, {}
      for i = 1, math.random(8) do
        local field = {}
        for j = 1, math.random(0, 6) do
          field[j] = pieces[math.random(#pieces)]
        end
        fields[i] = table.concat(field)
        quoted[i] = '"' .. fields[i]:gsub('"', '""') .. '"'
      end
      assert.same(fields, text.csv(table.concat(quoted, ",")))
    end
  end)
end)

describe("mrlua/text url()", function()
  it("has its parts", function()
    assert.same({ scheme = "https", user = "Me:x", host = "example.org", port = 8080,
      path = "/A/b", query = "c=d&e", fragment = "f?g" },
      text.url "HTTPS://Me:x@Example.org:8080/A/b?c=d&e#f?g")
    assert.same({ scheme = "http", host = "::1", path = "/" }, text.url "http://[::1]")
    assert.same({ scheme = "gs", host = "bucket", path = "/", query = "x" },
      text.url "gs://bucket?x")
  end)

  it("is nil for what is none", function()
    for _, none in ipairs { "", "example.org", "/a/b", "http://", "http://a b", "1p://x" } do
      assert.is_nil(text.url(none), none)
    end
  end)
end)

describe("mrlua/text timestamp()", function()
  it("reads the forms of standards, logs and mail", function()
    assert.equal(971211336, text.timestamp "2000-10-10T13:55:36-07:00")
    assert.equal(971211336, text.timestamp "2000-10-10 20:55:36")
    assert.equal(971211336, text.timestamp "10/Oct/2000:13:55:36 -0700")
    assert.equal(971211336, text.timestamp "Tue, 10 Oct 2000 20:55:36 GMT")
    assert.equal(971136000, text.timestamp "2000-10-10")
    assert.equal(0.25, text.timestamp "1970-01-01T00:00:00.25Z")
    assert.equal("integer", math.type(text.timestamp "1970-01-01T00:00:00Z"))
  end)

  it("is nil for days and hours that no calendar has", function()
    for _, none in ipairs { "2001-02-29", "2000-13-01", "2000-00-10", "2000-10-32", "1900-02-29",
      "2000-10-10T24:00:00Z", "2000-10-10T10:60:00Z", "10/Foo/2000:13:55:36 -0700", "",
      "2000-10-10x", "2000-10-10T10:10:10+1" } do
      assert.is_nil(text.timestamp(none), none)
    end
    assert.is_number(text.timestamp "2000-02-29")
  end)

  it("agrees with the C library, SEED=" .. SEED, function()
    math.randomseed(SEED)
    for _ = 1, 500 do
      local seconds = math.random(-2208988800, 4102444799) -- 1900 to 2099
      assert.equal(seconds, text.timestamp(os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)))
      assert.equal(seconds, text.timestamp(os.date("!%d/%b/%Y:%H:%M:%S +0000", seconds)))
      assert.equal(seconds, text.timestamp(os.date("!%a, %d %b %Y %H:%M:%S GMT", seconds)))
    end
  end)
end)

describe("mrlua/text logs", function()
  local COMMON <const> = '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" '
    .. "200 2326"

  it("have the fields of the common format", function()
    assert.same({ host = "127.0.0.1", user = "frank", time = 971211336, method = "GET",
      path = "/a.gif", protocol = "HTTP/1.0", status = 200, bytes = 2326 }, text.common(COMMON))
    assert.same({ host = "::1", time = 971186136, status = 408 },
      text.common '::1 - - [10/Oct/2000:13:55:36 +0000] "-" 408 -')
  end)

  it("keep a request that is none of HTTP whole", function()
    local entry = text.common [[::1 - - [10/Oct/2000:13:55:36 +0000] "\x16\x03 \"b\"" 400 226]]

    assert.equal([[\x16\x03 "b"]], entry.request)
    assert.is_nil(entry.method)
    assert.equal(400, entry.status)
  end)

  it("have referer and agent in the combined format, and what follows is left out", function()
    local entry = text.combined(COMMON
      .. ' "http://example.com/s?q=\\"x\\"" "Mozilla/4 (a)" 17 "z"')

    assert.equal('http://example.com/s?q="x"', entry.referer)
    assert.equal("Mozilla/4 (a)", entry.agent)
    assert.equal("/a.gif", entry.path)
    assert.is_nil(text.combined(COMMON .. ' "-" "-"').referer)
  end)

  it("are nil for other lines", function()
    for _, line in ipairs { "", "x", COMMON:gsub("Oct", "Okt"), (COMMON:gsub('" 200', " 200")) } do
      assert.is_nil(text.common(line))
    end
    assert.is_nil(text.combined(COMMON))
    assert.is_nil(text.common(COMMON .. " more"))
  end)
end)

describe("mrlua/text patterns", function()
  it("are there for grammars of a job's own", function()
    local P <const> = text.patterns
    local pair = lpeg.Ct(P.word * "=" * P.number)

    assert.same({ "x", 2.5 }, pair:match "x=2.5")
    for _, name in ipairs { "integer", "csv_field", "csv", "url", "common", "combined",
      "timestamp" } do
      assert.equal("pattern", lpeg.type(P[name]), name)
    end
  end)

  it("take a line that matches nothing in linear time", function()
    local long = ("a"):rep(100000)

    assert.is_nil(text.csv('"' .. ('""'):rep(100000)))
    assert.is_nil(text.url("http://" .. long .. " "))
    assert.is_nil(text.combined(long))
    assert.equal(0, #all(text.numbers(("1."):rep(50000))))
  end)
end)

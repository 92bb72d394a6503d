local formats = require "mrlua.formats"
local lpeg = require "lpeg"

local function problem(field, value)
  local format, message = formats[field](value)
  assert.is_nil(format)
  return message
end

local function checked(field, value)
  return { formats[field](value) }
end

describe("formats.input()", function()
  it("answers a name that says whether the input can be split, and the options", function()
    assert.same({ "lines", {} }, checked("input", "lines"))
    assert.same({ "csv", { header = true, separator = "," } }, checked("input", "csv"))
    assert.same({ "csv-header", { header = true, separator = ";" } },
      checked("input", { format = "csv", separator = ";", quoted_newlines = false }))
    assert.same({ "csv-lines", { header = false, separator = ",", columns = { "a", "b" } } },
      checked("input", { format = "csv", columns = { "a", "b" }, quoted_newlines = false }))
    assert.same({ "csv", { header = false, separator = "," } },
      checked("input", { format = "csv", header = false }))
    assert.same({ "jsonl", { big_integers = "error" } }, checked("input", "jsonl"))
    assert.same({ "fixed", { bytes = 100 } }, checked("input", { format = "fixed", bytes = 100 }))
    assert.same({ "grammar", { bytes_max = 65536 } },
      checked("input", { format = "grammar", record = lpeg.P(1), resync = "\n" }))
    assert.same({ "grammar-whole", { bytes_max = 10 } },
      checked("input", { format = "grammar", record = lpeg.P(1), bytes_max = 10 }))
  end)

  it("suggests the nearest format and the nearest option", function()
    assert.equal("is \"line\": did you mean \"lines\"?", problem("input", "line"))
    assert.matches("^is \"parquet\": must be one of \"csv\", \"file\", \"fixed\", ",
      problem("input", "parquet"))
    assert.matches("^must be one of .*, or a table with one of them as format$",
      problem("input", 7))
    assert.matches("^must be one of", problem("input", {}))
    assert.equal("has no option 'seperator' for \"csv\": did you mean 'separator'?",
      problem("input", { format = "csv", seperator = ";" }))
    assert.equal("has no option 'header' for \"lines\": there are none",
      problem("input", { format = "lines", header = true }))
    assert.equal("has no option '1' for \"fixed\": there are bytes",
      problem("input", { "fixed", format = "fixed" }))
  end)

  it("says what an option must be", function()
    local function of_csv(name, value)
      return problem("input", { format = "csv", [name] = value })
    end

    assert.equal("has an option header that must be true or false", of_csv("header", 1))
    for _, separator in ipairs { "", ";;", '"', "\n", "\r", 1 } do
      assert.equal("has an option separator that must be a string of one byte that is no quote "
        .. "and no line end", of_csv("separator", separator))
    end
    assert.equal("has an option columns that must be a list of 1 to 16384 names",
      of_csv("columns", {}))
    assert.equal("has an option columns that has the name 'a' twice",
      of_csv("columns", { "a", "b", "a" }))
    assert.matches("see item 2$", of_csv("columns", { "a", 1 }))
    assert.equal("has names in columns and in a header row: say one of them",
      problem("input", { format = "csv", columns = { "a" }, header = true }))
    assert.equal("is \"fixed\" and needs bytes: how many a record has",
      problem("input", { format = "fixed" }))
    for _, bytes in ipairs { 0, 1.5, "1", 16777217 } do
      assert.equal("has an option bytes that must be an integer from 1 to 16777216",
        problem("input", { format = "fixed", bytes = bytes }))
    end
    assert.equal("has an option big_integers that must be \"error\" or \"float\"",
      problem("input", { format = "jsonl", big_integers = true }))
  end)

  it("takes a grammar of lpeg patterns only", function()
    assert.equal("is \"grammar\" and needs record: an lpeg pattern that matches one record",
      problem("input", { format = "grammar" }))
    assert.equal("has an option record that must be an lpeg pattern",
      problem("input", { format = "grammar", record = "x" }))
    assert.equal("has an option resync that must be an lpeg pattern, or a string of 1 to 255 bytes",
      problem("input", { format = "grammar", record = lpeg.P(1), resync = "" }))
    assert.is_nil(formats.input {
      format = "grammar", record = lpeg.P(1), resync = ("x"):rep(256),
    })
    assert.equal("grammar", (formats.input {
      format = "grammar", record = lpeg.P(1), resync = ("x"):rep(255),
    }))
  end)
end)

describe("formats.output()", function()
  it("answers the name with its compression, and the options", function()
    assert.same({ "tsv", {} }, checked("output", "tsv"))
    assert.same({ "jsonl.gz", {} }, checked("output", "jsonl.gz"))
    assert.same({ "csv.zst", { separator = ",", header = false } }, checked("output", "csv.zst"))
    assert.same({ "csv", { separator = ";", columns = { "a" }, header = true } },
      checked("output", { format = "csv", columns = { "a" }, separator = ";" }))
  end)

  it("refuses what there is not", function()
    assert.equal("is \"run.gz\": did you mean \"run\"?", problem("output", "run.gz"))
    assert.equal("is \"tsv.gzip\": did you mean \"tsv.gz\"?", problem("output", "tsv.gzip"))
    assert.equal("has an option header that needs columns: what the header says",
      problem("output", { format = "csv", header = true }))
  end)
end)

describe("formats.plain()", function()
  it("is the format without its compression", function()
    assert.equal("csv", formats.plain "csv.gz")
    assert.equal("tsv", formats.plain "tsv")
  end)
end)

describe("formats.gives_tables()", function()
  it("knows the inputs whose values are tables", function()
    assert.equal("csv", formats.gives_tables "csv-header")
    assert.equal("jsonl", formats.gives_tables "jsonl")
    assert.is_nil(formats.gives_tables "lines")
    assert.is_nil(formats.gives_tables "grammar-whole")
  end)
end)

describe("formats.patterns()", function()
  it("matches a record with its captures and the place behind it", function()
    local patterns = formats.patterns {
      format = "grammar", record = lpeg.C(lpeg.R "az" ^ 1) * ";", resync = ";",
    }

    assert.same({ "ab", 4 }, { patterns.match(patterns.record, "ab;c;") })
    assert.same({ 6 }, { patterns.match(patterns.search, "ab;c;d", 5) })
    assert.same({ 4 }, { patterns.match(patterns.search, "ab;c;d", 2) })
    assert.is_nil(patterns.match(patterns.search, "abc"))
  end)

  it("has none for other formats", function()
    assert.is_nil(formats.patterns "csv")
    assert.is_nil(formats.patterns { format = "csv" })
  end)
end)

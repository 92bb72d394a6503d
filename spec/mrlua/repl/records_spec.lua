local gcs = require "spec.support.gcs"
local temp = require "spec.support.temp"
local typed = require "spec.support.typed"

local folder
temp.each(function(path)
  folder = path
end)

local function output(...)
  return typed.output({ "records = require 'mrlua.repl.records'", ... }, { folder = folder })
end

describe("repl.records", function()
  it("reads lines of files, folders and globs, compressed ones too", function()
    temp.write(folder .. "/a.txt", "one\ntwo\n")
    temp.write(folder .. "/b.txt", "three")
    assert(os.execute("gzip " .. folder .. "/b.txt"))
    assert.equal('"one"\t"two"\t"three"\tnil\n', output("next = records.open { '*.txt*' }",
      "(function() local _, a = next() local _, b = next() local _, c = next()"
      .. " return a, b, c, next() end)()"))
  end)

  it("has the keys and values of formats", function()
    temp.write(folder .. "/t.csv", "a,b\n1,x\n")
    assert.equal('offset  value\n     4  { a = "1", b = "x" }\n',
      output "records.open({ 't.csv' }, { format = 'csv-header' }):head()")
    temp.write(folder .. "/t.txt", "all\nof it")
    assert.equal('"all\\nof it"\n',
      output "select(2, records.open({ 't.txt' }, { format = 'file' })())")
  end)

  it("takes what jobs write for what they emitted", function()
    temp.write(folder .. "/t.tsv", "a\\tb\t1\nx\t01\n-2.5\ttrue\nnothing\n")
    assert.equal('{ { "a\\tb", 1 }, { "x", "01" }, { -2.5, true }, { "nothing" } }\n',
      output("all = {}", "for k, v in records.open({ 't.tsv' }, { format = 'tsv' }) do",
        "all[#all + 1] = { k, v } end", "all"))
    temp.write(folder .. "/t.jsonl", '{"key":"k","value":{"x":1}}\n{"other":2}\n')
    assert.equal('key  value\nk    { x = 1 }\n28   { other = 2 }\n',
      output "records.open({ 't.jsonl' }, { format = 'jsonl' }):head()")
  end)

  it("reads more records than come in one answer", function()
    local lines = {}
    for i = 1, 1201 do
      lines[i] = i
    end
    temp.write(folder .. "/many", table.concat(lines, "\n"))
    assert.equal("721801\n", output("n = 0", "for _, line in records.open { 'many' } do",
      "n = n + tonumber(line) end", "n"))
  end)

  it("fetches the beginning of an object, to the end of a line", function()
    local storage <const> = gcs.start(folder .. "/gcs")
    finally(function()
      storage:stop()
    end)
    storage:put("long.txt", ("a line of 17 byt\n"):rep(1 << 17)) -- 2 MiB
    local said = typed.run("s = mr.sample('gs://bkt/long.txt', 100000)\n#s, s[#s][2], s.is_cut\n"
      .. "s = mr.sample('gs://bkt/long.txt', 2)\ns, s.is_cut\n",
      { folder = folder, environment = storage.environment })
    assert.equal(("%d\t\"a line of 17 byt\"\ttrue\n"):format((1 << 20) // 17)
      .. "offset  value\n     0  a line of 17 byt\n    17  a line of 17 byt\nfalse\n", said.stdout)
  end)

  it("tells an end of what another one has ended", function()
    temp.write(folder .. "/a", "1\n2\n")
    assert.equal("nil\n", output("one = records.open { 'a' }", "two = records.open { 'a' }",
      "one()"))
  end)

  it("says what is not there and what it cannot read", function()
    local said = typed.run("mr.sample 'nothing'\nmr.sample('.', 1, 'xml')\n"
      .. "mr.sample('.', 1, 'grammar')\n", { folder = folder })
    assert.matches("^[^\n]*nothing[^\n]*\n[^\n]*xml[^\n]*\n[^\n]*grammar[^\n]*\n", said.stderr)
  end)
end)

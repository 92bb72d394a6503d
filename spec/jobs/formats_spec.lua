-- Every input format means in the engine what it means in mrlua.records, wherever it is cut; every
-- output format is read again as what was written. Random texts: SEED=n gives the same ones again.

local engine = require "spec.support.engine"
local agreement = require "spec.support.agreement"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

-- Any value as one text, for records to be compared by.
local SHOW = [[
local cjson = require "cjson"
local function show(v)
  if v == cjson.null then return "null" end
  if type(v) ~= "table" then return math.type(v) and ("%s %s"):format(math.type(v), v)
    or ("%s %s"):format(type(v), v) end
  local keys, out = {}, {}
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, k in ipairs(keys) do out[i] = ("[%s]=%s"):format(k, show(v[k])) end
  return "{" .. table.concat(out, ",") .. "}"
end
local l = require "lpeg"
]]

local function job_of(input, rest)
  return ("%sreturn { input = %s, reduce = 'identity', %s }"):format(SHOW, input, rest
    or "map = function(key, value, emit) emit(key, show(value)) end")
end

local function random_text(pieces, count)
  local out = {}
  for i = 1, math.random(0, count) do
    out[i] = pieces[math.random(#pieces)]
  end
  return table.concat(out)
end

local BYTES <const> = { "a", "b", "1", " ", ",", '"', "ä", "\xff", "\0", "\\" }

local function csv_field(text)
  return text:find('[,"\r\n]') and '"' .. text:gsub('"', '""') .. '"' or text
end

-- `newline` stands in fields, too, if it is given.
local function csv_text(row_count, newline)
  local bytes, rows = table.move(BYTES, 1, #BYTES, 1, { newline }), { "c,a,\"b,\"\n" }
  if newline then
    bytes[#bytes + 1] = newline
  end
  for _ = 1, row_count do
    local fields = {}
    for i = 1, 3 do
      fields[i] = csv_field(random_text(bytes, 8))
    end
    rows[#rows + 1] = table.concat(fields, ",") .. (math.random(4) == 1 and "\r\n\n" or "\n")
  end
  return table.concat(rows)
end

local function json_value(depth)
  local kind = math.random(depth > 0 and 8 or 6)
  if kind <= 2 then
    return ("%d"):format(math.random(-1000, 1000) * math.random(0, 1000000))
  elseif kind == 3 then
    return ("%.6g"):format((math.random() - 0.5) * 10 ^ math.random(-8, 8))
  elseif kind == 4 then
    return ({ "true", "false", "null" })[math.random(3)]
  elseif kind <= 6 then
    return '"' .. random_text({ "a", "ä", "\\n", "\\\"", "\\u00e4", "9007199254740993", " " }, 6)
      .. '"'
  end
  local items = {}
  for i = 1, math.random(0, 4) do
    items[i] = (kind == 7 and "" or ('"k%d":'):format(i)) .. json_value(depth - 1)
  end
  return kind == 7 and "[" .. table.concat(items, ",") .. "]" or "{" .. table.concat(items, ",")
    .. "}"
end

local function json_text(line_count)
  local lines = {}
  for i = 1, line_count do
    lines[i] = math.random(20) == 1 and "" or json_value(3)
  end
  return table.concat(lines, "\n")
end

local function headed_text(record_count)
  local lines = {}
  for _ = 1, record_count do
    lines[#lines + 1] = ("#%d"):format(math.random(9999))
    for _ = 1, math.random(0, 4) do
      lines[#lines + 1] = random_text({ "x", "y ", " #", "\t", "ä" }, 20):gsub("^#", "")
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

local HEADED <const> = [[{ format = "grammar", bytes_max = 2000, resync = l.B"\n" * l.P"#",
  record = l.P"#" * (l.R"09" ^ 1 / tonumber) * "\n"
    * l.C(((1 - l.P"\n") ^ 0 * "\n" - l.P"#") ^ 0) }]]

local folder

local function with_folder()
  before_each(function() folder = temp.folder() end)
  after_each(function() temp.remove(folder) end)
end

-- The engine's records are those of mrlua.records, whatever the splits.
local function agrees(input, name, make)
  local seed = texts.seed(20261129)
  local job = temp.write(folder .. "/job.lua", job_of(input))
  math.randomseed(seed)
  local path = temp.write(folder .. "/" .. name, make())
  for _, size in ipairs { "64M", "1K", "317" } do
    local flags = { "--split-size", size }
    local ok, message = pcall(agreement.check, job, { path }, { flags = flags })
    assert(ok, ("SEED=%d, --split-size %s: %s"):format(seed, size, message))
  end
end

describe("an input format", function()
  with_folder()

  it("csv means the same in the engine", function()
    agrees("'csv'", "x.csv", function() return csv_text(300, "\n") end)
  end)

  it("csv without newlines in fields means the same wherever it is cut", function()
    agrees("{ format = 'csv', quoted_newlines = false }", "x.csv",
      function() return csv_text(300) end)
    agrees("{ format = 'csv', quoted_newlines = false, header = false }", "x.csv",
      function() return csv_text(300) end)
  end)

  it("jsonl means the same wherever it is cut", function()
    agrees("'jsonl'", "x.jsonl", function() return json_text(400) end)
  end)

  it("fixed means the same wherever it is cut", function()
    agrees("{ format = 'fixed', bytes = 7 }", "x.bin", function()
      return random_text(BYTES, 4000):rep(7)
    end)
  end)

  it("a grammar means the same wherever it is cut", function()
    agrees(HEADED, "x.log", function() return headed_text(200) end)
    agrees("{ format = 'grammar', record = l.C((1 - l.P'\\n') ^ 0) * '\\n', resync = '\\n' }",
      "x.log", function() return headed_text(200) end)
  end)

end)

describe("an input", function()
  with_folder()

  it("is one split where it cannot be cut", function()
    temp.write(folder .. "/x.csv", "a,b\n" .. ("1,2\n"):rep(1000))
    local job = temp.write(folder .. "/job.lua", job_of("'csv'"))
    local answer = engine.run({ "run", job, "--split-size", "100", folder .. "/x.csv" })

    assert.matches("map: 1 task,", answer.stderr)
  end)

  it("hands on a record without map as it was read", function()
    local text = '{"b":null,"a":[1,2.5,{"c":"ä"}]}\n[]\n'
    local path = temp.write(folder .. "/x.jsonl", text)
    local job = temp.write(folder .. "/job.lua",
      job_of("'jsonl'", "map = 'identity', output = 'jsonl'"))

    assert.equal('[0,{"a":[1,2.5,{"c":"ä"}],"b":null}]\n[34,{}]\n',
      engine.output { "run", job, "--quiet", path })
  end)

  it("names the record that map did not like", function()
    local path = temp.write(folder .. "/x.csv", "a,b\n1,2\n3,x\n")
    local job = temp.write(folder .. "/job.lua",
      job_of("'csv'", "map = function(_, row, emit) emit(row.b + 0, 1) end"))
    local answer = engine.run { "run", job, path }

    assert.equal(1, answer.code)
    assert.matches("x%.csv, at byte 8\n", answer.stderr)
    assert.matches("record: \"3,x", answer.stderr)
  end)

  it("that does not fit its format is an error with file and offset", function()
    local path = temp.write(folder .. "/x.log", "#1\nno head\n#2\n??\n")
    local job = temp.write(folder .. "/job.lua",
      job_of("{ format = 'grammar', record = l.P'#' * l.R'09' ^ 1 * '\\n' }"))
    local answer = engine.run { "run", job, path }

    assert.equal(1, answer.code)
    assert.matches("x.log: what begins at byte 3 is no record: \"no head", answer.stderr, 1, true)
  end)

  it("whose grammar stands still is stopped, with the place where it does", function()
    local path = temp.write(folder .. "/x.log", "aaaa\naaaa!\n")
    local job = temp.write(folder .. "/job.lua", job_of(
      "{ format = 'grammar', record = l.P(function(s, i) while s:sub(i, i + 4) == 'aaaa!' do end"
      .. " return i end) * l.P'a' ^ 1 * '\\n' }") :gsub("reduce", "attempts = 1, reduce"))
    local answer = engine.run { "run", job, path, "--limit-seconds-per-record", "0.3" }

    assert.not_equal(0, answer.code)
    assert.matches("byte 5", answer.stderr)
  end)
end)

describe("an output format", function()
  with_folder()

  local function run(output, more)
    local path = temp.write(folder .. "/x.csv", csv_text(200, "\n"))
    local job = temp.write(folder .. "/job.lua",
      job_of("'csv'", ("map = 'identity', output = %s"):format(output)))
    engine.output { "run", job, "--quiet", "-o", folder .. "/out", "--reducers", "2", path,
      table.unpack(more or {}) }
    return path
  end

  for _, suffix in ipairs { "gz", "zst" } do
    it("with ." .. suffix .. " is inspected and read again", function()
      math.randomseed(texts.seed(7))
      local path = run(("{ format = 'csv.%s', columns = { 'a', 'b,', 'c' } }"):format(suffix))
      local again = temp.write(folder .. "/again.lua", job_of("'csv'",
        "map = function(_, row, emit) emit(show(row), true) end, output = 'lines'"))
      local inspected = engine.output { "inspect", folder .. "/out" }

      assert.matches("part-00000." .. suffix, inspected, 1, true)
      assert.matches("good", inspected)
      assert.equal(engine.output { "run", again, "--quiet", path },
        engine.output { "run", again, "--quiet", folder .. "/out" })
    end)
  end

  it("is checked as it is stored", function()
    run("'tsv.gz'")
    local part = folder .. "/out/part-00001.gz"
    local bytes = temp.read(part)
    temp.write(part, bytes:sub(1, 20) .. string.char(bytes:byte(21) ~ 1) .. bytes:sub(22))

    assert.not_equal(0, engine.run({ "inspect", folder .. "/out" }).code)
  end)

  it("is not compressed on standard output", function()
    local path = temp.write(folder .. "/x.txt", "b\na\n")
    local job = temp.write(folder .. "/job.lua", "return { map = 'field', params = { field = 0 }, "
      .. "reduce = 'distinct', output = 'lines.zst' }")

    assert.equal("a\nb\n", engine.output { "run", job, "--quiet", path })
  end)
end)

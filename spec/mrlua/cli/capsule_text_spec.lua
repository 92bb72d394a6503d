package.loaded["mrlua.engine"] = package.loaded["mrlua.engine"] or {}

local engine = require "mrlua.engine"
local capsule_text = require "mrlua.cli.capsule_text"

-- What stands in strings of these capsules is Lua.
local function decode_lua()
  local was = engine.value_decode
  engine.value_decode = function(args) return load("return " .. args.bytes)() end
  finally(function() engine.value_decode = was end)
end

local function capsule(attempt)
  return { job = { id = "r1", name = "x" }, attempt = attempt,
    error = { kind = "job", message = "x.lua:1: no",
      detail = "stack traceback:\n\tx.lua:1\nmore\n" } }
end

describe("lua/mrlua/cli/capsule_text", function()
  it("tells a map's record and its place", function()
    decode_lua()
    local text = capsule_text.of(capsule {
      stage = "map", task = 3, attempt = 4294967298, worker = 1, first_piece = 0,
      pieces = { { name = "a.txt" } }, scene = { hand = { where = "map", frames = {} },
        record = { number = 2, piece = 0, offset = 9, key = "9", value = "'bad'" } },
    })

    assert.equal("job: r1, x\nattempt: map 3, attempt 2 on worker 1\nerror: x.lua:1: no\n"
      .. "kind: job\nin: map\ninput: a.txt, at byte 9\nrecord: 2\nkey: 9\nvalue: \"bad\"\n"
      .. "stack traceback:\n\tx.lua:1\n", text)
  end)

  it("tells a reduce's key and values", function()
    decode_lua()
    local text = capsule_text.of(capsule { stage = "reduce", task = 0, attempt = 1, worker = 1,
      scene = { hand = { where = "reduce", key = "'k'", values = "{ 1, 2 }", taken = 2 } } })

    assert.matches("\nkey: \"k\"\nvalues taken: 2\nvalues: {1, 2}\n", text)
  end)

  it("tells what is left of a killed process", function()
    local text = capsule_text.of(capsule { stage = "map", task = 0, attempt = 1, worker = 1,
      phase = "map", mark = { record = 7, piece = 0, offset = 120 }, first_piece = 0,
      pieces = { { name = "a.txt" } } })

    assert.matches("\nin: map\ninput: a.txt, at byte 120\nthe last record it began: 7\n", text)
    assert.matches("\nmore\n", text)
  end)

  it("is a line per variable, with frames innermost first", function()
    assert.equal("1  x.lua:2 in f\n     a = 1\n     b = {}  (upvalue)\n2  x.lua:5\n",
      capsule_text.frames {
        { source = "x.lua", line = 2, name = "f", locals = { { "a", "1" } },
          upvalues = { { "b", "{}" } } },
        { source = "x.lua", line = 5, locals = {}, upvalues = {} },
      })
  end)

  it("obeys no control bytes", function()
    local hostile = capsule {}
    hostile.job.name, hostile.error.message = "\27[31m", "a\nb"
    hostile.error.detail = "\27[2J\n"

    assert.not_matches("\27", capsule_text.of(hostile))
    assert.matches("error: a%?b\n", capsule_text.of(hostile))
  end)
end)

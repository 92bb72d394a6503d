local globals = require "mrlua.check.globals"

local function found(source, modules, is_unsafe, params)
  local bundle = { path = "job.lua", source = source, modules = modules or {} }
  local lines = {}
  for i, one in ipairs(globals.check(bundle, is_unsafe or false, params)) do
    lines[i] = ("%s:%d: %s; %s"):format(one.file, one.line, one.what, one.fix)
  end
  return lines
end

describe("mrlua/check/globals", function()
  it("finds what is not there, once, and what was meant", function()
    assert.same({
      "job.lua:2: 'wrod' is not there; did you mean 'word'?",
      "job.lua:3: 'strng' is not there; did you mean 'string'?",
      "job.lua:3: 'foo' is not there; declare it: local foo = ...",
    }, found "local word = 1\nprint(wrod)\nprint(wrod, strng.format, foo)")
  end)

  it("finds fields of libraries and of mr that are not there", function()
    local lines = found "return string.gsup, table.insert, mr.cuont, mr.params, utf8.x"

    assert.same({
      "job.lua:1: 'string.gsup' is not there; did you mean 'string.gsub'?",
      "job.lua:1: 'mr.cuont' is not there; did you mean 'mr.count'?",
    }, { lines[1], lines[2] })
    assert.matches("^job.lua:1: 'utf8.x' is not there; there are char, charpattern, ", lines[3])
  end)

  it("finds params that the job does not have, if they are known", function()
    local source = "local p = mr.params return mr.params.leest, mr.params.least"

    assert.same({ "job.lua:1: 'mr.params.leest' is not there; did you mean 'mr.params.least'?" },
      found(source, nil, false, { least = 1 }))
    assert.same({}, found(source))
  end)

  it("says what there is instead of what a sandbox has not", function()
    local lines = found "os.time() io.open() emit()"

    assert.matches("os' is not there; a job has no clock", lines[1], 1, true)
    assert.matches("io' is not there; a job opens no files", lines[2], 1, true)
    assert.matches("emit is the last argument", lines[3], 1, true)
  end)

  it("takes for there what any file of the job sets", function()
    assert.same({}, found("function helper() end string.trim = 1 helper(shared, string.trim)",
      { tools = { path = "tools.lua", source = "shared = helper" } }))
  end)

  it("finds what is assigned and never read, and the local that was meant", function()
    assert.same({ "job.lua:2: 'totl' is assigned and never read; did you mean local 'total'?" },
      found "local total = 0 local function f(ns)\nfor n in ns do totl = total + n end end f()")
    assert.same({ "job.lua:1: 'totl' is assigned and never read; read it, or leave it out" },
      found "do local total = 0 print(total) end totl = 1")
  end)

  it("has nothing against a global that any file reads, or a library that is replaced", function()
    assert.same({}, found("found = 1 print = nil", { tools = { path = "tools.lua",
      source = "return found" } }))
  end)

  it("says nothing of what is set where reads are not all seen", function()
    for _, more in ipairs { "return _G", "load 'x = 1'", "local e = _ENV return e",
      "local _ENV = { print }", "return function(_ENV) return x end" } do
      assert.same({}, found("function f() x = 1 end f() " .. more))
    end
  end)

  it("tells of a module only what looks like a local there", function()
    assert.same({ "tools.lua:1: 'coutn' is assigned and never read; did you mean local 'count'?" },
      found("require 'tools'", { tools = { path = "tools.lua",
        source = "local count = 1 json = {} coutn = count" } }))
  end)

  it("has nothing against asking whether something is there", function()
    assert.same({}, found "local f = bit32 or 1 if jit then f() end")
  end)

  it("looks at modules, and lets them ask for what other Luas have", function()
    assert.same({ "tools.lua:2: 'nothing' is not there; declare it: local nothing = ..." },
      found("require 'tools'", { tools = { path = "tools.lua",
        source = "local f = setfenv\nreturn os.time, bit32, nothing" } }))
  end)

  it("lets a job that says unsafe have all of Lua", function()
    assert.same({}, found("os.time() io.open()", nil, true))
  end)

  it("tells what the job asks of tables, and where it asks for a global", function()
    local bundle = { path = "job.lua", source = "#!mrlua\nlocal t = {}\nreturn t.b, t.a, pairs",
      modules = {} }
    local _, fields, line_of = globals.check(bundle, false)

    assert.same({ "a", "b" }, fields)
    assert.equal(3, line_of "pairs")
    assert.is_nil(line_of "ipairs")
  end)
end)

local sandbox = require "mrlua.sandbox"

local function world_of(settings)
  settings = settings or {}
  settings.bundle = settings.bundle or { modules = {} }
  settings.print = settings.print or function() end
  return sandbox.new(settings)
end

-- What `source` returns when it runs as a job file.
local function run(source, settings)
  local environment, set_params, set_input = world_of(settings)
  local chunk = assert(sandbox.compile({ path = "jobs/x.lua", source = source }, environment))
  return chunk, environment, set_params, set_input
end

local function eval(expression, settings)
  return run("return " .. expression, settings)()
end

describe("the environment of a job", function()
  it("has nothing that reads files, time, or the machinery of Lua", function()
    for _, name in ipairs {
      "os", "io", "debug", "package", "dofile", "loadfile", "loadstring", "warn", "arg",
    } do
      assert.is_nil(eval(name), name)
    end
    assert.is_nil(eval "string.dump")
    assert.is_nil(eval "_G.os")
  end)

  it("does not reach the real globals", function()
    run "x = 1 string.format = 1 table.insert = nil _G.print = nil" ()

    assert.is_nil(rawget(_G, "x"))
    assert.is_function(string.format)
    assert.is_function(table.insert)
    assert.is_function(print)
  end)

  it("loads text into the same environment, and never bytecode", function()
    assert.equal(3, eval "load('y = 3 return y')()")
    assert.is_nil(rawget(_G, "y"))
    assert.is_nil(eval "load('return os')()")
    assert.equal(7, eval "load('return z', 'n', 't', { z = 7 })()")

    local environment = world_of()
    local chunk, why = environment.load(string.dump(function() end), "n", "b")
    assert.is_nil(chunk)
    assert.matches("binary chunk", why)
  end)

  it("refuses finalizers", function()
    local ok, message = pcall(run "setmetatable({}, { __gc = function() end })")

    assert.is_false(ok)
    assert.matches("^jobs/x.lua:1: .*finalizers", message)
    assert.equal(5, eval "setmetatable({}, { __index = { v = 5 } }).v")
  end)

  it("counts memory but does not collect it", function()
    assert.is_number(eval "collectgarbage('count')")
    assert.is_false(pcall(run "collectgarbage()"))
  end)

  it("takes no seed from the clock", function()
    assert.is_false(pcall(run "math.randomseed()"))
    assert.is_true(pcall(run "math.randomseed(1)"))
  end)

  it("prints to the log", function()
    local lines = {}

    run("print('a', 1)", { print = function(...) lines[#lines + 1] = table.pack(...) end })()
    assert.same({ { "a", 1, n = 2 } }, lines)
  end)
end)

describe("require in a job", function()
  local modules = {
    ["util.text"] = { path = "jobs/util/text.lua", source = "n = (n or 0) + 1 return { n = n }" },
    a = { path = "jobs/a.lua", source = "return require 'b'" },
    b = { path = "jobs/b.lua", source = "return require 'a'" },
    bad = { path = "jobs/bad.lua", source = "return +" },
    named = { path = "jobs/named.lua", source = "return ..." },
    none = { path = "jobs/none.lua", source = "" },
  }
  local bundle = { bundle = { modules = modules } }

  it("finds what was shipped, once", function()
    assert.equal(1, eval("require('util.text').n + require 'util.text'.n - 1", bundle))
    assert.equal("named", eval("require 'named'", bundle))
    assert.is_true(eval("require 'none'", bundle))
  end)

  it("finds lpeg, cjson and Lua's own libraries", function()
    assert.is_function(eval "require('lpeg').match")
    assert.is_function(eval "require('cjson').encode")
    assert.is_true(eval "require 'string' == string")
    assert.is_nil(eval "require('string').dump")
  end)

  it("finds the libraries for jobs", function()
    assert.is_function(eval "require('mrlua.text').words")
    assert.is_function(eval "require('mrlua.json').decode")
    assert.is_function(eval "require('mrlua.stats').summary")
    assert.is_function(eval "require('mrlua.sketch').distinct")
  end)

  it("says what can be required", function()
    local ok, message = pcall(run("\nlocal socket = require 'socket' return socket", bundle))

    assert.is_false(ok)
    assert.matches("^jobs/x.lua:2: module 'socket' is not there: a job can require lpeg", message)
    assert.is_false(pcall(run("require 'os'", bundle)))
    assert.is_false(pcall(run("require 'mrlua.job'", bundle)))
  end)

  it("finds a loop, and tells of a module that does not compile", function()
    assert.matches("module 'a' requires itself", select(2, pcall(run("require 'a'", bundle))))
    assert.matches("^jobs/bad.lua:1: ", select(2, pcall(run("require 'bad'", bundle))))
  end)
end)

describe("mr", function()
  it("shows the attempt and, once the file has returned, the params", function()
    local read, _, set_params = run("return function() return mr.task, mr.params.n end",
      { context = { task = 3 } })

    assert.matches("known once the job file has returned", select(2, pcall(read())))
    set_params { n = 5 }
    assert.same({ 3, 5 }, { read()() })
  end)

  it("shows the input that is mapped, or nil", function()
    local read, _, _, set_input = run("return function() return mr.input end")

    assert.is_nil(read()())
    set_input "users"
    assert.equal("users", read()())
  end)

  it("is read only", function()
    local write, _, set_params = run("mr.params.n = 1")

    set_params { n = 5 }
    assert.matches("^jobs/x.lua:1: mr.params is read only: 'n' was not set",
      select(2, pcall(write)))
    assert.is_false(pcall(run "mr.x = 1"))
    assert.is_false(eval "getmetatable(mr)")
  end)

  it("can be iterated", function()
    local iterate, _, set_params = run(
      "local t = {} for k, v in pairs(mr.params) do t[k] = v end return t")

    set_params { n = 5, s = "x" }
    assert.same({ n = 5, s = "x" }, iterate())
  end)
end)

describe("sandbox.compile()", function()
  it("skips a first line that starts with #, and keeps the line numbers", function()
    local chunk = sandbox.compile({ path = "p.lua", source = "#!/usr/bin/lua\nerror 'x'" }, _G)

    assert.equal("p.lua:2: x", select(2, pcall(chunk)))
  end)

  it("skips a byte order mark, as Lua's own loader does", function()
    for _, source in ipairs { "\xef\xbb\xbfreturn 7", "\xef\xbb\xbf#!/usr/bin/lua\nreturn 7" } do
      assert.equal(7, sandbox.compile({ path = "p.lua", source = source }, _G)())
    end
  end)
end)

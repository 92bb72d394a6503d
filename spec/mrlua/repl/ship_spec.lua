local chunk = require "mrlua.repl.chunk"
local ship = require "mrlua.repl.ship"

local env

-- What an input at the prompt answers.
local function typed(text)
  local run, message = chunk.load(text, env)
  local results, fault = chunk.run(assert(run, message))
  return assert(results, fault)[1]
end

-- A job as text; or nil and why not.
local function shipped(text)
  return ship.source(typed(text), { env = env, text_of = chunk.text })
end

-- The job that the text makes in a state that knows nothing of the prompt.
local function arrived(text)
  local source = assert(shipped(text))
  return assert(load(source, "=typed.lua", "t", setmetatable({}, { __index = _G })))()
end

local function message_of(text)
  local source, message = shipped(text)
  assert.is_nil(source)
  return message
end

before_each(function()
  env = setmetatable({}, { __index = _G })
end)

describe("repl.ship source()", function()
  it("sends data as it is", function()
    local data = { 1, 2.5, "a\n\0\r\"\\", true, { x = { [3] = false } }, ["a b"] = -0.1,
      big = math.mininteger, inf = math.huge }
    env.data = data
    assert.same(data, arrived "{ params = data }".params)
  end)

  it("sends the functions that were typed", function()
    local job = arrived "{ map = function(a)\n  return a + 1\nend, reduce = 'sum' }"
    assert.equal(3, job.map(2))
    assert.equal("sum", job.reduce)
  end)

  it("sends locals around them, shared ones as one", function()
    local job = arrived("(function() local n, by = 5, 2 return { map = function() n = n + by end,\n"
      .. "cleanup = function() return n end } end)()")
    job.map()
    job.map()
    assert.equal(9, job.cleanup())
  end)

  it("sends globals of the prompt that a function uses, and no others", function()
    typed "stop = { the = true }"
    typed "unused = io.stdout"
    typed "function fact(n) return n <= 1 and 1 or n * fact(n - 1) end"
    local job = arrived("{ map = function(w) local unused = stop[w] return unused, fact(4),"
      .. " ({ unused = 1 }).unused end }")
    assert.same({ true, 24, 1 }, { job.map "the" })
  end)

  it("knows two functions on one line from each other", function()
    local job = arrived("{ map = function(a) return a + 1 end,"
      .. " reduce = function(a) return a + 2 end, combine"
      .. " = function(a) return a - 1 end, partition = function(a, b) return b end }")
    assert.same({ 1, 2, -1, 5 }, { job.map(0), job.reduce(0), job.combine(0), job.partition(0, 5) })
  end)

  it("knows them by what they capture, too", function()
    local job = arrived("(function() local x, y = 1, 2 return { map = function() return x end,"
      .. " reduce = function() return y end } end)()")
    assert.same({ 1, 2 }, { job.map(), job.reduce() })
  end)

  it("keeps variables of one name apart", function()
    typed "function make(n) return function() n = n + 1 return n end end"
    local job = arrived "{ map = make(1), reduce = make(5) }"
    assert.same({ 2, 6, 3 }, { job.map(), job.reduce(), job.map() })
  end)

  it("sends functions in tables, methods, and functions that call each other", function()
    typed "util = { twice = function(x) return x * 2 end }"
    typed "function util:add(x) return self.twice(x) + 1 end"
    typed "function even(n) return n == 0 or odd(n - 1) end"
    typed "function odd(n) return n ~= 0 and even(n - 1) end"
    local job = arrived "{ map = function(n) return util:add(n), even(n) end }"
    assert.same({ 9, true }, { job.map(4) })
  end)

  it("sends functions of libraries by their names", function()
    typed "text = require 'mrlua.text'"
    local job = arrived("(function() local format, s = string.format, string return {"
      .. " map = function(x) return format('%d', x), s.upper 'a', text end } end)()")
    local shown, upper, module = job.map(3)
    assert.same({ "3", "A" }, { shown, upper })
    assert.equal(require "mrlua.text", module)
  end)

  it("sends functions in steps and inputs", function()
    local job = arrived "{ steps = { { map = function() return 1 end }, { map = 'identity' } } }"
    assert.equal(1, job.steps[1].map())
  end)

  it("leaves mr to the job", function()
    env.mr = io.stdout
    assert.is_truthy(shipped "{ map = function() mr.count 'x' end }")
  end)
end)

describe("repl.ship", function()
  it("names what cannot be sent", function()
    env.file, env.co, env.cycle = io.stdout, coroutine.create(print), {}
    env.cycle.itself = env.cycle
    env.deep = { a = { ["b c"] = io.stdout } }
    env.meta = setmetatable({}, {})
    env.foreign = function() end
    for text, message in pairs {
      ["{ map = function() file:write() end }"] = "global 'file', which map uses, is a userdata",
      ["{ map = function() co() end }"] = "global 'co', which map uses, is a coroutine",
      ["{ map = function() return cycle end }"] = "global 'cycle.itself', which map uses, holds",
      ["{ map = function() return deep end }"] = [[global 'deep.a["b c"]', which map uses, is a]],
      ["{ params = meta }"] = "params has a metatable",
      ["{ map = foreign }"] = "map is a function of spec/mrlua/repl/ship_spec.lua, which was not",
      ["{ map = os.exit }"] = "map is a C function that jobs do not have",
      ["(function() local f = io.stdout return { map = function() return f end } end)()"] =
        "upvalue 'f', which map uses, is a userdata",
      ["{ steps = { { map = os.exit } } }"] = "steps[1].map is a C function",
      ["{ [file] = 1 }"] = "is a userdata",
    } do
      local said = message_of(text)
      assert.is_truthy(said:find(message, 1, true), said)
    end
  end)

  it("has a limit for data", function()
    env.data = ("x"):rep((1 << 20))
    assert.is_truthy(shipped "{ params = data }")
    env.data = env.data .. "x"
    assert.is_truthy(message_of("{ params = data }"):find("more than 1 MiB", 1, true))
  end)

  it("has a limit for variables", function()
    local names = {}
    for i = 1, 150 do
      names[i] = "v" .. i
      env["v" .. i] = i
    end
    assert.equal(300, arrived("{ map = function() return " .. table.concat(names, " * 0 + ")
      .. " * 2 end }").map())
    env.v151 = 1
    names[151] = "v151"
    assert.is_truthy(message_of("{ map = function() return " .. table.concat(names, " + ")
      .. " end }"):find("more than 150", 1, true))
  end)

  it("says which variables it cannot tell apart", function()
    typed("function make(n) return { map = function() return n end, reduce = function() return n"
      .. " end } end")
    typed "a, b = make(1), make(2)"
    assert.is_truthy(message_of("{ steps = { a, b } }"):find("variables are named 'n'", 1, true))
    typed "function rec(n) local function again() return again end return again end"
    assert.is_truthy(message_of("{ map = rec(1), reduce = rec(2) }"):find("named 'again'", 1, true))
  end)
end)

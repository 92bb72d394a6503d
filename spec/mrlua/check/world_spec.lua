local World = require "mrlua.check.world"

local function world(source, more)
  local settings = { bundle = { path = "job.lua", source = source, modules = {} },
    params = {}, stage = "map", order = "up" }
  for field, value in pairs(more or {}) do
    settings[field] = value
  end
  return World.new(settings)
end

local function mapped(source, records, more)
  return assert(world(source, more)):map(nil, records)
end

describe("mrlua/check/world", function()
  it("maps as a map task does, with setup and cleanup", function()
    local emitted, faults = mapped([[
      local seen
      return { params = { n = 2 },
        setup = function() seen = 0 end,
        map = function(k, line, emit) seen = seen + mr.params.n; emit(k, line) end,
        cleanup = function(mr, emit) emit("seen", seen) emit(1.0, mr.stage) end }]],
      { { 0, "a" }, { 2, "b" } })

    assert.same({}, faults)
    assert.same({ { 0, "a" }, { 2, "b" }, { "seen", 4 }, { 1, "map" } }, emitted)
    assert.equal("integer", math.type(emitted[4][1]))
  end)

  it("leaves out what was emitted for a record that raises, and tells of it", function()
    local emitted, faults = mapped([[
      return { map = function(k, line, emit) emit(k, 1) emit(k, line.x.y) end }]],
      { { 0, "a" }, { 1, { x = { y = 7 } } } })

    assert.same({ { 1, 1 }, { 1, 7 } }, emitted)
    assert.same({ 1, "map" }, { faults[1].record, faults[1].place })
    assert.matches("^job.lua:1: attempt to index", faults[1].message)
  end)

  it("keeps no table that the job goes on to change", function()
    local emitted = mapped([[
      local row = {}
      return { map = function(k, line, emit) row[1] = line emit(k, row) line = nil end }]],
      { { 0, "a" }, { 1, "b" } })

    assert.same({ { 0, { "a" } }, { 1, { "b" } } }, emitted)
  end)

  it("refuses what cannot be a key or a value", function()
    for _, call in ipairs { "emit(nil, 1)", "emit(1)", "emit(1, print)", "emit(print, 1)",
      "emit({ 1, print }, 1)" } do
      local _, faults = mapped("return { map = function(_, _, emit) " .. call .. " end }",
        { { 0, "" } })
      assert.matches("^job.lua:1: emit: .- a? ?%a+$", faults[1].message)
    end
  end)

  it("refuses keys that the engine refuses", function()
    for call, told in pairs {
      ["emit(0 / 0, 1)"] = "emit: NaN is not a key",
      ["emit({ 1, x = 2 }, 1)"] = "emit: .* not a table with field 'x'",
    } do
      local _, faults = mapped("return { map = function(_, _, emit) " .. call .. " end }",
        { { 0, "" } })
      assert.matches("^job.lua:1: " .. told .. "$", faults[1].message)
    end
  end)

  it("tells of what was raised, whatever it is", function()
    for raised, told in pairs {
      ["nil"] = "nil was raised$",
      ["{ code = 1 }"] = "^an error that is a table: { code = 1 }$",
      ["setmetatable({}, {})"] = "a table without __tostring was raised$",
      ["setmetatable({}, { __tostring = function() error('no', 0) end })"] = "^no$",
    } do
      local _, faults = mapped("return { map = function() error(" .. raised .. ", 0) end }",
        { { 0, "" } })
      assert.matches(told, faults[1].message)
    end
  end)

  it("ends what does not end, in pcall and in a coroutine too", function()
    for _, body in ipairs {
      "while true do end",
      "while true do pcall(function() while true do end end) end",
      "coroutine.wrap(function() while true do end end)()",
      "local co = coroutine.create(function() while true do pcall(error) end end)"
        .. " while true do coroutine.resume(co) end",
    } do
      local _, faults = mapped("return { map = function() " .. body .. " end }",
        { { 0, "" }, { 1, "" } })

      assert.equal(1, #faults)
      assert.is_true(faults[1].is_endless, body)
      assert.is_nil(debug.gethook())
    end
  end)

  it("goes through tables the other way, lists apart, when it is asked", function()
    local source = [[
      return { map = function(_, _, emit)
        for k, v in pairs { 10, 20, 30 } do emit(k, v) end
        local t = {}
        for i = 1, 9 do t["k" .. i] = i end
        local order = {}
        for k in pairs(t) do order[#order + 1] = k end
        emit("order", order)
      end }]]
    local up = mapped(source, { { 0, "" } })
    local down = mapped(source, { { 0, "" } }, { order = "down" })

    assert.same({ { 1, 10 }, { 2, 20 }, { 3, 30 } }, { down[1], down[2], down[3] })
    local reversed = {}
    for i, key in ipairs(up[4][2]) do
      reversed[10 - i] = key
    end
    assert.same(reversed, down[4][2])
  end)

  it("leaves strings, pairs and coroutines of this process as they were", function()
    local before = { pairs, coroutine, string.upper, getmetatable "" }
    mapped([[
      function string.upper() return "theirs" end
      return { map = function(_, line, emit) emit(1, line:upper()) end }]], { { 0, "a" } },
      { order = "down" })
    world "error 'x'"

    assert.same(before, { pairs, coroutine, string.upper, getmetatable "" })
    assert.equal("A", ("a"):upper())
  end)

  it("gives the job no more than the sandbox does", function()
    local emitted = mapped([[
      return { map = function(_, _, emit)
        emit(1, { tostring(os), tostring(io), tostring(debug), tostring(string.dump) })
      end }]], { { 0, "" } })

    assert.same({ "nil", "nil", "nil", "nil" }, emitted[1][2])
  end)

  it("says why a job cannot be loaded", function()
    assert.same({ nil, "job.lua:1: no" }, { world "error 'no'" })
    assert.same({ nil, "job.lua: unknown job field 'mapp': did you mean 'map'?" },
      { world "return { mapp = 1 }" })
    assert.same({ nil, "it does not come to an end" }, { world "while true do end" })
  end)

  it("opens side files by their names", function()
    local source = [[
      return { files = { list = "list.txt" }, map = function(_, name, emit)
        emit(1, mr.open(name):read(6)) end }]]
    local emitted = mapped(source, { { 0, "list" } }, { paths = { list = "README.md" } })
    local _, faults = mapped(source, { { 0, "other" } }, { paths = { list = "README.md" } })

    assert.same({ { 1, "# mrlu" } }, emitted)
    assert.matches("mr.open: there is no side file 'other'", faults[1].message, 1, true)
  end)

  it("combines and reduces with functions and with built-ins", function()
    local source = [[
      return { map = "identity", group = 1,
        combine = function(k, values, emit) local n = 0 for v in values do n = n + v end
          emit(k, n) end,
        reduce = function(key, values, emit) local last
          for value, full in values do last = full[2] .. value end emit(key[1], last) end,
        cleanup = function(_, emit) emit("end", true) end }]]
    local one = world(source, { stage = "reduce" })

    assert.same({ { { "a", 1 }, 3 } }, one:combine { { { "a", 1 }, 1 }, { { "a", 1 }, 2 } })
    assert.same({ { "a", "2y" }, { "b", "1z" }, { "end", true } },
      one:reduce { { { "b", 1 }, "z" }, { { "a", 2 }, "y" }, { { "a", 1 }, "x" } })
    one = world "return { map = 'identity', combine = 'sum', reduce = 'sum' }"
    assert.same({ { "a", 3 } }, one:combine { { "a", 1 }, { "a", 2 } })
    assert.same({ { "a", 3 } }, one:reduce { { "a", 1 }, { "a", 2 } })
  end)

  it("says of values that a built-in does not take what the engine says", function()
    for text, case in pairs {
      ['sum: value of key "" is a string, not a number'] = { "sum", "", "7" },
      ['mean: value of key 7 is a boolean, not a number'] = { "mean", 7, true },
      ['max: value of key "k" is a table, not a number or string'] = { "max", "k", {} },
      ['top: values of key "k" must be numbers or strings'] = { "top", "k", true },
      ['min: values of key "k" are numbers and strings'] = { "min", "k", 1, "1" },
    } do
      local one = world("return { params = { n = 2 }, map = 'identity', reduce = '" .. case[1]
        .. "' }")
      local records = { { case[2], case[3] }, case[4] and { case[2], case[4] } }
      assert.same({ n = 3, nil, { message = text }, 1 }, table.pack(one:reduce(records)))
    end
    local one = world "return { map = 'identity', reduce = 'max' }"
    assert.same({ { "k", "b" } }, one:reduce { { "k", "a" }, { "k", "b" } })
  end)

  it("tells where a reduce has raised, and whether one goes on behind the end", function()
    local one = world "return { map = 'identity', reduce = function(k) assert(k < 2, 'no') end }"
    local _, fault, at = one:reduce { { 1, 1 }, { 2, 1 } }
    assert.equal(2, at)
    assert.matches("no$", fault.message)

    for loop, again in pairs {
      ["for _ in values do end"] = false, ["values() values() values()"] = false,
      ["for _ in values do end for _ in values do end"] = true,
    } do
      one = world("return { map = 'identity', reduce = function(k, values) " .. loop .. " end }")
      one:reduce { { 1, 1 }, { 1, 2 } }
      assert.equal(again, one.reads_again or false, loop)
    end
  end)

  it("answers a fault of a reduce that raises, whatever it is made of", function()
    local one = world "return { map = 'identity', reduce = function() error { code = 7 } end }"

    assert.same({ nil, { message = "an error that is a table: { code = 7 }" }, 1 },
      { one:reduce { { 1, 1 } } })
  end)
end)

local combiner = require "mrlua.check.combiner"
local World = require "mrlua.check.world"

-- The records are what a map would have emitted.
local function check(fields, records)
  local function new()
    return assert(World.new { bundle = { path = "job.lua", modules = {},
      source = "return { map = 'identity', " .. fields .. " }" }, params = {}, stage = "reduce" })
  end
  return combiner.check(records, { combine = new, reduce = new })
end

local SUM <const> = "function(k, values, emit) local n = 0 for v in values do n = n + v end"
  .. " emit(k, n) end"
local COUNT <const> = "function(k, values, emit) local n = 0 for _ in values do n = n + 1 end"
  .. " emit(k, n) end"
local ONES <const> = { { "a", 1 }, { "b", 1 }, { "a", 1 } }

describe("mrlua/check/combiner", function()
  it("has nothing against one that changes nothing", function()
    for _, fields in ipairs {
      "combine = 'sum', reduce = " .. SUM,
      "combine = " .. SUM .. ", reduce = 'sum'",
      "combine = 'max', reduce = function(k, values, emit) local m = values()"
        .. " for v in values do m = math.max(m, v) end emit(k, m) end",
      "combine = function(k, values, emit) for v in values do emit(k, v) end end, reduce = 'list'",
      "combine = function(k, _, emit) emit(k, 1) end, reduce = 'distinct'",
    } do
      local found, trials = check(fields, { { "a", 1 }, { "a", 5 }, { "a", 0.1 }, { "b", 0.2 },
        { "b", 0.7 } })

      assert.is_nil(found, fields)
      assert.is_true(trials > 10)
    end
  end)

  it("finds one that counts what it has counted already, by two values", function()
    local found = check("combine = " .. COUNT .. ", reduce = " .. SUM, { { "a", 1 }, { "a", 5 } })

    assert.equal("combine changes what reduce answers", found.what)
    assert.same({ 'key "a"', "reduce(1, 5)  gives  6", "reduce(1, combine(5))  gives  2" },
      found.shown)
  end)

  it("finds one that does not fit the reduce", function()
    assert.same({ 'key "a"', "reduce(1, 1)  gives  2", "reduce(combine(combine(1), 1))  gives  1" },
      check("combine = 'sum', reduce = " .. COUNT, ONES).shown)
  end)

  it("finds one that changes the order of values", function()
    local found = check([[combine = function(k, values, emit)
        local all = {} for v in values do table.insert(all, 1, v) end
        for _, v in ipairs(all) do emit(k, v) end
      end, reduce = "list"]], { { "a", "x" }, { "a", "y" }, { "a", "z" } })

    assert.matches("gives  { \"x\", \"y\"", found.shown[2])
  end)

  it("finds one that emits another key", function()
    local found = check("combine = function(k, values, emit) emit(k .. '!', values()) end,"
      .. " reduce = 'first'", ONES)

    assert.equal("combine changes the key", found.what)
    assert.same({ 'for key "a" it emits under key "a!"' }, found.shown)
  end)

  it("finds one that does not take its own answer", function()
    local found = check("combine = function(k, values, emit) emit(k, #values()) end,"
      .. " reduce = 'distinct'", { { "a", "x" }, { "a", "y" } })

    assert.equal('reduce(combine(combine("x"), "y"))  gives  an error', found.shown[3])
  end)

  it("finds one whose answer the reduce does not take", function()
    local found = check("combine = function(k, _, emit) emit(k, {}) end, reduce = " .. SUM, ONES)

    assert.matches("gives  an error$", found.shown[3])
  end)

  it("has nothing against one that it could not try", function()
    assert.is_nil((check("combine = function() error 'x' end, reduce = 'sum'", ONES)))
    assert.is_nil((check("combine = 'sum', reduce = function() error 'x' end", ONES)))
    assert.same({ nil, 0 }, { check("combine = 'sum', reduce = 'sum'", {}) })
  end)
end)

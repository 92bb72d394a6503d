local bytecode = require "mrlua.bytecode"

local function uses(source)
  return bytecode.uses(assert(load(source)))
end

local function reads(source)
  local texts = {}
  for i, use in ipairs(uses(source).reads) do
    texts[i] = ("%d %s"):format(use.line, table.concat({ use.name, use.field, use.second_field },
      "."))
  end
  return texts
end

describe("mrlua/bytecode uses()", function()
  it("finds globals that are read, with their lines, in all functions", function()
    assert.same({ "1 a", "3 b", "5 c" }, reads "local x = a\nfunction f()\n  return b(x)\nend\nc()")
  end)

  it("does not take locals, upvalues and fields for globals", function()
    assert.same({}, reads [[
      local a <const>, t = 1, {}
      for i = 1, 2 do t.x = function(...) return a, t.y, i, ... end end
      local _ENV = t
      return z]])
  end)

  it("finds what is asked of a global at once", function()
    assert.same({ "1 string.sub", "2 mr.params.n", "3 table" },
      reads "string.sub(1)\nlocal x = mr.params.n\nlocal t = table")
  end)

  it("knows of what is only tested", function()
    local list = uses("local a, b = x or 1, table.unpack or unpack; if y then a = 2 end z()").reads
    local guarded = {}
    for i, use in ipairs(list) do
      guarded[i] = use.name .. (use.is_guarded and " guarded" or "")
    end
    assert.same({ "x guarded", "table guarded", "unpack", "y guarded", "z" }, guarded)
  end)

  it("tells the names that are set, of globals, locals and fields", function()
    local all = uses "g = 1; function h() end; local l = { a = 1 }; l.b = l.c; for k in h do end"

    assert.same({ g = true, h = true }, all.writes)
    assert.same({ l = true, k = true }, all.locals)
    assert.same({ a = true, b = true }, all.fields_written)
    assert.same({ c = true }, all.fields_read)
  end)

  it("tells where globals are set, and the locals that are seen there", function()
    local texts = {}
    for i, set in ipairs(uses([[
      local a = 1
      do local gone end
      function f(p)
        local b = a
        g = b
        local later
      end
      local last]]).sets) do
      local names = {}
      for name in pairs(set.visible) do
        names[#names + 1] = name
      end
      table.sort(names)
      texts[i] = ("%d %s: %s"):format(set.line, set.name, table.concat(names, " "))
    end
    assert.same({ "3 f: a", "5 g: a b p" }, texts)
  end)

  it("knows whether _ENV itself is handed on", function()
    assert.is_false(uses("x = y").is_open)
    assert.is_true(uses("local e = _ENV").is_open)
    assert.is_true(uses("return function() return _ENV[1] end").is_open)
  end)

  it("tells lines far apart, and those of long functions", function()
    local lines = { "local t = {}" }
    for i = 2, 1000 do
      lines[i] = i % 200 == 0 and "g" .. i .. "()" or i % 3 == 0 and "t[1] = t[2] + 1" or ""
    end
    lines[1001] = ("\n"):rep(499) .. "last()"

    assert.same({ "200 g200", "400 g400", "600 g600", "800 g800", "1000 g1000", "1500 last" },
      reads(table.concat(lines, "\n")))
  end)

  it("answers nil for a format that is not known", function()
    local dump = string.dump
    finally(function() rawset(string, "dump", dump) end)
    for _, text in ipairs { "\27Lua\x55", dump(load "return 1"):sub(1, -2),
      dump(load "return 1") .. "\0" } do
      rawset(string, "dump", function() return text end)
      assert.is_nil(bytecode.uses(print))
    end
  end)

  it("reads every file of ours to its end", function()
    local pipe <close> = io.popen "find lua jobs spec -name '*.lua'"
    for path in pipe:lines() do
      assert.is_table(bytecode.uses(assert(loadfile(path))), path)
    end
  end)
end)

describe("mrlua/bytecode passes()", function()
  local function passes(source)
    return bytecode.passes(load("local x = 1 return function" .. source .. " end")(), 3)
  end

  it("sees a parameter that is called, handed on, returned from or closed over", function()
    for _, source in ipairs { "(k, v, emit) emit(k, v)", "(k, v, emit) return emit(k)",
      "(k, v, emit) if v then x(k, emit) end", "(k, v, emit) return { emit }",
      "(k, v, emit) return function() return function() emit(k) end end",
      "(k, v, emit, more) local e = emit" } do
      assert.is_true(passes(source), source)
    end
  end)

  it("sees one that is not there, or that nothing is done with", function()
    for _, source in ipairs { "() return x", "(k, v) v(k, x)", "(k, v, emit) return k, v",
      "(k, v, emit) local n = 0 for w in v do n = n + w end",
      "(k, v, emit) return function() return k, v, x end" } do
      assert.is_false(passes(source), source)
    end
  end)

  it("answers nil for a format that is not known", function()
    local dump = string.dump
    finally(function() rawset(string, "dump", dump) end)
    rawset(string, "dump", function() return "\27Lua\x55" end)
    assert.is_nil(bytecode.passes(print, 1))
  end)
end)

local chunk = require "mrlua.repl.chunk"

local function run(text, env)
  local run_it, message = chunk.load(text, env or setmetatable({}, { __index = _G }))
  return chunk.run(assert(run_it, message))
end

describe("repl.chunk load()", function()
  it("answers the values of an expression", function()
    assert.same({ n = 2, 3, "x" }, run "1 + 2, 'x'")
    assert.same({ n = 1 }, run "nil")
  end)

  it("runs statements, whose globals are fields of the table", function()
    local env = {}
    assert.same({ n = 0 }, run("x = 3 local y = 4", env))
    assert.same({ x = 3 }, env)
    assert.same({ n = 1, 3 }, run("x", env))
  end)

  it("wants more of what is not complete", function()
    for _, text in ipairs { "for i = 1, 2 do", "1 +", "{ a = 1,", "f(", "function f()", "[[a",
      "if x then\n  y()", "local t =" } do
      local run_it, message = chunk.load(text, {})
      assert.same({ nil, nil }, { run_it, message }, text)
    end
  end)

  it("says what is wrong with what no other line would mend", function()
    for text, message in pairs { ["a b"] = "syntax error near 'b'", ['"abc'] = "unfinished string",
      ["= 3"] = "unexpected symbol near '='", ["x = = 3"] = "near '='" } do
      local run_it, said = chunk.load(text, {})
      assert.is_nil(run_it)
      assert.is_truthy(said:find(message, 1, true), said)
    end
  end)

  it("takes no bytecode", function()
    assert.is_nil((chunk.load(string.dump(function() end), {})))
  end)
end)

describe("repl.chunk text()", function()
  it("has what was compiled under the name that Lua tells", function()
    local made = run "function(a)\n  return a\nend"[1]
    local info = debug.getinfo(made, "S")
    assert.equal("return function(a)\n  return a\nend\n", chunk.text(info.source))
    assert.same({ 1, 3 }, { info.linedefined, info.lastlinedefined })
  end)

  it("has nothing of other sources", function()
    assert.is_nil(chunk.text(debug.getinfo(1, "S").source))
    assert.is_nil(chunk.text "=[C]")
  end)
end)

describe("repl.chunk run()", function()
  it("tells an error of the input itself in a line", function()
    for text, message in pairs { ["error 'x'"] = "^prompt %d+:1: x$", ["error()"] = "type nil",
      ["error {}"] = "^error of type table$", ["nil + 1"] = "arithmetic on a nil value",
      ["error(setmetatable({}, { __tostring = function() return 'T' end }))"] = "^T$" } do
      local results, said, traceback = run(text)
      assert.is_nil(results)
      assert.is_truthy(said:find(message), said)
      assert.equal("", traceback)
    end
  end)

  it("tells the way to an error in what it calls, and nothing of whoever runs it", function()
    local env = setmetatable({}, { __index = _G })
    run("function g() error 'boom' end", env)
    for _, call in ipairs { "g() return 1", "g()" } do
      local _, said, traceback = run(call, env)
      assert.is_truthy(said:find "^prompt %d+:1: boom$")
      assert.is_truthy(traceback:find "^\t%[C%]: in function 'error'\n\tprompt %d+:1: in function ")
      assert.is_nil(traceback:find "chunk.lua")
      assert.is_nil(traceback:find "xpcall")
      assert.is_nil(traceback:find "_spec")
    end
  end)

  it("keeps its frames apart from those of a deep recursion", function()
    local env = setmetatable({}, { __index = _G })
    run("function h(n) if n == 0 then error 'deep' end h(n - 1) return 1 end", env)
    local _, _, traceback = run("h(100) return 1", env)
    assert.is_truthy(traceback:find "in main chunk\n$")
    assert.is_nil(traceback:find "xpcall")
  end)
end)

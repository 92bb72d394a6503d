-- On a pipe; on a terminal: spec/mrlua/repl/prompt_spec.lua.
local engine = require "spec.support.engine"
local typed = require "spec.support.typed"

local run = typed.run

describe("mrlua repl on a pipe", function()
  it("reads lines without prompts, and shows the values", function()
    local result = run "x = 20\nx + 1, 'a'\nfor i = 1, 2 do\nprint(i)\nend\n{ b = _ }"
    assert.same({ code = 0, stdout = '21\t"a"\n1\n2\n{ b = 21 }\n', stderr = "" }, result)
  end)

  it("goes on after an error, and its exit code tells of it", function()
    local result = run "error 'first'\na b\nprint 'last'\n"
    assert.equal(1, result.code)
    assert.equal("last\n", result.stdout)
    assert.is_truthy(result.stderr:find "^prompt %d+:1: first\nprompt %d+:1: syntax error")
  end)

  it("tells the way to an error, without its own part of it", function()
    local result = run "function f() error 'in f' end\nf() return 1\n"
    assert.equal("prompt 1:1: in f\n\t[C]: in function 'error'\n\tprompt 1:1: in function 'f'\n"
      .. "\tprompt 2:1: in main chunk\n", result.stderr)
  end)

  it("complains of an end in the middle of a statement", function()
    local result = run "for i = 1, 2 do\n"
    assert.equal(1, result.code)
    assert.equal("the input ends in the middle of a statement\n", result.stderr)
  end)

  it("writes no control bytes of errors to a terminal", function()
    assert.is_truthy(run("error('\\27[31m')").stderr:find("?[31m\n", 1, true))
  end)

  it("has its own help, with examples", function()
    local said = engine.run { "repl", "--help" }
    assert.equal(0, said.code)
    assert.matches("mr%.sample", said.stdout)
  end)
end)

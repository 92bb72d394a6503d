local temp = require "spec.support.temp"
local typed = require "spec.support.typed"

local folder
temp.each(function(path)
  folder = path
  temp.write(path .. "/in", "a\nb\na\n")
  temp.write(path .. "/job.lua", "return { map = function(_, line, emit)"
    .. " emit(line, mr.params.by) end, reduce = 'sum', params = { by = 1 } }")
end)

local function run(...)
  return typed.run(table.concat({ ... }, "\n") .. "\n", { folder = folder })
end

describe("repl.mr", function()
  it("shows the first records of an input", function()
    assert.equal("offset  value\n     0  a\n     2  b\n", run("mr.sample('in', 2)").stdout)
    assert.equal('3\t"a"\n', run("s = mr.sample 'in'", "#s, s[3][2]").stdout)
  end)

  it("runs a job of a file, with params and reducers", function()
    local said = run("j = mr.run('job.lua', { inputs = { 'in', 'in' }, params = { by = 5 },",
      "reducers = 2 })", "j:output():head()")
    assert.matches("a       20\n", said.stdout)
    assert.matches("b       10\n", said.stdout)
  end)

  it("runs functions that were typed, with what they use", function()
    local said = run("weights = { a = 10 }", "function weight(w) return weights[w] or 1 end",
      "j = mr.run { name = 'weigh', map = function(_, line, emit)", "  emit(line, weight(line))",
      "end, reduce = 'sum', inputs = 'in', split_size = '1K' }", "j:output():head(), j.name")
    assert.equal("key  value\na       20\nb        1\n\"weigh\"\n", said.stdout)
  end)

  it("takes named inputs", function()
    local said = run("j = mr.run({ inputs = { x = { map = function(_, l, emit) emit(l, 1) end },",
      "y = { map = function(_, l, emit) emit(l, 10) end } }, reduce = 'sum' },",
      "{ inputs = { x = 'in', y = { 'in' } } })", "j:output():head()")
    assert.equal("key  value\na       22\nb       11\n", said.stdout)
  end)

  it("tells what there is by the word help, and ends by exit or quit", function()
    for _, word in ipairs { "exit", "quit" } do
      local said = run("help", word, "print 'beyond'")

      assert.matches("mr.run%(JOB", said.stdout)
      assert.not_matches("beyond", said.stdout)
    end
    assert.equal("3\n4\n", run("help, exit = 3, 4", "help", "exit").stdout)
  end)

  it("says what is wrong with a job, in a line", function()
    local said = run("mr.run { mapp = 1, inputs = 'in' }", "mr.run('job.lua', { input = 'in' })",
      "mr.run(3)", "mr.run { map = function() return io.stdout end, out = io.stdout }",
      "mr.run('job.lua')", "mr.run('no.lua', { inputs = 'in' })",
      "mr.run('job.lua', { inputs = 'in', split_size = 'x' })")
    local lines = {}
    for line in said.stderr:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    for i, pattern in ipairs { "unknown job field 'mapp': did you mean 'map'",
      "unknown option 'input': did you mean 'inputs'", "a job is a table, or the path of a file",
      "^out is a userdata",
      "^job.lua has no inputs: give inputs = { \"PATH\", ... }", "no.lua", "^split_size: " } do
      assert.matches(pattern, lines[i])
    end
    assert.equal(7, #lines)
  end)
end)

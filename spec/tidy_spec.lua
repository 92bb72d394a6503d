local ROOT

local function write(path, text)
  assert(os.execute(("mkdir -p '%s/%s'"):format(ROOT, path:match("^(.*)/[^/]*$") or ".")))
  local file <close> = assert(io.open(ROOT .. "/" .. path, "w"))
  file:write(text)
end

-- tidy's complaints about the tree at ROOT, without the folder; "" when it is content.
local function tidy()
  local pipe <close> = assert(io.popen(("lua5.4 ctest/tidy.lua '%s' 2>&1"):format(ROOT)))
  local said = pipe:read("a")
  return said, (pipe:close())
end

local HEADER = "/*\n * x: what it is.\n */\n"
local WORK = "/wo" .. "rk/main"

local function lines(count, line)
  return (line .. "\n"):rep(count)
end

local GOOD = { -- a tree with nothing to complain about; each bad sample is put on top of it
  ["engine/record/x.h"] = HEADER .. '#include "base/err.h"\n#include <lz4.h>\n#include <stdio.h>\n',
  ["engine/record/x.c"] = "int x(void)\n{\n    if (fsync(1) != 0)\n        return -1;\n}\n",
  ["ctest/record/test_x.c"] = '#include "record/x.h"\n\n#include "test.h"\n',
  ["lua/mrlua/y.lua"] = "--- A module.\nreturn {}\n",
  ["spec/mrlua/y_spec.lua"] = 'it("holds", function() end)\n',
  ["jobs/z.lua"] = "-- mrlua run jobs/z.lua README.md\nreturn {}\n",
  ["spec/jobs/z_spec.lua"] = 'it("holds", function() end)\n',
  ["spec/p.py"] = '"""p: what it is."""\n\n\ndef f():\n' .. lines(70, "    f()"),
  ["README.md"] = "# mrlua\n",
  ["CMakeLists.txt"] = "project(x)\n",
  [".hidden/anything"] = "\t\n",
  ["build-other/engine/bad.c"] = "typedef int bad;\n",
}

local BAD = { -- what is wrong, the file, its text, what is said
  { "a layer that includes one above it", "engine/record/x.c", '#include "vm/vm.h"\n',
    "engine/record/x.c:1: record/ may not include vm/" },
  { "a test that includes a layer above its own", "ctest/record/test_x.c",
    '#include "vm/vm.h"\n', "record/ may not include vm/" },
  { "a foreign header outside its home", "engine/record/x.c", "#include <lua.h>\n",
    "only vm/ may include <lua...>" },
  { "a foreign header in a folder", "engine/record/x.c", "#include <event2/event.h>\n",
    "only rpc/ and master/ may include <event2...>" },
  { "a foreign header without a home", "engine/record/x.c", "#include <glib.h>\n",
    "<glib...> has no home" },
  { "threads", "engine/record/x.c", "#include <pthread.h>\n", "<pthread...> has no home" },
  { "a scheduler that looks at the clock", "engine/sched/s.c", "#include <time.h>\n",
    "sched/ decides and never acts: no <time...>" },
  { "a scheduler that asks the time", "engine/sched/s.c",
    "void f(void)\n{\n    now = clock_monotonic_ns();\n}\n",
    "sched/ decides and never acts: no clock_monotonic_ns()" },
  { "a worker protocol that writes", "engine/worker/agent_attempt.c", "#include <unistd.h>\n",
    "the agent decides and never acts: no <unistd...>" },
  { "a long file", "engine/record/x.c", lines(601, "int x;"), "file longer than 600 lines" },
  { "a long C function", "engine/record/x.c",
    "int x(void)\n{\n" .. lines(71, "    x++;") .. "}\n",
    "engine/record/x.c:2: function longer than 70 lines" },
  { "a long Lua function", "lua/mrlua/y.lua",
    "--- A module.\nlocal function f()\n" .. lines(71, "  f()") .. "end\n",
    "lua/mrlua/y.lua:2: function longer than 70 lines" },
  { "a long Python function", "spec/p.py",
    '"""p: what it is."""\n\n\ndef f():\n' .. lines(71, "    f()") .. "\nf()\n",
    "spec/p.py:4: function longer than 70 lines" },
  { "a long Python method", "spec/p.py",
    '"""p: what it is."""\n\n\nclass C:\n    def f(self):\n' .. lines(71, "        f()"),
    "spec/p.py:5: function longer than 70 lines" },
  { "a Python module without its contract", "spec/p.py", "import os\n",
    "spec/p.py:1: a module begins with a comment" },
  { "a long line", "lua/mrlua/y.lua", "--" .. ("x"):rep(99) .. "\n", "longer than 100 columns" },
  { "a header without a contract", "engine/record/x.h", "int x(void);\n",
    "a header begins with its contract" },
  { "a header with the contract of another", "engine/record/x.h", "/*\n * y: not x.\n */\n",
    "a header begins with its contract" },
  { "a module without a first comment", "lua/mrlua/y.lua", "return {}\n",
    "a module begins with a comment" },
  { "a unit without a test", "engine/record/w.c", "int w;\n",
    "engine/record/w.c:1: no test: ctest/record/test_w.c" },
  { "a tool without a test", "engine/record/tool/w.c", "/* A tool. */\n",
    "engine/record/tool/w.c:1: no test: ctest/record/test_w.c" },
  { "a module without a spec", "lua/mrlua/w.lua", "-- W.\n", "no test: spec/mrlua/w_spec.lua" },
  { "a job without a spec", "jobs/w.lua", "-- mrlua run jobs/w.lua\n",
    "no test: spec/jobs/w_spec.lua" },
  { "a job without its command", "jobs/z.lua", "-- A job.\nlocal x = 'mrlua run '\n",
    "a job's first comment is its command" },
  { "a long job", "jobs/z.lua", "-- mrlua run jobs/z.lua\n" .. lines(59, "--"),
    "a job has less than 60 lines" },
  { "unfinished work", "engine/record/x.c", "/* TO" .. "DO: later */\n", "TO" .. "DO: do it" },
  { "a shell", "engine/record/x.c", '    system("rm");\n', "system(): runs a shell" },
  { "a pipe to a shell", "engine/record/x.c", '    f = popen("ls", "r");\n',
    "popen(): runs a shell" },
  { "an unbounded copy", "engine/record/x.c", "    strcpy(a, b);\n", "strcpy(): has no bound" },
  { "an answer cast away", "engine/record/x.c", "    (void)fsync(fd);\n",
    "the answer of fsync() is lost" },
  { "an answer ignored", "engine/record/x.c", "    x = 1;\n    rename(a, b);\n",
    "engine/record/x.c:2: the answer of rename() is lost" },
  { "an answer ignored below an if", "engine/record/x.c", "    if (a)\n        fsync(fd);\n",
    "the answer of fsync() is lost" },
  { "a typedef", "engine/record/x.h", HEADER .. "typedef int x;\n", "no typedefs" },
  { "a sleep in a test", "ctest/record/test_x.c", "    usleep(10);\n", "no sleeps" },
  { "a spec that says should", "spec/mrlua/y_spec.lua", 'it("sh' .. 'ould hold", f)\n',
    "without 'should'" },
  { "a stranger at the top level", "notes.txt", "x\n", "does not belong at the top level" },
  { "a folder that is no layer", "engine/util/u.h", "/*\n * u: x\n */\n", "util/ is no layer" },
  { "a source file without a layer", "engine/u.h", "/*\n * u: x\n */\n", "belongs to a layer" },
  { "another document", "engine/record/NOTES.md", "x\n", "no other documents" },
  { "a long README", "README.md", lines(201, "x"), "README.md has at most 200 lines" },
  { "a tab", "engine/record/x.c", "\tx;\n", "a tab" },
  { "white space at the end", "CMakeLists.txt", "x \n", "white space at the end" },
  { "a path of one machine", "jobs/z.lua", "-- mrlua run " .. WORK .. "/x.lua\n",
    "a path of somebody's machine" },
}

describe("ctest/tidy.lua", function()
  before_each(function()
    local pipe <close> = assert(io.popen("mktemp -d"))
    ROOT = pipe:read("l")
    for path, text in pairs(GOOD) do
      write(path, text)
    end
  end)

  after_each(function()
    os.execute(("rm -r '%s'"):format(ROOT))
  end)

  it("is content with a tidy tree, and looks into no build folder", function()
    local said, is_content = tidy()

    assert.equal("", said)
    assert.is_true(is_content)
  end)

  for _, sample in ipairs(BAD) do
    local what, path, text, want = table.unpack(sample)

    it("complains about " .. what, function()
      write(path, text)

      local said, is_content = tidy()

      assert.truthy(said:find(want, 1, true), ("%q is not in %q"):format(want, said))
      assert.is_nil(is_content)
    end)
  end

  it("takes a call that spans lines for what it is", function()
    write("engine/record/x.c",
      "    if (a ||\n        fsync(fd) != 0)\n        return rename(a, b);\n")

    assert.equal("", (tidy()))
  end)
end)

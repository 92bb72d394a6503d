local engine = require "spec.support.engine"
local json = require "mrlua.json"
local temp = require "spec.support.temp"

local kinds = require "mrlua.cli.new_kinds"

describe("mrlua check", function()
  local folder
  temp.each(function(path) folder = path end)

  local function check(source, argv)
    temp.write(folder .. "/job.lua", source)
    return engine.run({ "check", "job.lua", table.unpack(argv or {}) }, { folder = folder })
  end

  it("finds nothing in the jobs that come with mrlua", function()
    local params = { ["jobs/grep.lua"] = "pattern=the" }
    for _, path in ipairs { "jobs", "jobs/mit" } do
      for _, name in ipairs(temp.list(path)) do
        local file = path .. "/" .. name
        if name:find "%.lua$" and name ~= "lab.lua" then -- which is a module of the others
          local result = engine.run { "check", file,
            params[file] and "--param" or "--json", params[file] }

          assert.equal(0, result.code, file .. "\n" .. result.stdout .. result.stderr)
        end
      end
    end
  end)

  it("finds nothing in them on real input either", function()
    for _, argv in ipairs {
      { "jobs/wordcount.lua", "README.md" }, { "jobs/mean.lua", "README.md" },
      { "jobs/join.lua", "--input", "users=/etc/passwd", "--input", "groups=/etc/group" },
      { "jobs/url_counts.lua", "README.md" }, { "jobs/inverted_index.lua", "README.md" },
    } do
      local result = engine.run { "check", table.unpack(argv) }
      -- README.md is no access log: the grammar's reader says so, the job is right
      assert.equal(0, result.code, argv[1] .. "\n" .. result.stdout .. result.stderr)
    end
  end)

  it("finds nothing in what 'mrlua new' writes", function()
    for _, kind in ipairs(kinds.names) do
      engine.output({ "new", kind, "--kind", kind }, { folder = folder })
      local text = engine.output({ "check", kind .. ".lua" }, { folder = folder })

      assert.matches("^" .. kind .. ".lua: nothing found %(%d+ records", text)
    end
  end)

  it("does not say that a job is right when it could not be tried", function()
    local result = check [[return { map = function(_, v, emit) emit(#v > 1 and v.x.y, 1) end,
      reduce = "sum" }]]

    assert.equal(0, result.code)
    assert.matches("^note: [^\n]+\njob.lua: nothing found for certain %(", result.stdout)
  end)

  it("tells each mistake by file and line, what, why and what to do, and exits with 1", function()
    local result = check "return {\n  map = function(_, line, emit) emit(lime, 1) end,\n"

    assert.equal(1, result.code)
    assert.matches("^job.lua:3: unexpected symbol near <eof>\n  why: [^\n]+\n  do:  [^\n]+\n"
      .. "job.lua: 1 mistake\n$", result.stdout)
    result = check "return {\n  map = function(_, line, emit) emit(lime, 1) end, reduce = 'sum' }"

    assert.equal(1, result.code)
    assert.matches("job.lua:2: 'lime' is not there\n  why: [^\n]+\n  do:  did you mean 'line'%?\n",
      result.stdout)
    assert.equal("", result.stderr)
  end)

  it("prints the same as JSON", function()
    local result = check("return { mapp = 'words' }", { "--json" })
    local answer = json.decode(result.stdout)

    assert.equal(1, result.code)
    assert.is_false(answer.ok)
    assert.same({ "job.lua", 1, "load", "write 'map'" }, { answer.findings[1].file,
      answer.findings[1].line, answer.findings[1].kind, answer.findings[1].fix })
    answer = json.decode(check("return { map = 'words', reduce = 'sum' }", { "--json" }).stdout)
    assert.is_true(answer.ok)
    assert.same({}, answer.findings)
  end)

  it("ends a job whose library call does not come back, and tells it as it tells others", function()
    local source = [[return { map = function(_, _, emit)
      if (("a"):rep(60)):find(("a*"):rep(60) .. "b") then emit(1, 1) end end, reduce = "sum" }]]
    local result = check(source, { "--limit-seconds", "1" })

    assert.equal(1, result.code)
    assert.matches("^job.lua:1: one of its functions did not come back within 1 s\n", result.stdout)
    result = check(source, { "--limit-seconds", "1", "--json" })
    assert.equal("endless", json.decode(result.stdout).findings[1].kind)
  end)

  it("keeps a job from taking all memory", function()
    if engine.has_option "SANITIZE" then
      pending "no limit of memory with sanitizers"
    end
    local result = check("return { map = function(_, _, emit) local x = ('x'):rep(1 << 30)"
      .. " emit(1, #(x .. x .. x)) end,"
      .. " reduce = 'sum' }")

    assert.equal(1, result.code)
    assert.matches("^job.lua:1: map raises an error on all of %d+ invented records: not enough"
      .. " memory\n", result.stdout)
  end)

  it("wants the params that the job wants", function()
    local source = "return { params = { n = { type = 'integer' } }, reduce = 'sum',\n"
      .. "  map = function(_, line, emit) emit(line:sub(1, mr.params.n), 1) end }"
    local result = check(source)

    assert.equal(2, result.code)
    assert.matches("mrlua: job.lua: param 'n' is missing: give --param n=VALUE", result.stderr,
      1, true)
    assert.equal(0, check(source, { "--param", "n=2" }).code)
  end)

  it("tries the first plain file of a folder or of a pattern", function()
    local source = "return { reduce = 'sum', map = function(key, line, emit)"
      .. " if line == 'bad' then error 'is read' end emit(line, 1) end }"
    os.execute(("mkdir -p %s/in/a %s/none"):format(folder, folder))
    temp.write(folder .. "/in/a/0.gz", "no text")
    temp.write(folder .. "/in/a/b.txt", "bad\n")
    temp.write(folder .. "/in/c.txt", "good\n")

    for path, is_read in pairs { ["in"] = true, ["in/*"] = true, ["in/**/*.txt"] = true,
      ["in/*.txt"] = false } do
      local result = check(source, { path })

      assert.equal("", result.stderr)
      assert.equal(is_read, result.stdout:find("is read", 1, true) ~= nil, path)
    end
    for path, message in pairs { ["in/**/*.none"] = "input in/**/*.none matches nothing",
      ["none"] = "none has no plain file: a sample is one" } do
      local result = check(source, { path })

      assert.same({ 2, "mrlua: " .. message .. "\n" }, { result.code, result.stderr })
    end
  end)

  it("tries what comes through a pipe", function()
    local result = engine.run_command("printf 'a b\\n' | "
      .. engine.command { "check", "jobs/wordcount.lua", "/dev/stdin" })
    assert.matches("(1 records, 2 emitted", result.stdout, 1, true)
  end)

  it("says which file cannot be read", function()
    local result = engine.run { "check", "/is/not/there.lua" }
    assert.same({ 2, "mrlua: /is/not/there.lua: No such file or directory\n" },
      { result.code, result.stderr })

    for _, path in ipairs { "/is/not/there", "gs://b/x", "a.gz", "-" } do
      result = check("return { map = 'words', reduce = 'sum' }", { path })
      assert.equal(2, result.code)
      assert.matches("^mrlua: " .. path:gsub("%p", "%%%0") .. "[: ][^\n]+\n$", result.stderr)
    end
  end)
end)

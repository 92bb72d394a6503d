local check = require "mrlua.check"
local job = require "mrlua.job"

-- The report of a job file that loads.
local function report(source, more)
  local bundle = { path = "job.lua", source = source, modules = {} }
  local _, view = job.load { bundle = bundle, params = {}, context = { stage = "map" },
    print = print }
  debug.getmetatable("").__index, debug.getmetatable("").__metatable = string, nil
  local settings = { bundle = bundle, view = view, params = {}, paths = {}, samples = {} }
  for field, value in pairs(more or {}) do
    settings[field] = value
  end
  return check.job(settings)
end

local function sample(text)
  return { samples = { [""] = { path = "sample.txt", text = text, is_whole = true } } }
end

-- "job.lua:3: what" of each finding.
local function told(...)
  local lines = {}
  for i, one in ipairs(report(...).findings) do
    lines[i] = ("%s:%d: %s"):format(one.file, one.line, one.what)
  end
  return lines
end

describe("mrlua/check job()", function()
  it("finds nothing in a job that is right, and says how much it has tried", function()
    local all = report [[
      return {
        map = function(_, line, emit) for w in line:gmatch "%a+" do emit(w, 1) end end,
        combine = "sum",
        reduce = function(w, counts, emit) local n = 0 for c in counts do n = n + c end
          emit(w, n) end,
      }]]

    assert.same({}, all.findings)
    assert.same({}, all.notes)
    assert.is_true(all.counted.records > 20 and all.counted.emits > 50 and all.counted.trials > 20)
  end)

  it("tells findings by their lines", function()
    assert.same({
      "job.lua:3: 'nmae' is not there",
      "job.lua:5: combine changes what reduce answers",
    }, told [[
      return {
        map = function(_, line, emit)
          if #line > 1e6 then emit(nmae, 1) end emit("k", 1) end,

        combine = function(k, values, emit) local n = 0 for _ in values do n = n + 1 end
          emit(k, n) end,
        reduce = "sum",
      }]])
  end)

  it("names the line of a built-in", function()
    assert.same({ "job.lua:3: combine changes what reduce answers" }, told [[
      return {
        map = "words",
        combine = "sum",
        reduce = function(k, values, emit) local n = 0 for _ in values do n = n + 1 end
          emit(k, n) end,
      }]])
  end)

  it("finds a map that answers differently, of pairs() the line", function()
    assert.same({ "job.lua:4: map gives different output for the same records" }, told [[
      return { map = function(_, line, emit)
        local seen, list = {}, {}
        for w in line:gmatch "%a+" do seen[w] = true end
        for w in pairs(seen) do list[#list + 1] = w end
        emit("k", list)
      end, reduce = "first" }]])
  end)

  it("has nothing against pairs() whose order is sorted away", function()
    assert.same({}, told [[
      local counts = {}
      return { map = function(_, line) for w in line:gmatch "%a+" do
          counts[w] = (counts[w] or 0) + 1 end end,
        cleanup = function(mr, emit) if mr.stage == "map" then
          for w, n in pairs(counts) do emit(w, n) end end end,
        reduce = "sum" }]])
  end)

  it("has nothing against random numbers, which a task has its own of", function()
    assert.same({}, told [[
      return { map = function(_, line, emit) emit(math.random(1000), line) end,
        reduce = "first" }]])
  end)

  it("holds what a map raises on a real record against it, with the record", function()
    local found = report([[
      return { map = function(_, line, emit)
        emit(line:match "^(%d+) ", 1)
      end, reduce = "sum" }]], sample "7 a\nx\n").findings[1]

    assert.equal("job.lua", found.file)
    assert.equal(2, found.line)
    assert.matches("^map raises an error: emit: a key must be a string", found.what)
    assert.same({ 'map(4, "x", emit)' }, found.shown)
  end)

  it("only notes what a map raises on some invented ones", function()
    local all = report [[
      return { map = function(_, line, emit) emit(#line > 1 and line.x.y, 1) end,
        reduce = "sum" }]]

    assert.same({}, all.findings)
    assert.matches("invented records made the map raise an error", all.notes[1])
    assert.matches("the first: job.lua:1: attempt to index", all.notes[1], 1, true)
  end)

  it("holds against a map what it raises on all invented ones", function()
    local one = report("return { map = function(_, line, emit) emit(line, nil) end }").findings[1]

    assert.matches("^map raises an error on all of %d%d invented records: emit: value is nil$",
      one.what)
    assert.equal("emit(key, value) needs a value: true, if the key says it all; if it is right"
      .. " about real ones: mrlua check JOB.lua INPUT", one.fix)
    assert.same({}, told [[
      return { map = function(_, line, emit) emit(line, error("no: " .. line)) end }]])
  end)

  it("only notes it of a format whose records have fields", function()
    for _, input in ipairs { "'jsonl'", "{ format = 'csv', columns = { 'a' } }", "'csv'" } do
      local all = report("return { input = " .. input
        .. ", map = function(_, row, emit) emit(row.a.b.c, 1) end }")
      assert.same({}, all.findings)
      assert.matches("invented records made the map raise", all.notes[1])
    end
  end)

  it("finds a sample that gives no records", function()
    local source = "return {\n input = 'jsonl', map = function(_, v, emit) emit(v.a, 1) end }"
    local one = report(source, sample "no json\n").findings[1]

    assert.matches("^the sample sample.txt gives no record to try: [^\n]+", one.what)
    assert.equal(2, one.line)
    assert.equal("give a sample of the real input, or mend the field input: it is \"jsonl\"",
      one.fix)
    assert.same({ "job.lua:1: the sample sample.txt gives no record to try: it has none" },
      told("return { map = 'words', reduce = 'sum' }", sample ""))
    local all = report([[return { input = { format = "csv", columns = { "a" }, separator = ":" },
      map = function(_, row, emit) emit(row.a, 1) end }]], sample "a:b\n")
    assert.same({}, all.findings)
    assert.matches("^sample.txt: ", all.notes[1])
    assert.equal("give a sample with records", report("return { input = 'csv',\n"
      .. "map = function(_, row, emit) emit(row.a, 1) end }", sample "").findings[1].fix)
  end)

  it("only notes it of a later step", function()
    local all = report [[return { steps = { { map = "words", reduce = "sum" },
      { map = function(w, n, emit) emit(w, n.x.y) end } } }]]
    assert.same({}, all.findings)
    assert.matches("invented records made the map raise", all.notes[1])
  end)

  it("says of an emit without key or value what it needs", function()
    for call, fix in pairs {
      ["emit(line)"] = "emit(key, value) needs a value: true, if the key says it all",
      ["emit(nil, 1)"] = "emit(key, value) needs a key: return when there is none",
    } do
      local source = "return { map = function(_, line, emit) " .. call .. " end }"
      assert.equal(fix, report(source, sample "a\n").findings[1].fix)
    end
  end)

  it("finds a method that is not there, on invented records too", function()
    assert.same({
      "job.lua:1: map raises an error: attempt to call a nil value (method 'uper')",
    }, told [[return { map = function(_, line, emit) emit(line:uper(), 1) end, reduce = "sum" }]])
  end)

  it("finds a loop without an end, in map and in reduce", function()
    assert.same({ "job.lua:1: map does not come to an end on a record" },
      told "return { map = function() while true do end end, reduce = 'sum' }")
    assert.same({ "job.lua:2: reduce does not come to an end on a record" }, told [[
      return { map = "words",
        reduce = function(w, n) while n do end end }]])
  end)

  it("finds an 'emit' that is not the third parameter", function()
    local found = report([[
      return { map = function(line, emit) emit(#line + line, 1) end,
        reduce = function(values, emit) emit(values, 1) end }]]).findings
    local texts = {}
    for i, one in ipairs(found) do
      texts[i] = ("%d: %s; %s; %s"):format(one.line, one.what, one.why, one.fix)
    end

    assert.same({
      "1: map is called with (key, value, emit); its parameter 2, 'emit', is the value; write map ="
        .. " function(key, value, emit)",
      "2: reduce is called with (key, values, emit); its parameter 2, 'emit', is the iterator over"
        .. " values; write reduce = function(key, values, emit)",
    }, texts)
    assert.same({ "job.lua:1: combine is called with (key, values, emit)" },
      told "return { map = 'words', combine = function(emit) emit(1) end, reduce = 'sum' }")
  end)

  it("tells a function once that is both combine and reduce", function()
    assert.same({ "job.lua:1: reduce is called with (key, values, emit)" }, told [[
      local function add(values, emit) emit(values) end
      return { map = "words", combine = add, reduce = add }]])
  end)

  it("finds a map that does not know emit", function()
    assert.same({ "job.lua:1: map emits nothing: it does not take 'emit'" },
      told "return { map = function(_, line) return line, 1 end, reduce = 'sum' }")
    assert.same({}, told([[
      local n = 0
      return { map = function(_, line) n = n + #line end, reduce = "sum",
        cleanup = function(mr, emit) if mr.stage == "map" then emit("n", n) end end }]]))
  end)

  it("finds a reduce that has no way to emit", function()
    assert.same({ "job.lua:2: reduce emits nothing: it does not call 'emit'" }, told [[
      return { map = "words",
        reduce = function(w, ns, emit) local t = 0 for n in ns do t = t + n end return w, t end }]])
    assert.same({ "job.lua:1: reduce emits nothing: it does not take 'emit'" },
      told "return { map = 'words', reduce = function(w, ns) return w, ns() end }")
    assert.same({ "job.lua:1: map emits nothing: it does not call 'emit'" },
      told "return { map = function(_, line, emit) return line, 1 end, reduce = 'sum' }")
  end)

  it("only notes a reduce that might have emitted, and lets one have other outputs", function()
    local all = report [[
      return { map = "words",
        reduce = function(w, ns, emit) if ns() > 9 then emit(w, 1) end end }]]
    assert.same({}, all.findings)
    assert.same({ "the reduce emitted nothing for what the map had emitted" }, all.notes)
    all = report [[
      return { map = "words", outputs = { more = "lines" },
        reduce = function(w, ns) mr.emit_to("more", w, ns()) end }]]
    assert.same({ {}, {} }, { all.findings, all.notes })
    all = report [[
      local n = 0
      return { map = "words", reduce = function(w, ns) n = n + ns() end,
        cleanup = function(mr, emit) if mr.stage == "reduce" then emit("n", n) end end }]]
    assert.same({ {}, {} }, { all.findings, all.notes })
  end)

  it("finds a reduce that takes no key at all, whatever the values are", function()
    local all = report [[
      return { map = "words", reduce = function(k, values, emit)
        for _, v in ipairs(values) do emit(k, v) end end }]]

    assert.equal("reduce", all.findings[1].what:match "^%a+")
    assert.matches("values are an iterator: for value in values do", all.findings[1].fix, 1, true)
    all = report [[
      return { map = "words", reduce = function(k, values, emit)
        for _, v in pairs(values) do emit(k, v) end end }]]
    assert.equal("values are an iterator: for value in values do ... end", all.findings[1].fix)
    assert.same({}, told [[
      return { map = "words", reduce = function(k, values, emit) emit(k, assert(#k > 1)) end }]])
  end)

  it("says as the engine does what a built-in reduce does not take", function()
    local one = report [[
      return { map = function(_, line, emit) emit(line, "1") end,
        reduce = "sum" }]].findings[1]
    assert.same({ 2, 'reduce raises an error: sum: value of key "" is a string, not a number',
      "emit what it takes: tonumber(text) makes a number of a text" },
      { one.line, one.what, one.fix })
    assert.same({}, told [[
      return { map = function(k, _, emit) emit(1, k == 0 and "a" or k) end, reduce = "min" }]])
  end)

  it("finds a reduce that reads its values twice", function()
    assert.same({ "job.lua:1: reduce goes on to read values behind their end" }, told [[
      return { map = "words", reduce = function(k, values, emit) local n, m = 0, 0
        for v in values do n = n + v end for _ in values do m = m + 1 end emit(k, n / m) end }]])
  end)

  it("finds a setup that raises", function()
    assert.same({ "job.lua:1: setup raises an error: no list" },
      told "return { setup = function() error 'no list' end, map = 'words', reduce = 'sum' }")
  end)

  it("finds a side file that is not there", function()
    local found = report([[
      return { map = "words", reduce = "sum",
        files = { stop = "/is/not/there" } }]], { paths = { stop = "/is/not/there" } }).findings

    assert.equal(1, #found)
    assert.same({ 2, "side file 'stop': /is/not/there: No such file or directory" },
      { found[1].line, found[1].what })
  end)

  it("goes through steps, each on what the one before it emits", function()
    assert.same({ "job.lua:4: combine changes what reduce answers" }, told [[
      return { steps = {
        { map = "words", combine = "sum", reduce = "sum" },
        { map = function(w, n, emit) emit(n % 2, w) end,
          combine = function(k, values, emit) emit(k, #values()) end, reduce = "list" },
      } }]])
  end)

  it("looks at each of several inputs, by its own sample", function()
    local source = [[
      return { inputs = {
        users = { "u", input = "csv", map = function(_, row, emit)
          emit(row.id:len() + row.no.x, 1) end },
        clicks = { "c", map = function(_, line, emit) emit(1, line) end },
      }, reduce = "list" }]]

    assert.same({}, told(source))
    assert.matches("^job.lua:3: map raises an error: attempt to index a nil value", told(source, {
      samples = { users = { path = "u.csv", text = "id\n1\nx\n", is_whole = true } } })[1])
  end)

  it("notes what it could not look at", function()
    for source, note in pairs {
      ["return { unsafe = true, map = 'words', reduce = 'sum' }"] = "it says unsafe = true",
      ["return { drive = function() end }"] = "it has a driver",
      ["return { input = 'run', map = 'identity', reduce = 'sum' }"] = "give a sample of the input",
      ["return { map = function(k, v, emit) if v == k then emit(k, 1) end end,\nreduce = 'sum' }"]
        = "the map emitted nothing for",
    } do
      local all = report(source)
      assert.same({}, all.findings)
      assert.matches(note, all.notes[1], 1, true)
    end
    assert.matches("its side file 'l' is not here", report(
      "return { files = { l = 'gs://b/l' }, map = 'words', reduce = 'sum' }",
      { paths = { l = "gs://b/l" } }).notes[1])
  end)
end)

describe("mrlua/check of_load()", function()
  local function of_load(source, message)
    local one = check.of_load({ path = "job.lua", source = source }, message)
    return ("%s:%d: %s; %s"):format(one.file, one.line, one.what, one.fix)
  end

  it("finds the line of the field that is named", function()
    assert.equal("job.lua:3: unknown job field 'mapp'; write 'map'",
      of_load("-- mapp = 1\nreturn {\n\tmapp = 1 }",
        "job.lua: unknown job field 'mapp': did you mean 'map'?"))
    assert.matches("^job.lua:2: job field 'reduce' must be a function",
      of_load("local j = {}\nfunction j.reduce() end", "job.lua: job field 'reduce' must be a"
        .. " function"))
  end)

  it("takes over the word that was meant, in the quotes it has", function()
    assert.equal("job.lua:1: job field 'input' is \"json\"; write \"jsonl\"",
      of_load("return { input = 'json' }",
        "job.lua: job field 'input' is \"json\": did you mean \"jsonl\"?"))
  end)

  it("names the page of a job's fields, in the tree and of the package", function()
    assert.matches("; mend it; what may stand in a job: lua/README.md, as a package "
      .. "/usr/share/doc/mrlua/lua-README.md", of_load("return { map = 1 }",
      "job.lua: job field 'map' must be a function"), 1, true)
  end)

  it("takes the line that the message has", function()
    assert.equal("job.lua:2: '=' expected near 'b'; mend the syntax: look at this line, and at the"
      .. " one before it", of_load("a = 1\na b", "job.lua:2: '=' expected near 'b'"))
  end)

  it("adds the globals that are not there to what loading has said", function()
    local all = check.unloaded({ path = "job.lua", source = "io.open 'x'", modules = {} },
      "job.lua:1: attempt to index a nil value (global 'io')")

    assert.same({ "mend this line: it runs when the file is loaded", "'io' is not there" },
      { all.findings[1].fix, all.findings[2].what })
    all = check.unloaded({ path = "job.lua", source = "a b", modules = {} },
      "job.lua:1: '=' expected near 'b'")
    assert.equal(1, #all.findings)
  end)

  it("says how a file ends that returns nothing", function()
    assert.equal("job.lua:2: a job file must return a table, not nil; end the file with: return {"
      .. " map = ..., reduce = ... }", of_load("local j = {}\nj.map = 1",
      "job.lua: a job file must return a table, not nil"))
  end)
end)

--- What `mrlua new` writes: a job and its spec of each kind. NAME stands for the job's name.
--
-- Each kind has: purpose; command, what follows "mrlua run NAME.lua", which works on any Debian
-- machine; job and spec, texts of Lua.

local new_kinds = {}

--- The names, in the order they are told; the first is the default.
new_kinds.names = { "count", "filter", "table", "steps" }

local SPEC_HEAD <const> = [[
--- What NAME.lua must do. Run it, in this folder:  busted NAME_spec.lua
--
-- Debian: apt install lua-busted lua-cjson lua-lpeg. Where mrlua's Lua modules are stands in
-- .busted (lpath); 'mrlua new' wrote it.

local dryrun = require "mrlua.dryrun" -- what a job means, in plain Lua, without the engine

local job = dofile "NAME.lua"
]]

new_kinds.count = {
  purpose = "map emits pairs, reduce adds up what is under each key: word count",
  command = "/usr/share/common-licenses/GPL-3",
  job = [[
--- NAME: counts the words of a text.
--
--     mrlua run NAME.lua /usr/share/common-licenses/GPL-3
--
-- Output: "word <tab> count", sorted by word. All fields and functions: lua/README.md of mrlua.

return {
  -- --param shortest=4 sets it; functions read mr.params.shortest.
  params = { shortest = 1 },

  -- Called for every line of the input: its offset, and the line without its end.
  map = function(_, line, emit)
    for word in line:lower():gmatch("%a+") do
      if #word >= mr.params.shortest then
        emit(word, 1)
      end
    end
  end,

  -- Applied early, to send less: it must not change what reduce answers. A function or a built-in.
  combine = "sum",

  -- Called once for every key. `counts` is an iterator over its values, to be read once.
  reduce = function(word, counts, emit)
    local total = 0
    for count in counts do
      total = total + count
    end
    emit(word, total)
  end,
}
]],
  spec = SPEC_HEAD .. [[

describe("NAME", function()
  it("counts the words of all lines, small and capital letters alike", function()
    local records = dryrun.run(job, { "A rose is a rose", "is a rose" })

    assert.same({ { "a", 3 }, { "is", 2 }, { "rose", 3 } }, records)
  end)

  it("leaves out words that are too short", function()
    local records = dryrun.run(job, { "a rose is a rose" }, { shortest = 3 })

    assert.same({ { "rose", 2 } }, records)
  end)
end)
]],
}

new_kinds.filter = {
  purpose = "map alone: what it emits is the output, in the order of the input",
  command = "--param word=free /usr/share/common-licenses/GPL-3",
  job = [[
--- NAME: the lines with a word.
--
--     mrlua run NAME.lua --param word=free /usr/share/common-licenses/GPL-3
--
-- Output: the lines as they are. All fields and functions: lua/README.md of mrlua.

return {
  params = { word = "the" },

  -- "lines" writes values, "tsv" (the default) keys and values; there are csv and jsonl, too.
  output = "lines",

  -- Called for every line of the input. Without reduce nothing is sorted: what is emitted is
  -- written.
  map = function(offset, line, emit)
    if line:lower():find(mr.params.word, 1, true) then
      mr.count "lines" -- a counter of the job
      emit(offset, line)
    end
  end,
}
]],
  spec = SPEC_HEAD .. [[

describe("NAME", function()
  it("keeps the lines with the word, and counts them", function()
    local records, counters = dryrun.run(job, { "Free as a bird", "or not" }, { word = "free" })

    assert.same({ { 0, "Free as a bird" } }, records)
    assert.equal(1, counters.lines)
  end)
end)
]],
}

new_kinds.table = {
  purpose = "rows with columns (CSV), grouped and added up",
  command = "/etc/passwd",
  job = [[
--- NAME: how many users have which shell, and the largest of their numbers.
--
--     mrlua run NAME.lua /etc/passwd
--
-- Output: CSV with a first row of names. All fields and functions: lua/README.md of mrlua.

return {
  -- Where the first row has the names, input = "csv" is all; the columns are then fields of `row`.
  input = {
    format = "csv", separator = ":", quoted_newlines = false,
    columns = { "user", "password", "uid", "gid", "name", "home", "shell" },
  },
  output = { format = "csv", columns = { "shell", "users", "largest" }, header = true },

  -- Called for every row: a table of texts.
  map = function(_, row, emit)
    emit(row.shell, { users = 1, largest = tonumber(row.uid) })
  end,

  -- Called once for every key, with an iterator over what was emitted under it.
  reduce = function(shell, values, emit)
    local users, largest = 0, 0
    for value in values do
      users, largest = users + value.users, math.max(largest, value.largest)
    end
    emit(shell, { shell = shell, users = users, largest = largest })
  end,
}
]],
  spec = SPEC_HEAD .. [[

describe("NAME", function()
  it("counts the users of a shell", function()
    local records = dryrun.run(job, {
      "root:x:0:0:root:/root:/bin/bash",
      "mail:x:8:8:mail:/var/mail:/bin/false",
      "ann:x:1000:1000:Ann:/home/ann:/bin/bash",
    })

    assert.same({
      { "/bin/bash", { shell = "/bin/bash", users = 2, largest = 1000 } },
      { "/bin/false", { shell = "/bin/false", users = 1, largest = 8 } },
    }, records)
  end)
end)
]],
}

new_kinds.steps = {
  purpose = "two steps, each a map and a reduce: the second reads what the first wrote",
  command = "--param n=5 /usr/share/common-licenses/GPL-3",
  job = [[
--- NAME: the most frequent words, in two steps.
--
--     mrlua run NAME.lua --param n=5 /usr/share/common-licenses/GPL-3
--
-- Output: "count <tab> word", the largest count first. All fields and functions: lua/README.md of
-- mrlua.

local function count_words(_, line, emit)
  for word in line:lower():gmatch("%a+") do
    emit(word, 1)
  end
end

-- Keys are sorted: under its count, made negative, the most frequent word comes first.
local function by_count(word, count, emit)
  emit({ -count, word }, true)
end

local best = 0 -- how many were written; a step has one reduce task here, so this counts them all

local function first_ones(key, _, emit)
  if best < mr.params.n then
    best = best + 1
    emit(-key[1], key[2])
  end
end

return {
  params = { n = 10 },
  steps = {
    { map = count_words, combine = "sum", reduce = "sum" },
    { map = by_count, reduce = first_ones, reducers = 1 },
  },
}
]],
  spec = SPEC_HEAD .. [[

describe("NAME", function()
  it("puts the most frequent words first, and stops after n", function()
    local records = dryrun.run(job, { "to be or not", "to be or", "to be", "to" }, { n = 2 })

    assert.same({ { 4, "to" }, { 3, "be" } }, records)
  end)
end)
]],
}

--- The text of a kind, for a job of this name.
-- @tparam string text
-- @tparam string name
function new_kinds.fill(text, name)
  return (text:gsub("NAME", name))
end

return new_kinds

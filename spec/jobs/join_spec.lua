local dryrun = require "mrlua.dryrun"
local engine = require "spec.support.engine"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"

local JOIN <const> = "jobs/join.lua"

local folder

-- What the job means with these texts.
local function joined(inputs)
  local lines = {}
  for i, record in ipairs(dryrun.run(meaning.load(JOIN), inputs)) do
    lines[i] = record[1] .. "\t" .. record[2] .. "\n"
  end
  return table.concat(lines)
end

local function run(inputs, ...)
  local argv = { "run", JOIN, "--quiet", ... }
  for name, text in pairs(inputs) do
    argv[#argv + 1] = ("--input=%s=%s"):format(name, temp.write(folder .. "/" .. name, text))
  end
  return engine.output(argv)
end

describe("jobs/join", function()
  temp.each(function(path)
    folder = path
  end)

  it("joins each user with all groups of its number, and no other", function()
    local inputs = { groups = "a:x:1:\nb:x:2:ann\nalso_a:x:1:\nnobody:x:9:\n",
      users = "ann:x:7:2:Ann:/:/bin/sh\nbob:x:8:1:::\nzoe:x:9:3:::\n" }

    assert.equal("bob\ta\nbob\talso_a\nann\tb\n", joined(inputs))
    assert.equal(joined(inputs), run(inputs))
    assert.equal("", run({ groups = "", users = inputs.users }))
  end)

  it("means on dryrun what the engine does with the users of this machine", function()
    local inputs = { groups = temp.read "/etc/group", users = temp.read "/etc/passwd" }
    local expected = joined(inputs)

    assert.matches("\ndaemon\tdaemon\n", expected, 1, true)
    assert.equal(expected, engine.output { "run", JOIN, "--quiet" })
    assert.equal(expected, run(inputs, "--split-size", "100", "--sort-buffer", "1M"))
    assert.equal(meaning.sorted(expected), meaning.sorted(run(inputs, "--reducers", "3")))
  end)

  it("holds one side of a key in memory, and lets the other pass by", function()
    local users = {}
    for i = 1, 100000 do
      users[i] = ("user%d:x:%d:1:a user:/home/user%d:/bin/sh\n"):format(i, i, i)
    end
    local output = run({ groups = "all:x:1:\n", users = table.concat(users) },
      "--limit-memory", "2M")

    assert.equal("user1\tall\nuser2\tall\n", output:sub(1, 20))
    assert.equal(100000, select(2, output:gsub("\n", "")))
  end)
end)

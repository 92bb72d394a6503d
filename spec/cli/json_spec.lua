--- What every command keeps that prints data: --json, and no colours but on a terminal.

local engine = require "spec.support.engine"
local json = require "mrlua.json"
local kit = require "spec.support.commands"
local temp = require "spec.support.temp"

-- Those that print no data.
local WITHOUT <const> = { new = "writes files", help = "text for people", completion = "a script",
  master = "a daemon", worker = "a daemon", cluster = "scripts", repl = "a prompt" }

-- Where no master is.
local NOWHERE <const> = { environment = "MRLUA_MASTER=127.0.0.1:1" }

describe("--json", function()
  it("is a flag of every command that prints data", function()
    for name, module in kit.each() do
      if not WITHOUT[name] then
        local flags = {}
        for _, option in ipairs(module.parser()._options) do
          for _, alias in ipairs(option._aliases) do
            flags[alias] = true
          end
        end
        assert.is_true(flags["--json"], name .. " has --json")
      end
    end
  end)

  it("tells a failure, too, as one line with its kind and message", function()
    for _, argv in ipairs {
      { "jobs" }, { "workers" }, { "status", "7" }, { "cancel", "7" },
      { "inspect", "/is/not/there" }, { "check", "/is/not/there.lua" },
      { "key", "--role", "read", "--key-file", "/is/not/there" },
      { "submit", "jobs/wordcount.lua", "README.md", "-o", "/is/not/there/out" },
      { "run", "/is/not/there.lua", "README.md", "-o", "/is/not/there/out" },
    } do
      table.insert(argv, "--json")
      local result = engine.run(argv, NOWHERE)
      local answer = json.decode(assert(result.stdout:match "^([^\n]+)\n$", argv[1]))

      assert.is_false(answer.ok)
      assert.is_string(answer.error.kind)
      assert.matches("^mrlua: " .. answer.error.message:gsub("%p", "%%%0"), result.stderr)
      assert.not_equal(0, result.code)
    end
  end)

  it("tells an output, and what is wrong with it", function()
    local folder <const> = temp.folder()
    finally(function() temp.remove(folder) end)
    engine.output { "run", "jobs/wordcount.lua", "README.md", "--quiet", "--reducers", "2", "-o",
      folder .. "/out" }
    local answer = json.decode(engine.output { "inspect", folder .. "/out", "--json" })

    assert.is_true(answer.ok)
    assert.equal("wordcount", answer.job)
    assert.equal("part-00001", answer.parts[2].name)
    assert.same({ true, nil, "integer" }, { answer.parts[1].ok, answer.parts[1].error,
      math.type(answer.parts[1].records) })

    temp.write(folder .. "/out/part-00000", "damaged")
    local result = engine.run { "inspect", folder .. "/out", "--json" }
    answer = json.decode(result.stdout)
    assert.same({ 1, false, false, true }, { result.code, answer.ok, answer.parts[1].ok,
      answer.parts[2].ok })
    assert.is_string(answer.parts[1].error)
  end)

  it("tells a run file, an object a line", function()
    local folder <const> = temp.folder()
    finally(function() temp.remove(folder) end)
    local job = temp.write(folder .. "/job.lua",
      "return { map = 'words', reduce = 'sum', output = 'run' }")
    temp.write(folder .. "/in", "b a b\n")
    engine.output { "run", job, folder .. "/in", "--quiet", "-o", folder .. "/out" }
    local lines = {}
    for line in engine.output({ "inspect", folder .. "/out/part-00000", "--json" })
      :gmatch "[^\n]+" do
      lines[#lines + 1] = json.decode(line)
    end

    assert.same({ 2, 2 }, { lines[1].run.records, lines[2].segment.records })
    assert.same({ { key = "a", value = 1 }, { key = "b", value = 2 } }, { lines[3], lines[4] })
  end)

  it("tells a role's key, and the version", function()
    local folder <const> = temp.folder()
    finally(function() temp.remove(folder) end)
    local environment = { environment = "XDG_STATE_HOME=" .. folder }
    local text = engine.output({ "key", "--role", "read" }, environment)
    local answer = json.decode(engine.output({ "key", "--role", "read", "--json" }, environment))

    assert.same({ role = "read", key = (text:gsub("\n$", "")) }, answer)
    answer = json.decode(engine.output { "--version", "--json" })
    assert.matches("^mrlua " .. answer.version:gsub("%p", "%%%0") .. "\n" .. answer.lua,
      engine.output { "--version" })
  end)
end)

describe("colours and bars", function()
  local folder
  temp.each(function(path) folder = path end)

  -- What a terminal is sent.
  local function sent(environment)
    local command = engine.command { "run", "jobs/wordcount.lua", "-o", folder .. "/out",
      "--overwrite", "--slots", "1", "--split-size", "4K", "--reducers", "3",
      "/usr/share/common-licenses" }
    local result = engine.run_command(("%s script -qec %s /dev/null"):format(environment,
      temp.quote(command)))
    assert.equal(0, result.code, result.stdout)
    return result.stdout
  end

  it("are on a terminal", function()
    local text = sent "TERM=xterm NO_COLOR="

    assert.matches("\27%[K", text)
    assert.matches("\27%[32m", text)
  end)

  it("are without colours with NO_COLOR", function()
    local text = sent "TERM=xterm NO_COLOR=1"

    assert.matches("\27%[K", text)
    assert.not_matches("\27%[[%d;]*m", text)
  end)

  it("are not on a dumb terminal", function()
    local text = sent "TERM=dumb"

    assert.matches("map", text)
    assert.not_matches("\27", text)
  end)

  it("are not in any help, on a terminal", function()
    for name in kit.each() do
      local command = temp.quote(engine.path) .. " " .. name .. " --help"
      local result = engine.run_command("TERM=xterm script -qec " .. temp.quote(command)
        .. " /dev/null")

      assert.matches("Usage: mrlua", result.stdout, 1, true)
      assert.not_matches("\27", result.stdout)
    end
  end)
end)

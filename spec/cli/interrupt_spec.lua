local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

-- Attempts are numbered in the low 32 bits: the first makes the plan, the second is a map.
local FIRST_MAP <const>, ALL <const> = 2, 0xffffffff

local folder, group

local function read(name)
  return temp.exists(folder .. "/" .. name) and temp.read(folder .. "/" .. name) or ""
end

-- Starts a job in a process group of its own, and goes on when a map has begun. Attempts up to
-- `endless` never end by themselves.
local function start(endless, flags, wrapper)
  temp.write(folder .. "/in", "a\nb\nc\nd\n")
  temp.write(folder .. "/job.lua", [[
    return { limits = { seconds_per_record = 100 }, reduce = "sum", params = { endless = 0 },
      map = function(_, line, emit)
        print("mapping")
        while mr.attempt & 0xffffffff <= mr.params.endless do end
        emit(line, 1)
      end }]])
  local command = engine.command { "run", folder .. "/job.lua", folder .. "/in",
    "--tmp", folder .. "/tmp", "--split-size", "2", "--param", "endless=" .. endless,
    table.unpack(flags) }
  temp.write(folder .. "/start.sh", ("cd %s; echo $$ >pid; %s %s >stdout 2>stderr; echo $? >code")
    :format(folder, wrapper or "", command))
  os.execute(("setsid sh %s/start.sh </dev/null &"):format(folder))
  assert(temp.wait_until(20, function()
    return read("stderr"):find("mapping")
  end), "no map began")
  group = read("pid"):match("%d+")
end

local function pids(filter)
  local list = {}
  for pid in temp.capture("pgrep " .. filter):gmatch("%d+") do
    list[#list + 1] = pid
  end
  return list
end

-- The `mrlua run` that the user started; its children are the nursery and the attempts.
local function main_pid()
  return assert(pids("-P " .. group)[1])
end

local function nursery_pid()
  return assert(pids(("-P %s -f mrlua-nursery"):format(main_pid()))[1])
end

local function all_pids()
  local list = pids("-g " .. group)
  local vm_children = pids("-P " .. nursery_pid())
  assert.is_true(#vm_children > 0)
  return table.move(vm_children, 1, #vm_children, #list + 1, list)
end

local function are_gone(list)
  for _, pid in ipairs(list) do
    if os.execute("kill -0 " .. pid .. " 2>/dev/null") then
      return false
    end
  end
  return true
end

local function exit_code()
  assert(temp.wait_until(20, function()
    return read("code"):find("\n")
  end), "it does not end")
  return tonumber(read("code"))
end

local function signal(name, list)
  return os.execute(("kill -%s %s"):format(name, table.concat(list, " ")))
end

local function kill_vm_children()
  assert(signal("KILL", pids("-P " .. nursery_pid())))
end

local function leaves_nothing(list)
  assert(temp.wait_until(5, function()
    return are_gone(list)
  end), "processes stay")
  assert.same({}, temp.list(folder .. "/tmp"))
  assert.equal("", temp.capture("ls -d " .. folder .. "/out* " .. folder .. "/.out* 2>/dev/null"))
  assert.equal("", read "stdout")
end

describe("mrlua run", function()
  before_each(function()
    folder = temp.folder()
    os.execute("mkdir " .. folder .. "/tmp")
  end)

  after_each(function()
    if group then
      os.execute("kill -9 -" .. group .. " 2>/dev/null")
    end
    temp.remove(folder)
  end)

  it("ended by Ctrl-C, which its whole process group gets, leaves nothing behind", function()
    start(ALL, { "-o", folder .. "/out" })
    local list = all_pids()
    signal("INT", { "-" .. group }) -- a shell that waits for its child lives on

    assert.equal(130, exit_code())
    leaves_nothing(list)
    assert.matches("\nmrlua: interrupted\n$", read "stderr")
  end)

  it("ended by SIGTERM to the one process that is known leaves nothing behind", function()
    start(ALL, { "-o", folder .. "/out" })
    local list = all_pids()
    signal("TERM", { main_pid() })

    assert.equal(143, exit_code())
    leaves_nothing(list)
  end)

  it("ended by two signals is as clean as after one", function()
    start(ALL, { "-o", folder .. "/out" })
    local list = all_pids()
    local main = main_pid()
    os.execute(("kill -INT %s; kill -INT %s 2>/dev/null"):format(main, main))

    assert.equal(130, exit_code())
    leaves_nothing(list)
  end)

  it("ended by a signal prints no record", function()
    start(ALL, {})
    signal("INT", { main_pid() })

    assert.equal(130, exit_code())
    assert.equal("", read "stdout")
  end)

  it("goes on after a hangup that nohup has it ignore", function()
    start(FIRST_MAP, { "--slots", "1" }, "nohup")
    signal("HUP", { main_pid() })
    kill_vm_children()

    assert.equal(0, exit_code())
    assert.equal("a\t1\nb\t1\nc\t1\nd\t1\n", read "stdout")
  end)

  it("killed with -9 takes its processes with it, and the next run its files", function()
    start(ALL, { "-o", folder .. "/out" })
    local list = all_pids()
    signal("KILL", { main_pid() })

    assert.equal(137, exit_code())
    assert(temp.wait_until(5, function()
      return are_gone(list)
    end), "processes stay")
    local result = engine.run { "run", "jobs/wordcount.lua", folder .. "/in", "--quiet",
      "--tmp", folder .. "/tmp", "-o", folder .. "/out", "--overwrite" }

    assert.equal("", result.stderr)
    assert.same({}, temp.list(folder .. "/tmp"))
    assert.same({ "_SUCCESS", "part-00000" }, temp.list(folder .. "/out"))
  end)

  it("tries a task again whose process was killed, and gives the same output", function()
    start(FIRST_MAP, { "--slots", "1" })
    kill_vm_children()

    assert.equal(0, exit_code())
    assert.equal("a\t1\nb\t1\nc\t1\nd\t1\n", read "stdout")
  end)
end)

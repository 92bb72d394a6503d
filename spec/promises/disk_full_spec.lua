-- A disk that fills up in the middle: one clear line, exit code 1, nothing half-written.

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local MOUNT = "mount -t tmpfs -o size=1m tmpfs"

-- Can this process mount a small disk that nobody else sees?
local function can_mount()
  return os.execute("unshare -m sh -c '" .. MOUNT .. " /tmp' 2>/dev/null") == true
end

describe("a disk that is full in the middle", function()
  local folder, input, disk

  before_each(function()
    folder = temp.folder()
    disk = folder .. "/disk"
    assert(os.execute("mkdir " .. disk))
    -- 4 MB that LZ4 cannot make small
    math.randomseed(1)
    local lines = {}
    for i = 1, 60000 do
      lines[i] = ("%016x%016x%016x%016x"):format(math.random(0), math.random(0), math.random(0),
        math.random(0))
    end
    input = temp.write(folder .. "/input", table.concat(lines, "\n"))
  end)

  after_each(function()
    temp.remove(folder)
  end)

  -- Runs mrlua with a disk of 1 MB at `disk`; its listing afterwards is the last thing printed.
  local function run(argv)
    local script = temp.write(folder .. "/script", ("%s %s || exit 99\n%s\ncode=$?\n"
      .. "echo; ls -A %s; exit $code\n"):format(MOUNT, disk, engine.command(argv), disk))
    return engine.run_command("unshare -m sh " .. script, { seconds = 60 })
  end

  local function claim(what, check)
    it(what, function()
      if not can_mount() then
        return pending("needs root and a mount namespace")
      end
      check()
    end)
  end

  -- It says which disk that is, too.
  local function check_failed_cleanly(result, place)
    assert.equal(1, result.code, result.stderr)
    assert.truthy(result.stderr:find("No space left on device", 1, true), result.stderr)
    assert.truthy(result.stderr:find("\n" .. place .. "\n", 1, true), result.stderr)
    assert.equal("\n", result.stdout)
  end

  claim("ends the job while it spills, and leaves no file there", function()
    check_failed_cleanly(run { "run", "jobs/sort.lua", "--quiet", "--sort-buffer", "1M",
      "--reducers", "1", "--tmp", disk, "-o", folder .. "/out", input },
      ("intermediate files: in %s (--tmp DIR: elsewhere)"):format(disk))
    assert.same({}, temp.list(folder .. "/out"))
  end)

  claim("ends the job while it writes parts, and leaves no file there", function()
    check_failed_cleanly(run { "run", "jobs/sort.lua", "--quiet", "--reducers", "2",
      "--tmp", folder, "-o", disk .. "/out", input }, ("output: in %s/out"):format(disk))
    assert.same({ "disk", "input", "script" }, temp.list(folder))
  end)

  it("ends the job when standard output is it", function()
    local result = engine.run_command(
      engine.command { "run", "jobs/sort.lua", "--quiet", input } .. " >/dev/full")

    assert.equal(1, result.code)
    assert.truthy(result.stderr:find("No space left on device", 1, true), result.stderr)
  end)
end)

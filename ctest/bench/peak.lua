--- Peak memory of the processes of one `mrlua run`, as the kernel counts it (VmHWM).
--
--     local peaks = peak.of("build/mrlua run ...")     MB of the largest process of each kind
--
-- Kinds: "shell" is the process that was started, "nursery" its oldest child, "child" a child of
-- the nursery, "trusted" any other. VmHWM only grows, so a look every 20 ms misses what a process
-- added in its last 20 ms. "all" is another figure: anonymous and shared memory of all of them
-- together, at the look when it was most.

local peak = {}

local function read(path)
  local file <close> = io.open(path)
  return file and file:read("a") or ""
end

local function children_of(pid)
  local children = {}
  for child in read(("/proc/%s/task/%s/children"):format(pid, pid)):gmatch("%d+") do
    children[#children + 1] = child
  end
  return children
end

-- Answers the megabytes that are its own now.
local function look(peaks, pid, kind)
  local status = read("/proc/" .. pid .. "/status")
  local kilobytes = tonumber(status:match("VmHWM:%s*(%d+)"))
  if not kilobytes then
    return 0
  end
  peaks[kind] = math.max(peaks[kind] or 0, kilobytes / 1000)
  return (status:match("RssAnon:%s*(%d+)") + status:match("RssShmem:%s*(%d+)")) / 1000
end

local function look_at_all(peaks, shell)
  local all = look(peaks, shell, "shell")
  for i, pid in ipairs(children_of(shell)) do
    all = all + look(peaks, pid, i == 1 and "nursery" or "trusted")
    for _, child in ipairs(children_of(pid)) do
      all = all + look(peaks, child, i == 1 and "child" or "trusted")
    end
  end
  peaks.all = math.max(peaks.all or 0, all)
end

--- Runs `command` (no shell syntax that would put a process between) and watches it.
-- @treturn table  kind -> MB; and whether the command succeeded
function peak.of(command)
  local pipe <close> = assert(io.popen("echo $$; exec " .. command))
  local shell, peaks = pipe:read("l"), {}
  repeat
    look_at_all(peaks, shell)
    os.execute("sleep 0.02")
    local state = read("/proc/" .. shell .. "/stat"):match("%) (%a)")
  until not state or state == "Z"
  return peaks, (pipe:close())
end

return peak

--- What the jobs of the MIT 6.824 lab have in common: partition, marker files, waits. Try
-- `mrlua run jobs/mit/wc.lua --reducers 10 FILE...`.

local lab = { REDUCERS = 10 }

--- The lab's partition: FNV-1a (32 bits) without its top bit.
function lab.partition(key, count)
  local hash = 0x811c9dc5
  for i = 1, #key do
    hash = ((hash ~ key:byte(i)) * 0x01000193) & 0xffffffff
  end
  return (hash & 0x7fffffff) % count
end

--- The values, sorted as strings and joined with blanks.
function lab.join_sorted(values)
  local list = {}
  for value in values do
    list[#list + 1] = tostring(value)
  end
  table.sort(list)
  return table.concat(list, " ")
end

--- Waits. mr.params.pace = 1 is the lab's time; tests that only count go faster.
function lab.wait(seconds)
  os.execute(("sleep %.2f"):format(seconds * mr.params.pace))
end

--- How many marker files in the current folder begin with `prefix`.
function lab.count_markers(prefix)
  local pipe <close> = assert(io.popen("ls"))
  local count = 0
  for name in pipe:lines() do
    count = count + (name:sub(1, #prefix) == prefix and 1 or 0)
  end
  return count
end

function lab.drop_marker(name)
  assert(io.open(name, "w")):close()
end

--- Leaves a marker for one second and counts those there: how many tasks of `phase` run at once.
function lab.count_running(phase)
  local prefix = "mr-worker-" .. phase .. "-"
  local marker = prefix .. mr.worker .. "-" .. mr.attempt
  lab.drop_marker(marker)
  local count = lab.count_markers(prefix)
  lab.wait(1)
  os.remove(marker)
  return count
end

return lab

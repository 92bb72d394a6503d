--- MIT lab, early_exit: some reduces are slow, and nothing ends before they have.
--
--     mrlua run jobs/mit/early_exit.lua --allow-unsafe pg-*.txt
--
-- Output: "name 1" for each file. Two of the reduces take three seconds (os.execute, hence
-- unsafe).

local lab = require "lab"

local early_exit = {
  input = "file", output = "lines", reducers = lab.REDUCERS, partition = lab.partition,
  unsafe = true,
  params = { pace = 1.0 },
}

function early_exit.map(name, _, emit)
  emit(name, 1)
end

function early_exit.reduce(name, ones, emit)
  if name:find("sherlock") or name:find("tom") then
    lab.wait(3)
  end
  local count = 0
  for _ in ones do
    count = count + 1
  end
  emit(("%s %d"):format(name, count), true)
end

return early_exit

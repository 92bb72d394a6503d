--- A job that takes long enough to be disturbed, in the sandbox: tens of tasks, about 10 ms each.
--
--     it_all:submit(slow.write(folder), slow.INPUTS, slow.FLAGS)

local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local slow = {}

local JOB = [[
return {
  map = function(offset, line, emit)
    for i = 1, 6000 do local _ = line:find("x", 1, true) end
    for word in line:gmatch("%a+") do emit(word, offset) end
  end,
  reduce = function(word, offsets, emit)
    local hash = 0
    for offset in offsets do
      for i = 1, 500 do local _ = word:find("x", 1, true) end
      hash = (hash * 31 + offset) & 0xffffffff
    end
    emit(word, hash)
  end,
}
]]

slow.INPUTS = texts.LICENSES
slow.FLAGS = { "--split-size", "2K", "--reducers", "6" }

--- Writes the job; answers its path.
function slow.write(folder)
  return temp.write(folder .. "/slow.lua", JOB)
end

return slow

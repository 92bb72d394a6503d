--- MIT lab, crash: a third of all calls ends the process, a quarter is slow; the output is right.
--
--     mrlua run jobs/mit/crash.lua --allow-unsafe pg-*.txt
--
-- Output: that of nocrash.lua. (Ends processes by os.exit and sleeps, hence unsafe; and seeds
-- itself from the system, since an attempt with the same numbers would crash for ever.)

local lab = require "lab"
local nocrash = require "nocrash"

local crash = {
  input = "file", output = "lines", reducers = lab.REDUCERS, partition = lab.partition,
  unsafe = true,
  attempts = 30,
  params = { pace = 1.0 },
}

function crash.setup()
  local file <close> = assert(io.open("/dev/urandom", "rb"))
  math.randomseed((string.unpack("i8", file:read(8))))
end

local function maybe_crash()
  if math.random() < 0.33 then
    os.exit(1)
  elseif math.random() < 0.33 then
    lab.wait(10 * math.random())
  end
end

function crash.map(name, contents, emit)
  maybe_crash()
  nocrash.map(name, contents, emit)
end

function crash.reduce(key, values, emit)
  maybe_crash()
  nocrash.reduce(key, values, emit)
end

return crash

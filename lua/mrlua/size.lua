--- Sizes, counts and durations as people write and read them.
--
-- Flags and job fields take 64M in powers of 1024 (`--sort-buffer 64M` is 67,108,864 bytes);
-- what is shown is in powers of 1000, like disks and rates ("483 MB", "65.0 M").

local size = {}

local UNITS = { [""] = 1, K = 1 << 10, M = 1 << 20, G = 1 << 30, T = 1 << 40 }

--- Reads "64M", "1.5G", "512", "4k", "64MB", "64MiB".
-- @treturn integer  bytes
-- @return           or nil and a message
function size.parse(text)
  local number, unit = tostring(text):match("^(%d+%.?%d*)%s*([kKmMgGtT]?)i?[bB]?$")
  local bytes = number and tonumber(number) * 1.0 * UNITS[unit:upper()]
  if not bytes or bytes >= 2 ^ 63 then
    return nil, ("'%s' is not a size; write 512, 64K, 64M or 1.5G"):format(text)
  end
  return math.tointeger(math.floor(bytes))
end

-- Three digits are enough to compare by eye: 4.83, 48.3, 483.
local function three_digits(number)
  if number >= 99.95 then
    return ("%.0f"):format(number)
  elseif number >= 9.995 then
    return ("%.1f"):format(number)
  end
  return ("%.2f"):format(number)
end

local function scaled(number, units)
  local i = 1
  while number >= 999.5 and i < #units do
    number, i = number / 1000, i + 1
  end
  if i == 1 then
    return ("%.0f"):format(number), units[1]
  end
  return three_digits(number), units[i]
end

--- 483211000 -> "483 MB"
function size.bytes(count)
  return ("%s %s"):format(scaled(count, { "B", "KB", "MB", "GB", "TB", "PB" }))
end

--- 65012345 -> "65.0 M", 812 -> "812"
function size.count(count)
  local number, unit = scaled(count, { "", "k", "M", "G", "T" })
  return unit == "" and number or number .. " " .. unit
end

--- 4.12 -> "4.1 s", 95 -> "1 min 35 s", 7300 -> "2 h 1 min"
function size.seconds(seconds)
  if seconds < 0.9995 then
    return ("%.0f ms"):format(seconds * 1000)
  elseif seconds < 59.95 then
    return ("%.1f s"):format(seconds)
  end
  local whole = math.floor(seconds + 0.5)
  if whole < 3600 then
    return ("%d min %d s"):format(whole // 60, whole % 60)
  end
  return ("%d h %d min"):format(whole // 3600, whole % 3600 // 60)
end

return size

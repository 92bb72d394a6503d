--- What an argument of a command line may be: functions for argparse's `convert`, each text in,
-- value out, or nil and one line.

local size = require "mrlua.size"

local convert = {}

--- A whole number from `low` to `high`.
function convert.integer_within(low, high)
  return function(text)
    local number = text:match("^%d+$") and math.tointeger(tonumber(text))
    if not number or number < low or number > high then
      return nil, ("'%s' is not a whole number from %d to %d"):format(text, low, high)
    end
    return number
  end
end

--- A number of seconds above 0.
function convert.seconds(text)
  local number = text:match("^%d+%.?%d*$") and tonumber(text)
  if not number or number <= 0 or number > 1e9 then
    return nil, ("'%s' is not a number of seconds above 0"):format(text)
  end
  return number + 0.0
end

local UNIT_SECONDS = { s = 1, m = 60, h = 3600, d = 24 * 3600 }

--- "90s", "30m", "12h", "7d" in seconds.
function convert.age(text)
  local number, unit = text:match("^(%d+)([smhd])$")
  local seconds = number and math.tointeger(tonumber(number) * UNIT_SECONDS[unit])
  if not seconds or seconds > 100 * 365 * UNIT_SECONDS.d then
    return nil, ("'%s' is not an age; write 90s, 30m, 12h or 7d"):format(text)
  end
  return seconds
end

--- A size above 0, in bytes.
function convert.positive_size(text)
  local bytes, message = size.parse(text)
  if bytes == 0 then
    return nil, "a size must be above 0"
  end
  return bytes, message
end

--- A size of at least `low` bytes, which are whole MiB.
function convert.size_from(low)
  return function(text)
    local bytes, message = size.parse(text)
    if bytes and bytes < low then
      return nil, ("'%s' is less than %dM"):format(text, low >> 20)
    end
    return bytes, message
  end
end

--- "name=value" as { name, value }.
function convert.parameter(text)
  local name, value = text:match("^([%a_][%w_]*)=(.*)$")
  if not name then
    return nil, text:find "^[%a_][%w_]*$"
      and ("'%s' is not name=value: write --param %s=VALUE"):format(text, text)
      or ("'%s' is not name=value"):format(text)
  end
  return { name, value }
end

-- NAME=PATH as { name, path }, by a pattern of both.
local function named_path(pattern)
  return function(text)
    local name, path = text:match(pattern)
    if not name then
      return nil, ("'%s' is not NAME=PATH"):format(text)
    end
    return { name, path }
  end
end

--- The path of a side file, and that of a named input.
convert.side_file = named_path "^([^=/]+)=(.+)$"
convert.named_path = named_path "^([%a_][%w_]*)=(.+)$"

--- A job's number, as `mrlua submit` and `mrlua jobs` tell it.
function convert.job(text)
  local number = text:match("^%d+$") and math.tointeger(tonumber(text))
  if text:find "^r%d+$" then
    return nil, ("'%s' is a run of this machine: mrlua show %s"):format(text, text)
  elseif not number or number < 1 then
    return nil, ("'%s' is not the number of a job; 'mrlua jobs' lists them"):format(text)
  end
  return number
end

--- Where outputs of maps wait: local, gcs or gs://BUCKET/PREFIX.
function convert.shuffle(text)
  if text ~= "local" and text ~= "gcs" and not text:find("^gs://[^/]") then
    return nil, ("'%s' is not local, gcs or gs://BUCKET/PREFIX"):format(text)
  end
  return text
end

--- HOST:PORT. An IPv6 address stands in brackets.
function convert.address(text)
  local host, port = text:match("^(%[[%x:.]+%]):(%d+)$")
  if not host then
    host, port = text:match("^([^:%s]+):(%d+)$")
  end
  if not host or tonumber(port) > 65535 then
    return nil, ("'%s' is not HOST:PORT"):format(text)
  end
  return text
end

--- A name that is not empty.
function convert.path(text)
  if text == "" then
    return nil, "a name is empty"
  end
  return text
end

return convert

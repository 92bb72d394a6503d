--- `mrlua cache`: what `mrlua run --reuse` keeps for later jobs on this machine, and how to be rid
-- of it. The folder is engine/store/cache.h.

local convert = require "mrlua.cli.convert"
local engine = require "mrlua.engine"
local failure = require "mrlua.cli.failure"
local reuse = require "mrlua.cli.reuse"
local size = require "mrlua.size"
local usage = require "mrlua.cli.usage"

local cache = {}

local function new_parser()
  local parser = usage.parser("cache", "Shows or clears the outputs of maps that"
    .. " 'mrlua run --reuse' keeps for later jobs.")
  parser:usage("Usage: mrlua cache [clear] [flags]")
  parser:argument("ACTION", "'clear' removes all of it; nothing shows it."):target("action")
    :args("?")
  parser:option("--older-than", "Clear only what was not used for so long: 90s, 30m, 12h, 7d.")
    :argname("AGE"):target("older_seconds"):convert(convert.age)
  parser:flag("--json", "Tell it as one line of JSON.")
  parser:flag("-h --help", "This text.")
  parser:epilog("It lies in $XDG_CACHE_HOME/mrlua, else ~/.cache/mrlua. Each 'mrlua run --reuse'"
    .. " ends with removing\nthe longest unused until the rest is within its limit: --cache-size,"
    .. " else $" .. reuse.VARIABLE .. ",\nelse 10G.")
  return usage.examples(parser, {
    { "mrlua cache", "where it is, and how large" },
    { "mrlua cache clear --older-than 7d", "removes what no job has used for a week" },
  })
end

--- Parses the arguments of `mrlua cache`.
-- @treturn table  { action, older_seconds, json }, or { help = text }
-- @return         or nil and one line
function cache.parse(argv)
  local flags, message = usage.parse(new_parser(), argv)
  if not flags or flags.help then
    return flags, message
  elseif flags.action and flags.action ~= "clear" then
    return nil, ("'%s' is not an action; there is 'clear'"):format(flags.action)
  elseif flags.older_seconds and not flags.action then
    return nil, "option '--older-than' needs 'clear'"
  end
  return flags
end

local function counted(count, noun, bytes)
  return ("%d %s%s, %s"):format(count, noun, count == 1 and "" or "s", size.bytes(bytes))
end

--- What there is, for people.
-- @tparam table use        folder, files, file_bytes, sums, sum_bytes, oldest_seconds,
--                          newest_seconds (ago; nil: there is none)
-- @tparam integer limit    bytes
-- @treturn string
function cache.text(use, limit)
  local lines = {
    "folder:     " .. use.folder,
    "runs:       " .. counted(use.files, "map", use.file_bytes),
    "checksums:  " .. counted(use.sums, "file", use.sum_bytes),
    ("limit:      %s, %.0f %% in use"):format(size.bytes(limit),
      100 * (use.file_bytes + use.sum_bytes) / math.max(limit, 1)),
  }
  if use.oldest_seconds then
    lines[#lines + 1] = ("last used:  %s to %s ago"):format(size.seconds(use.newest_seconds),
      size.seconds(use.oldest_seconds))
  end
  return table.concat(lines, "\n") .. "\n"
end

local function tell_fault(fault, flags)
  fault.is_setup = true
  io.stderr:write(failure.text(fault))
  if flags.json then
    local object = { ok = false, error = failure.object(fault) }
    io.stdout:write(require("mrlua.json").encode(object), "\n")
  end
  return 2
end

local function show(flags)
  local limit, message = reuse.bytes(nil, os.getenv(reuse.VARIABLE))
  if not limit then
    return tell_fault({ kind = "setup", message = message }, flags)
  end
  local use = assert(engine.cache_look())
  if use.error then
    return tell_fault(use.error, flags)
  elseif flags.json then
    use.limit_bytes = limit
    io.stdout:write(require("mrlua.json").encode(use), "\n")
  else
    io.stdout:write(cache.text(use, limit))
  end
  return 0
end

local function clear(flags)
  local gone = assert(engine.cache_clear { older_seconds = flags.older_seconds or -1 })
  if gone.error then
    return tell_fault(gone.error, flags)
  elseif flags.json then
    io.stdout:write(require("mrlua.json").encode(gone), "\n")
  else
    io.stdout:write("removed: ", counted(gone.files, "map", gone.file_bytes), "; ",
      counted(gone.sums, "checksum", gone.sum_bytes), "\n")
  end
  return 0
end

local function act(flags)
  return flags.action and clear(flags) or show(flags)
end

for name, part in pairs(usage.command("cache", new_parser, act, cache.parse)) do
  cache[name] = part
end

return cache

--- `mrlua cache`: what `--reuse` keeps for later jobs, and how to be rid of it: that of `mrlua run`
-- in a folder of this machine (engine/store/cache.h), that of `mrlua submit` in a store
-- (engine/attempt/reuse_store.h), with --gcs.

local convert = require "mrlua.cli.convert"
local engine = require "mrlua.engine"
local failure = require "mrlua.cli.failure"
local reuse = require "mrlua.cli.reuse"
local size = require "mrlua.size"
local usage = require "mrlua.cli.usage"

local cache = {}

local function new_parser()
  local parser = usage.parser("cache", "Shows or clears the outputs of maps that --reuse keeps for"
    .. " later jobs.")
  parser:usage("Usage: mrlua cache [clear] [flags]")
  parser:argument("ACTION", "'clear' removes all of it; nothing shows it."):target("action")
    :args("?").completes = { "clear" }
  parser:option("--older-than", "Clear only what was not used for so long (with --gcs: made so"
    .. " long ago): 90s, 30m, 12h, 7d."):argname("AGE"):target("older_seconds"):convert(convert.age)
  parser:option("--gcs", "What 'mrlua submit --reuse' keeps: gs://BUCKET is the place of --shuffle"
    .. " gcs and outputs in this bucket, gs://BUCKET/PREFIX that of --shuffle gs://BUCKET/PREFIX.")
    :argname("PLACE"):target("place")
  parser:flag("--json", "Tell it as one line of JSON.")
  parser:flag("-h --help", "This text.")
  parser:epilog("What 'mrlua run' keeps lies in $XDG_CACHE_HOME/mrlua, else ~/.cache/mrlua."
    .. " Each run ends with\nremoving the longest unused until the rest is within its limit:"
    .. " --cache-size, else\n$" .. reuse.VARIABLE .. ", else 10G.\n"
    .. "What 'mrlua submit' keeps is taken for 7 days. A rule of the bucket should remove it then"
    .. "\n(gce/up.sh makes one), or 'mrlua cache clear --gcs PLACE --older-than 7d'.")
  return usage.examples(parser, {
    { "mrlua cache", "where it is, and how large" },
    { "mrlua cache clear --older-than 7d", "removes what no job has used for a week" },
    { "mrlua cache --gcs gs://bucket", "what jobs of a cluster keep in this bucket" },
  })
end

--- Parses the arguments of `mrlua cache`.
-- @treturn table  { action, older_seconds, place, json }, or { help = text }
-- @return         or nil and one line
function cache.parse(argv)
  local flags, message = usage.parse(new_parser(), argv)
  if not flags or flags.help then
    return flags, message
  elseif flags.action and flags.action ~= "clear" then
    return nil, ("'%s' is not an action; there is 'clear'"):format(flags.action)
  elseif flags.older_seconds and not flags.action then
    return nil, "option '--older-than' needs 'clear'"
  elseif flags.place and not flags.place:find("^gs://") then
    return nil, ("option '--gcs': '%s' is no place in a store; write gs://BUCKET or"
      .. " gs://BUCKET/PREFIX"):format(flags.place)
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

--- What there is in a store, for people.
-- @tparam table use  place, files, file_bytes, limit_seconds, oldest_seconds, newest_seconds (since
--                    they were made; nil: there is none)
-- @treturn string
function cache.store_text(use)
  local lines = {
    "place:      " .. use.place,
    "runs:       " .. counted(use.files, "map", use.file_bytes),
    ("limit:      %d days old"):format(use.limit_seconds // 86400),
  }
  if use.oldest_seconds then
    lines[#lines + 1] = ("made:       %s to %s ago"):format(size.seconds(use.newest_seconds),
      size.seconds(use.oldest_seconds))
  end
  return table.concat(lines, "\n") .. "\n"
end

local function tell_fault(fault, flags)
  fault.is_setup = true
  return failure.tell(fault, flags)
end

local function tell(object, text, flags)
  if object.error then
    return tell_fault(object.error, flags)
  end
  io.stdout:write(flags.json and require("mrlua.json").encode(object) .. "\n" or text(object))
  return 0
end

local function removed_text(gone)
  local sums = gone.sums and "; " .. counted(gone.sums, "checksum", gone.sum_bytes) or ""
  return "removed: " .. counted(gone.files, "map", gone.file_bytes) .. sums .. "\n"
end

local function show(flags)
  local limit, message = reuse.bytes(nil, os.getenv(reuse.VARIABLE))
  if not limit then
    return tell_fault({ kind = "setup", message = message }, flags)
  end
  local use = assert(engine.cache_look())
  use.limit_bytes = not use.error and limit or nil
  return tell(use, function()
    return cache.text(use, limit)
  end, flags)
end

local function act(flags)
  if flags.place and not flags.action then
    return tell(assert(engine.cache_store_look { place = flags.place }), cache.store_text, flags)
  elseif not flags.action then
    return show(flags)
  end
  local clear = flags.place and engine.cache_store_clear or engine.cache_clear
  return tell(assert(clear { place = flags.place, older_seconds = flags.older_seconds or -1 }),
    removed_text, flags)
end

for name, part in pairs(usage.command("cache", new_parser, act, cache.parse)) do
  cache[name] = part
end

return cache

--- What every command that talks to a master is told: where it is, and with which key.
--
-- The address: --master, else the environment's MRLUA_MASTER, else 127.0.0.1:7070.

local convert = require "mrlua.cli.convert"
local usage = require "mrlua.cli.usage"

local cluster_options = {}

cluster_options.DEFAULT_ADDRESS = "127.0.0.1:7070"

local LOG_FORMATS = { "text", "json" } -- the first one is the default

--- Adds --master, --key-file, --tls and --insecure-plain.
function cluster_options.add(parser)
  usage.section(parser, "The master")
  parser:option("--master", "The master (default: $MRLUA_MASTER, else 127.0.0.1:7070).")
    :argname("HOST:PORT"):convert(convert.address)
  cluster_options.add_key_file(parser)
  cluster_options.add_tls(parser)
end

--- Adds --key-file.
function cluster_options.add_key_file(parser)
  parser:option("--key-file", "The secret of the cluster, or a role's key (default: a secret made"
    .. " by itself below $XDG_STATE_HOME, for this machine only)."):argname("FILE")
    :convert(convert.path)
end

--- Adds --tls and --insecure-plain, of which one at most is given.
function cluster_options.add_tls(parser)
  parser:mutex(
    parser:flag("--tls", "Speak TLS on this machine too (what leaves it is always encrypted)."),
    parser:flag("--insecure-plain", "Encrypt nothing, wherever it goes: for a network where"
      .. " everybody is trusted. Whoever connects must say the same."))
end

--- Fills flags.master from the environment.
-- @tparam table flags
-- @tparam ?string variable  MRLUA_MASTER as the environment has it
-- @treturn table  flags; or nil and one line
function cluster_options.complete(flags, variable)
  if not flags.master and variable and variable ~= "" then
    local address, message = convert.address(variable)
    if not address then
      return nil, "MRLUA_MASTER: " .. message
    end
    flags.master = address
  end
  flags.master = flags.master or cluster_options.DEFAULT_ADDRESS
  return flags
end

local function word(text)
  return text:find "[^%w_./:@%%+-]" and "'" .. text:gsub("'", "'\\''") .. "'" or text
end

--- The flags with which another command asks the same master, as they are typed; "" where they are
-- not needed.
-- @tparam table flags       that are complete
-- @tparam ?string variable  MRLUA_MASTER as the environment has it
-- @treturn string           " --master HOST:PORT --key-file FILE"
function cluster_options.text(flags, variable)
  local words = {}
  if flags.master ~= cluster_options.DEFAULT_ADDRESS and flags.master ~= variable then
    words[#words + 1] = " --master " .. word(flags.master)
  end
  if flags.key_file then
    words[#words + 1] = " --key-file " .. word(flags.key_file)
  end
  words[#words + 1] = flags.tls and " --tls" or flags.insecure_plain and " --insecure-plain" or nil
  return table.concat(words)
end

--- A text of the master, in which the command that looks into a failure can be typed as it stands.
function cluster_options.name_master(text, flags)
  local words = cluster_options.text(flags, os.getenv "MRLUA_MASTER"):gsub("%%", "%%%%")
  return (text:gsub("(mrlua replay %S+)", "%1" .. words))
end

--- Adds --log, for daemons.
function cluster_options.add_log(parser)
  parser:option("--log", "What goes to standard error: text for people, or json, a line per event"
    .. " with the fields that Cloud Logging takes (default: $MRLUA_LOG, else text).")
    :argname("FORMAT"):choices(LOG_FORMATS)
end

--- The format of a daemon's log.
-- @tparam table flags
-- @tparam ?string variable  MRLUA_LOG as the environment has it
-- @treturn string  "text" or "json"; or nil and one line
function cluster_options.log_format(flags, variable)
  local format = flags.log or (variable ~= "" and variable) or LOG_FORMATS[1]
  for _, known in ipairs(LOG_FORMATS) do
    if format == known then
      return format
    end
  end
  return nil, ("MRLUA_LOG: it is 'text' or 'json', not '%s'"):format(format)
end

--- Where a daemon keeps what it must not forget, below $XDG_STATE_HOME.
-- @tparam string name  "master"
-- @treturn ?string     nil: neither XDG_STATE_HOME nor HOME is set
function cluster_options.state_folder(name)
  local parent = os.getenv("XDG_STATE_HOME")
  if not parent or not parent:find("^/") then
    local home = os.getenv("HOME")
    parent = home and home:find("^/") and home .. "/.local/state"
  end
  return parent and parent .. "/mrlua/" .. name
end

--- Which master is asked, and how: what every question of mrlua.engine to one takes.
-- @tparam table flags  of complete()
-- @treturn table       a new one, to be added to
function cluster_options.address(flags)
  return { master = flags.master, key_file = flags.key_file, tls = flags.tls or false,
    insecure_plain = flags.insecure_plain or false }
end

--- A parser of a command that asks the master one thing.
function cluster_options.parser(command, description)
  local parser = usage.parser(command, description)
  cluster_options.add(parser)
  usage.section(parser, "Other")
  parser:flag("--json", "One line of JSON.")
  parser:flag("-h --help", "This text.")
  return parser
end

--- Parses `argv` and completes it from the environment.
-- @treturn table  the flags; or { help = text }
-- @return         or nil and one line
function cluster_options.parse(parser, argv)
  local flags, message = usage.parse(parser, argv)
  if not flags or flags.help then
    return flags, message
  end
  return cluster_options.complete(flags, os.getenv("MRLUA_MASTER"))
end

return cluster_options

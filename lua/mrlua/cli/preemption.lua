--- Who tells a worker that its machine is about to be taken away (--preemption).
--
-- On Compute Engine that is the metadata server; GCE_METADATA_HOST names another one, as it does
-- for Google's own clients.

local convert = require "mrlua.cli.convert"

local preemption = {}

preemption.MODES = { "auto", "gce", "off" } -- the first one is the default

local DEFAULT_HOST = "metadata.google.internal:80"
local PRODUCTS = { ["Google Compute Engine"] = true, ["Google"] = true }

--- The address to ask.
-- @tparam ?string mode     of preemption.MODES
-- @tparam ?string host     GCE_METADATA_HOST as the environment has it
-- @tparam ?string product  what the machine says it is
-- @treturn ?string  HOST:PORT; nil: nobody is asked. Or nil and one line: the variable is wrong
function preemption.address(mode, host, product)
  mode = mode or preemption.MODES[1]
  if host == "" then
    host = nil
  end
  if mode == "off" or (mode == "auto" and not host and not PRODUCTS[product]) then
    return nil
  elseif not host then
    return DEFAULT_HOST
  end
  local address = convert.address(host) or convert.address(host .. ":80")
  if not address then
    return nil, ("GCE_METADATA_HOST: '%s' is not HOST or HOST:PORT"):format(host)
  end
  return address
end

--- What the machine says it is; nil where it says nothing.
function preemption.product()
  local file <close> = io.open("/sys/class/dmi/id/product_name")
  return file and file:read "l"
end

return preemption

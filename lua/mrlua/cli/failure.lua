--- How a failure is told: to people, and to programs.
--
--     failure = { kind = "job", message = "one line", detail = "many lines, or empty" }

local printable = require "mrlua.printable"

local failure = {}

--- "mrlua: " and the message; below it, what helps to find the place.
function failure.text(fault)
  local text = "mrlua: " .. printable.lines(fault.message) .. "\n"
  if fault.detail and fault.detail ~= "" then
    text = text .. printable.lines(fault.detail):gsub("\n*$", "\n")
  end
  return text
end

--- The same for `--json`.
function failure.object(fault)
  local detail = fault.detail ~= "" and fault.detail or nil
  return { kind = fault.kind, message = fault.message, detail = detail }
end

--- Tells it on standard error and, for `--json`, on standard output.
-- @tparam table fault   with is_setup
-- @tparam ?table flags  json
-- @treturn integer      the exit code
function failure.tell(fault, flags)
  io.stderr:write(failure.text(fault))
  if flags and flags.json then
    local object = { ok = false, error = failure.object(fault) }
    io.stdout:write(require("mrlua.json").encode(object), "\n")
  end
  return fault.is_setup and 2 or 1
end

return failure

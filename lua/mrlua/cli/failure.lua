--- How a failure is told: to people, and to programs.
--
--     failure = { kind = "job", message = "one line", detail = "many lines, or empty" }

local failure = {}

--- "mrlua: " and the message; below it, what helps to find the place.
function failure.text(fault)
  local text = "mrlua: " .. fault.message .. "\n"
  if fault.detail and fault.detail ~= "" then
    text = text .. fault.detail:gsub("\n*$", "\n")
  end
  return text
end

--- The same for `--json`.
function failure.object(fault)
  local detail = fault.detail ~= "" and fault.detail or nil
  return { kind = fault.kind, message = fault.message, detail = detail }
end

return failure

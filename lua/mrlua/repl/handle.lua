--- A job, as the prompt has it: what mr.run, mr.submit and mr.job answer.
--
--     job:wait()               until it has ended; Ctrl-C ends the waiting, not the job
--     job:status()             { id, name, state, stages, counters, seconds, ... }
--     job:counters()           name -> number
--     job:output()             an iterator over key, value (mrlua.repl.records): head(10)
--     job:cancel()             ends it
--
-- Fields: id, name, folder (or gs://) of its output.

local failure = require "mrlua.cli.failure"
local records = require "mrlua.repl.records"
local size = require "mrlua.size"

local handle = {}
handle.__index = handle

--- @tparam table target  where the job is: mrlua.repl.cluster, mrlua.repl.here
-- @tparam table fields   id, name, folder, format: of the output, nil if that is to be asked for
function handle.new(target, fields)
  fields.target = target
  return setmetatable(fields, handle)
end

--- How its failure reads: the message, and below it what helps to find the place.
function handle.fault_text(fault)
  return (failure.text(fault):gsub("^mrlua: ", ""):gsub("\n$", ""))
end

function handle:wait()
  self.target:wait(self)
  return self
end

function handle:status()
  return self.target:status(self.id)
end

function handle:counters()
  return self:status().counters
end

function handle:cancel()
  self.target:cancel(self.id)
  return self
end

function handle:output()
  local state = self:status().state
  if state ~= "done" then
    error(("job %d is %s: there is no output yet; job:wait() waits for it"):format(self.id, state),
      2)
  end
  return records.open({ self.folder }, { format = self.format or self.target:format(self) })
end

function handle:__tostring()
  local ok, status = pcall(self.status, self)
  if not ok then
    return ("job %d: %s"):format(self.id, self.name)
  end
  local text = ("job %d: %s, %s, %s"):format(self.id, self.name, status.state,
    size.seconds(status.seconds))
  if status.state == "running" then
    return ("%s, %d of %d tasks done"):format(text, status.tasks_done, status.tasks)
  end
  return text .. ", output " .. self.folder
end

return handle

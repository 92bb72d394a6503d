--- A job of several steps in `mrlua run`: the driver asks for a step (mrlua.driver), here it is run
-- as any job is (mrlua.cli.run), and so on until the driver has ended.
--
--     local ended = drive.run(config, flags, environment, run_one)
--
-- A step's output is a folder of run files: step-1, step-2, ... in the job's temporary folder, or
-- with --keep DIR in that. Of `steps` one goes when the next has been committed; those of a driver
-- stay until it has ended, since it may read them again. A step that fails, or is interrupted, is
-- the end: its outcome is that of the job.

local engine = require "mrlua.engine"
local request = require "mrlua.cli.request"
local reuse = require "mrlua.cli.reuse"
local watch = require "mrlua.cli.watch"

local drive = {}

local driving = {}
driving.__index = driving

-- What `config` says of the whole job, for one step.
function driving:config_of(call)
  local config = request.of_step(self.config, call.view, self.flags)
  if call.steps then
    config.inputs, config.input_groups = {}, {}
    for i, number in ipairs(call.steps) do
      config.inputs[i] = assert(self.folders[number], "a step that was not run")
    end
  end
  if call.is_last then
    config.output, config.publish_id = self.flags.output, self.flags.output and self.publish_id
  else
    config.output, config.overwrite, config.shuffle = self:folder_of(call.number), false, "local"
  end
  config.reuse = config.reuse and reuse.is_for_step(call)
  config.cache_bytes = self.config.cache_bytes
  config.slots, config.tmp = self.config.slots, self.config.tmp
  config.step = call.number
  config.pinned_files = self.pinned_files -- looked up once, for all steps
  return config
end

function driving:folder_of(number)
  return ("%s/step-%d"):format(self.folder, number)
end

-- "step 2/3", or "step 2" where nobody knows how many there will be.
function driving:title_of(number)
  local count = self.config.view.steps
  return count and ("step %d/%d"):format(number, count) or ("step %d"):format(number)
end

local function reads_standard_input(config)
  for _, input in ipairs(config.inputs) do
    if input == "-" then
      return true
    end
  end
  return false
end

-- Standard input is gone once it has been read.
function driving:check_inputs(config)
  if not reads_standard_input(config) then
    return true
  elseif self.has_read_standard_input then
    return nil, "standard input (-) can be read by one step only: put it into a file"
  end
  self.has_read_standard_input = true
  return true
end

-- How many maps of all steps were taken, of those that could have been.
function driving:add_reused()
  local reused = self.ended.counters.map_reused
  if reused then
    self.reused = self.reused or { count = 0, maps = 0 }
    self.reused.count = self.reused.count + reused
    self.reused.maps = self.reused.maps + self.ended.plan.split_count
  end
end

-- Runs what the driver asks for. True: it goes on.
function driving:run_step(call)
  local config = self:config_of(call)
  local is_right, message = self:check_inputs(config)
  self.ended = is_right and self.run_one(config, self.flags, self.environment,
    self:title_of(call.number)) or { error = { kind = "setup", message = message } }
  if self.ended.late_signal and not call.is_last then -- too late for the step, not for the job
    self.ended = { signal = self.ended.late_signal }
  end
  if self.ended.error or self.ended.signal then
    return false
  end
  self.bad_count = self.bad_count + (self.ended.counters.bad_records or 0)
  self.bad_records = self.bad_records .. (self.ended.bad_records or "")
  if not call.steps then
    self.input_bytes = self.input_bytes + self.ended.input_bytes
    self.first = self.first or self.ended
  end
  self:add_reused()
  self.effort = require("mrlua.summary").add(self.effort, self.ended.effort, not call.steps,
    call.number)
  self.folders[call.number] = config.output
  self.count = call.number
  self.is_done = call.is_last
  assert(engine.drive_answer {
    folder = config.output, records = self.ended.records, bytes = self.ended.bytes,
    counters = self.ended.counters, is_last = call.is_last or false,
    over = self.config.view.steps and not self.flags.keep and self.folders[call.number - 1] or nil,
  })
  return true
end

-- Until the driver has ended, or a step has not.
function driving:run()
  while true do
    local state = watch.until_finished(engine.drive_step, self.flags, self.environment)
    if not state.call or not self:run_step(state.call) then
      return
    end
  end
end

-- The outcome of the whole: that of the last step, or of what went wrong.
function driving:outcome(of_driver)
  local ended = of_driver
  if self.ended and self.ended.error then
    ended = self.ended
    ended.error.message = self:title_of(self.count + 1) .. ": " .. ended.error.message
  elseif self.ended and self.ended.signal then
    ended = self.ended
  elseif self.is_done and not of_driver.error then
    ended = self.ended
    ended.input_bytes, ended.steps, ended.reused = self.input_bytes, self.count, self.reused
    ended.bad_count, ended.effort = self.bad_count, self.effort
    ended.bad_records = self.bad_count > 0 and self.bad_records or nil
  elseif not of_driver.error and not of_driver.signal then
    ended = { error = { kind = "limit", message = "the driver ended without a last step" } }
  end
  ended.seconds = of_driver.seconds
  if self.first then -- what all read, but what steps read of each other
    ended.inputs, ended.input_count = self.first.inputs, self.first.input_count
    ended.input_sum = self.first.input_sum
  end
  return ended
end

--- Runs a job whose view says drive.
-- @tparam table config       of request.make
-- @tparam table flags
-- @tparam table environment  of watch.environment()
-- @tparam function run_one   (config, flags, environment, title) -> outcome: runs one step
-- @treturn table             the outcome (mrlua.cli.outcome)
function drive.run(config, flags, environment, run_one)
  config.keep = flags.keep
  local begun = assert(engine.drive_begin(config))
  if begun.error then
    return { error = begun.error, seconds = 0.0 }
  end
  local it = setmetatable({
    config = config, flags = flags, environment = environment, run_one = run_one, folders = {},
    count = 0, input_bytes = 0, pinned_files = begun.pinned_files,
    folder = begun.folder, publish_id = begun.publish_id,
    bad_count = 0, bad_records = "",
  }, driving)
  it:run()
  return it:outcome(assert(engine.drive_end()))
end

return drive

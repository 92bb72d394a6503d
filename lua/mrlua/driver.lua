--- What a driver sees: mr.run, and the steps that it answers.
--
--     local step = mr.run { map = job.steps.rank.map, reduce = ..., inputs = before,
--                           params = { damping = 0.85 }, reducers = 4 }
--     step:counter("moved")     what mr.count summed up in it; 0: nothing did
--     step.records, step.bytes  of its output
--     for key, value in step:output() do ... end      its records, part after part
--
-- mr.run answers when the step has been committed. Its fields are those of a job that has one
-- step (mrlua.pipeline says which are the whole job's), and `inputs`: nothing, the inputs of the
-- job, all of them; a step; or a list of steps. (No paths, and no names: a job reads what its user
-- has named, and mr.input tells a map which of the job's `inputs` it is given.) A step that fails
-- ends the job: mr.run does not answer.
--
-- What drive returns is the last step, whose output is that of the job, in its format: a table
-- as for mr.run, or a step, whose records are then written as they are.
--
-- After a loss drive is run again from the top, and the steps that had ended before answer at
-- once. So drive must ask for the same steps each time: it sees nothing else than what they
-- answer, and params.

local pipeline = require "mrlua.pipeline"

local driver = {}

local STEP_NUMBER_MAX = 10000 -- each is a job in the journal as long as its driver runs

local is_step = setmetatable({}, { __mode = "k" })

-- Numbers of the steps that are inputs; nil: the inputs of the job; false and a message.
local function numbers_of(inputs)
  if inputs == nil then
    return nil
  elseif is_step[inputs] then
    return { inputs.number }
  elseif type(inputs) ~= "table" or rawlen(inputs) == 0 then
    return false, "field 'inputs' must be a step, a list of steps, or absent: the inputs of the job"
  end
  local numbers = {}
  for i = 1, rawlen(inputs) do
    if not is_step[inputs[i]] then
      return false, ("field 'inputs': item %d is no step that mr.run has answered"):format(i)
    end
    numbers[i] = inputs[i].number
  end
  return numbers
end

-- What is asked of the engine for the next step of `driving`; or nil and a message.
local function request_of(driving, fields, is_last)
  local world = driving.world
  local numbers, message = numbers_of(fields.inputs)
  if numbers == false then
    return nil, message
  end
  local joined, call, view = {}, nil, nil
  for field, value in next, fields do
    if field ~= "inputs" then
      joined[field] = value
    end
  end
  joined, message = pipeline.join(world.spec, joined, numbers and "steps" or "job", is_last, "")
  if joined then
    call, message = pipeline.pack(joined, world.paths, world.where)
  end
  if call then
    view, message = world.check(pipeline.unpack(world.spec, call))
  end
  if not view then
    return nil, message
  end
  view.call = call
  driving.count = driving.count + 1
  local own = { limits = rawget(fields, "limits") ~= nil,
    attempts = rawget(fields, "attempts") ~= nil }
  return { number = driving.count, view = view, steps = numbers, is_last = is_last, own = own }
end

-- The step, when it has been committed; or nil and a message.
local function ask(driving, fields, is_last)
  local request, message = request_of(driving, fields, is_last)
  if not request then
    return nil, message
  elseif driving.count > STEP_NUMBER_MAX then
    return nil, ("this is step %d, and a driver may run %d"):format(driving.count, STEP_NUMBER_MAX)
  end
  local answer = driving.world.call(request)
  local answered = setmetatable({ number = request.number, records = answer.records,
    bytes = answer.bytes, counters = answer.counters }, driving.step)
  is_step[answered] = true
  return answered
end

-- mr.run
local function run(driving, fields)
  if type(fields) ~= "table" then
    error("mr.run: it is given a table of fields, not a " .. type(fields), 3)
  elseif not driving.world then
    error("mr.run: it is there for drive, and not while the job file loads", 3)
  end
  local answered, message = ask(driving, fields, false)
  if not answered then
    error("mr.run: " .. message, 3)
  end
  return answered
end

local function main(driving)
  local last = pipeline.driver(driving.world.spec)(driving.mr, driving.mr.params)
  if is_step[last] then
    last = { map = "identity", inputs = last }
  elseif type(last) ~= "table" then
    error(("drive must return its last step, a table as for mr.run or a step, and returned a %s")
      :format(type(last)), 0)
  end
  local answered, message = ask(driving, last, true)
  if not answered then
    error("the last step, which drive returned: " .. message, 0)
  end
end

-- What may be asked of a step.
local function methods_of(driving)
  local methods = {}

  function methods:counter(name)
    return self.counters["user." .. name] or self.counters[name] or 0
  end

  function methods:output()
    return driving.world.output(self.number)
  end

  return methods
end

--- The driver of one job. driving.run is mr.run; driving.main(spec, check, call, output, where)
-- runs it: `spec` is the job table with the params of this run, `check` is job.check, and the
-- others are C's (engine/vm/drive.c): call(request) -> answer, output(number) -> iterator,
-- where(function) -> text.
function driver.new()
  local driving = { count = 0 }
  driving.step = { __index = methods_of(driving) }

  function driving.run(fields)
    local answered = run(driving, fields) -- no tail call: run tells errors at our caller's line
    return answered
  end

  function driving.main(spec, check, call, output, where)
    driving.world = { spec = spec, check = check, call = call, output = output, where = where,
      paths = pipeline.paths_of(spec) }
    main(driving) -- no tail call: it would stand in tracebacks
  end

  return driving
end

return driver

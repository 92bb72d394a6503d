--- Runs a failed attempt again, in this Lua state, from its capsule (engine/attempt/capsule.h): the
-- job is loaded, `setup` is called, and the records up to the one that failed are mapped; of a
-- reduce or combine, the one key is, with the values that it had taken.
--
--     local outcome = replay.run(capsule, { records = next_record, on_error = look })
--
-- What differs from the attempt: no sandbox but the job's own globals, no limits of memory and
-- time; nothing is sorted, combined or written; what `emit` refuses it refuses in other words; the
-- order of pairs() may be another one.

local handed = require "mrlua.handed"
local engine = require "mrlua.engine"
local files = require "mrlua.files"
local frames = require "mrlua.frames"
local job = require "mrlua.job"
local outputs = require "mrlua.outputs"

local replay = {}

local function check_emit(name, key, value)
  local problem = handed.key_problem(key)
  if not problem then
    local ok, message = engine.value_check { value = value }
    problem = not ok and message:gsub(" at %.value", " at ", 1) or nil
  end
  if problem then
    error(name .. ": " .. problem, 3)
  end
end

local function context_of(attempt, counters)
  return {
    stage = attempt.stage, job = attempt.job, task = attempt.task, attempt = attempt.attempt,
    worker = attempt.worker,
    count = function(name, step)
      counters[name] = (counters[name] or 0) + (step or 1)
    end,
  }
end

-- A job may change its own string library, and ("x"):method() uses that (mrlua.sandbox): until the
-- answer is called.
local function lend_strings()
  local metatable = debug.getmetatable ""
  local index, hidden = metatable.__index, metatable.__metatable
  return function()
    metatable.__index, metatable.__metatable = index, hidden
  end
end

local function load_job(capsule, print_line, counters)
  local attempt, about = capsule.attempt, capsule.job
  local context = context_of(attempt, counters)
  local opener -- once the job's table is known
  context.open = function(name)
    return opener(name)
  end
  local by_name = about.view and about.view.outputs
  context.emit_to = outputs.emit_to(by_name, function(_, key, value)
    check_emit("mr.emit_to", key, value)
  end)
  local spec, view, mr, use = job.load {
    bundle = about.bundle, params = about.params or {}, unsafe = attempt.unsafe,
    call = about.view and about.view.call, print = print_line or print, context = context,
  }
  if not spec then
    return nil, view
  end
  opener = files.opener(spec.files, attempt.files)
  math.randomseed(attempt.seed or 0)
  return { spec = spec, view = view, mr = mr, use = use }
end

-- What map and reduce are given. The job's own partition is asked, as the engine does.
local function emit_of(world, capsule)
  local partition = world.spec.partition
  return function(key, value)
    check_emit("emit", key, value)
    if type(partition) == "function" and capsule.attempt.stage == "map" then
      partition(key, capsule.attempt.partitions)
    end
  end
end

local function decode(bytes)
  if not bytes then
    return nil, "the capsule has not got it: it was too long"
  end
  return engine.value_decode { bytes = bytes }
end

-- ---- what is done again

local function map_of(world, capsule)
  local pieces = capsule.attempt.pieces
  local map = world.use(pieces and pieces[#pieces].group)
  if type(map) == "function" then
    return map
  end
  return function(key, value, emit) -- "identity"
    emit(key, value)
  end
end

-- Only the record that failed, from the capsule.
local function map_one(world, capsule, state)
  local record = (capsule.attempt.scene or {}).record
  local key, value, message
  if not record then
    error("the capsule has no record: its process was killed, and the input is not there", 0)
  end
  key, message = decode(record.key)
  if message == nil then
    value, message = decode(record.value)
  end
  if message then
    error("the record is not whole: " .. message, 0)
  end
  local map = map_of(world, capsule)
  if world.spec.setup then world.spec.setup(world.mr) end
  state.number, state.is_reached = record.number, true
  map(key, value, emit_of(world, capsule))
end

-- All records up to that one; without one all there are, and cleanup.
local function map_all(world, capsule, state, records, last)
  local skip, emit = {}, emit_of(world, capsule)
  for _, number in ipairs(capsule.attempt.skip or {}) do
    skip[number] = true
  end
  local map = map_of(world, capsule)
  if world.spec.setup then world.spec.setup(world.mr) end
  local number = 0
  for key, value in records do
    number = number + 1
    if not skip[number] then
      state.number, state.is_reached = number, number == last
      map(key, value, emit)
    end
    if number == last then
      return
    end
  end
  state.number = nil
  if world.spec.cleanup then world.spec.cleanup(world.mr, emit) end
end

-- The values that were taken, and then an error, if there were more than the capsule has.
local function values_of(hand, gives_keys)
  local list = hand.values and decode(hand.values)
  list = type(list) == "table" and list or {} -- what the attempt says may be anything
  local step = gives_keys and 2 or 1
  local at = 1 - step
  return function()
    at = at + step
    if at > #list and (hand.taken or 0) > #list // step then
      error(("the capsule has only the first %d of %d values"):format(#list // step, hand.taken), 2)
    end
    return list[at], gives_keys and list[at + 1] or nil
  end
end

local function reduce_again(world, capsule, state, where)
  local hand = capsule.attempt.scene.hand
  local key, message = decode(hand.key)
  if type(world.spec[where]) ~= "function" then
    error(("the job's %s is a built-in: there is nothing to look into"):format(where), 0)
  elseif message then
    error(message, 0)
  end
  if world.spec.setup then world.spec.setup(world.mr) end
  state.is_reached = true
  if where == "combine" then -- called by their names, which frames are told by
    local combine = world.spec.combine
    combine(key, values_of(hand, false), emit_of(world, capsule))
  else
    local reduce = world.spec.reduce
    reduce(key, values_of(hand, world.spec.group), emit_of(world, capsule))
  end
end

local function again(world, capsule, state, options)
  local scene, mark = capsule.attempt.scene or {}, capsule.attempt.mark
  local where = scene.hand and scene.hand.where
  if where == "reduce" or where == "combine" then
    return reduce_again(world, capsule, state, where)
  elseif where == "setup" then
    state.is_reached = true
    return world.spec.setup(world.mr)
  elseif options.records then
    local last = where ~= "cleanup" and (scene.record and scene.record.number or mark
      and mark.record) or nil
    state.is_reached = last == nil
    return map_all(world, capsule, state, options.records, last)
  end
  return map_one(world, capsule, state)
end

--- Can it be done again? What did the work of the engine, and what is gone, cannot.
-- @treturn boolean  or nil and why not
function replay.is_possible(capsule)
  local attempt = capsule.attempt
  local where = attempt and attempt.scene and attempt.scene.hand and attempt.scene.hand.where
  if not attempt or not (capsule.job and capsule.job.bundle) then
    return nil, "it does not have the job's code"
  elseif attempt.stage == "map" or where == "reduce" then
    return true
  elseif attempt.stage == "reduce" then
    return nil, where and ("what a reduce failed on in '%s' is gone"):format(where)
      or "its process was killed, and the values of its keys went with it"
  end
  return nil, ("an attempt of '%s' cannot be done again here"):format(attempt.stage)
end

-- The engine adds where it was: ", at byte 6 of a.txt (record 2)", ", at key ...": attempt/place.h.
local function is_of(told, message)
  return told == message or told:sub(1, #message + 5) == message .. ", at "
end

--- Does the attempt again, up to where it failed.
-- @tparam table capsule
-- @tparam table options  records: an iterator over key and value of its input, nil: it is not
--                        there; on_error(outcome): called while the frames that raised are there;
--                        print: what print in the job is (print); seconds: the most that all may
--                        take of the processor
-- @treturn table   has_raised, message, frames (mrlua.frames), number (of the record in
--                  hand), is_reached (that was the one), is_same (the message, too)
function replay.run(capsule, options)
  local state, counters, outcome = {}, {}, {}
  local take_back = lend_strings()
  local ok, raised = xpcall(function()
    local world, problem = load_job(capsule, options.print, counters)
    if not world then
      error(problem, 0)
    end
    replay.limit(options.seconds)
    again(world, capsule, state, options)
  end, function(raised)
    replay.limit(nil)
    take_back()
    outcome.message = handed.error_text(raised)
    outcome.frames = frames.gather(debug)
    outcome.number, outcome.is_reached = state.number, state.is_reached
    if options.on_error then
      options.on_error(outcome)
    end
    return raised
  end)
  replay.limit(nil)
  take_back()
  outcome.has_raised = not ok
  outcome.message = outcome.message or (not ok and handed.error_text(raised)) or nil
  outcome.number, outcome.is_reached = state.number, state.is_reached or false
  outcome.is_same = not ok and is_of(capsule.error.message, outcome.message)
  return outcome
end

--- From here on, so many seconds of the processor; then an error where it stands. nil: no limit.
function replay.limit(seconds)
  if not seconds then
    debug.sethook()
    return
  end
  local ends = os.clock() + seconds
  debug.sethook(function()
    if os.clock() > ends then
      debug.sethook()
      error(("stopped after %g s (--limit-seconds)"):format(seconds), 2)
    end
  end, "", 100000)
end

return replay

--- What every job is held to: the engine prints what dryrun says, whatever the plan.
--
--     for _, claim in ipairs(agreement.claims("jobs/sort.lua", { inputs = texts.LICENSES })) do
--       it(claim[1], claim[2])
--     end

local engine = require "spec.support.engine"
local meaning = require "spec.support.meaning"
local temp = require "spec.support.temp"
local texts = require "spec.support.texts"

local agreement = {}

local function argv_of(path, inputs, flags, params)
  local argv = { "run", path, "--quiet", table.unpack(flags) }
  for name, value in pairs(params or {}) do
    argv[#argv + 1] = "--param"
    argv[#argv + 1] = name .. "=" .. tostring(value)
  end
  return table.move(inputs, 1, #inputs, #argv + 1, argv)
end

--- Raises if what `mrlua run` prints is not what the job means.
-- @tparam string path     the job
-- @tparam table inputs    paths
-- @tparam[opt] table options  flags, params; reducers: how many; above 1, the lines are compared
--                             sorted, unless the job says that its parts follow each other
function agreement.check(path, inputs, options)
  options = options or {}
  local flags = table.move(options.flags or {}, 1, #(options.flags or {}), 1, {})
  if meaning.load(path).reduce then -- without one the parts are those of the maps, in input order
    table.move({ "--reducers", options.reducers or 1 }, 1, 2, #flags + 1, flags)
  end
  local expected = meaning.output(path, inputs, options.params)
  local actual = engine.output(argv_of(path, inputs, flags, options.params))
  if (options.reducers or 1) > 1 and meaning.load(path).partition ~= "range" then
    expected, actual = meaning.sorted(expected), meaning.sorted(actual)
  end
  -- not assert.equal: a difference of 100 KB helps nobody
  if expected ~= actual then
    local at = agreement.first_difference(expected, actual)
    error(("%s: %d bytes expected, %d came; from byte %d on %q is expected, %q came"):format(path,
      #expected, #actual, at, expected:sub(at, at + 40), actual:sub(at, at + 40)))
  end
end

--- What every job is held to.
-- @tparam string path
-- @tparam table options  inputs: real files; params; is_total: it needs all keys in one reducer
-- @treturn {{claim,function},...}  for it()
function agreement.claims(path, options)
  local function agrees(inputs, flags, reducers)
    agreement.check(path, inputs, { flags = flags, reducers = reducers, params = options.params })
  end
  local claims = {
    { "means on dryrun what the engine does with real text", function()
      agrees(options.inputs, {})
    end },
    { "means the same when splits are small and the sort buffer is too", function()
      agrees(options.inputs, { "--split-size", "10K", "--sort-buffer", "1M" })
    end },
    { "means the same on generated text", function()
      local folder = temp.folder()
      local seed = texts.seed(20261122)
      local odd = temp.write(folder .. "/odd", texts.generate(seed, 2000))
      local ok, message = pcall(agrees, { odd }, {})
      temp.remove(folder)
      assert(ok, ("SEED=%d: %s"):format(seed, message))
    end },
  }
  if not options.is_total then
    table.insert(claims, { "means the same with several reducers", function()
      agrees(options.inputs, {}, 3)
    end })
  end
  return claims
end

--- Where two texts part, from 1.
function agreement.first_difference(a, b)
  local low, high = 0, math.min(#a, #b)
  while low < high do -- the first `low` bytes agree
    local middle = (low + high + 1) // 2
    if a:sub(1, middle) == b:sub(1, middle) then
      low = middle
    else
      high = middle - 1
    end
  end
  return low + 1
end

return agreement

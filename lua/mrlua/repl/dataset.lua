--- Inputs as a thing to ask: a chain of maps and reduces, run when somebody looks.
--
--     mr.lines("logs/*.gz"):map(function(_, line, emit) emit(line:match "%S+", 1) end)
--       :reduce("sum"):top(10)
--
-- Functions are those of the job contract: map(key, value, emit), reduce(key, values, emit) or the
-- name of a built-in. A chain is one job: each map after the first one, or after a reduce, begins a
-- step of it. Each call answers a new chain, so that one can be continued in two ways.
--
--     chain:map(f) chain:reduce(g)
--     chain:run(options)     the job (mrlua.repl.handle), with options of mr.run; run once
--     chain:head(n)          the first n records (10)
--     chain:top(n)           the n records (10) with the largest values, the largest first
--     chain:histogram()      its values, which are numbers, as bars
--
-- What head, top and histogram answer is taken from the job's output, which is read here as a
-- stream: top keeps n records, whatever there is.

local histogram = require "mrlua.repl.histogram"

local dataset = {}
dataset.__index = dataset

local COUNT = 10

--- @tparam function run   mr.run
-- @tparam table source    fields of the job: inputs, input
-- @treturn table          a chain without functions
function dataset.new(run, source)
  return setmetatable({ run_job = run, source = source, steps = {} }, dataset)
end

-- The same chain, its steps copied.
local function copy_of(chain)
  local copy = dataset.new(chain.run_job, chain.source)
  for i, step in ipairs(chain.steps) do
    copy.steps[i] = { map = step.map, reduce = step.reduce }
  end
  return copy
end

function dataset:map(f)
  local chain = copy_of(self)
  chain.steps[#chain.steps + 1] = { map = f }
  return chain
end

function dataset:reduce(g)
  local chain = copy_of(self)
  local last = chain.steps[#chain.steps]
  if not last or last.reduce then
    last = { map = "identity" }
    chain.steps[#chain.steps + 1] = last
  end
  last.reduce = g
  return chain
end

--- The job that the chain is.
-- @treturn table  for mr.run
function dataset:job()
  local steps = self.steps[1] and self.steps or { { map = "identity" } }
  local job = { inputs = self.source.inputs }
  for name, field in pairs(#steps == 1 and steps[1] or { steps = steps }) do
    job[name] = field
  end
  local first = #steps == 1 and job or steps[1]
  first.input = self.source.input
  return job
end

function dataset:run(options)
  if not self.ended then
    self.ended = self.run_job(self:job(), options)
  end
  return self.ended
end

function dataset:head(n)
  return self:run():output():head(n)
end

function dataset:top(n)
  n = n or COUNT
  local list = setmetatable({}, { __columns = { "key", "value" } })
  for key, value in self:run():output() do
    if #list < n or value > list[#list][2] then
      local at = #list + 1
      while at > 1 and value > list[at - 1][2] do
        at = at - 1
      end
      table.insert(list, at, { key, value })
      list[n + 1] = nil
    end
  end
  return list
end

function dataset:histogram()
  local values = histogram.new()
  for _, value in self:run():output() do
    values:add(value)
  end
  return values
end

function dataset:__tostring()
  return ("%d steps over %s; head(), top(), histogram() or run() runs them"):format(#self.steps,
    type(self.source.inputs) == "table" and table.concat(self.source.inputs, " ")
      or self.source.inputs)
end

return dataset

--- What a job on a cluster in Google Cloud costs: a prediction before it starts, and what it has
-- cost so far. Pure: prices and sizes in, numbers out.
--
--     local prices = assert(cost.prices(text))              gce/prices.tsv
--     local fleet = { workers = 4, machine = "n2-standard-8", is_spot = true, local_ssds = 1,
--                     master_machine = "e2-standard-2" }
--     local predicted = assert(cost.predict({ input_bytes = 1e12 }, fleet, prices))
--     local dollars = cost.spent(fleet, prices, seconds)
--
-- Why such a simple model: what a job does per byte is the job's own business and differs by a
-- factor of 50 (README, numbers), what a machine costs does not. So the prediction says from which
-- rate it was made, and the real figures stand below it in the end.

local cost = {}

local MIB <const> = 1 << 20

cost.BYTES_PER_SECOND_PER_SLOT = 40e6 -- word count with a Lua map; a built-in is ten times faster
cost.BOOT_SECONDS = 120               -- from `up` to the last worker; nothing works meanwhile
cost.DOWN_SECONDS = 90                -- from the job's end to the last machine's

local REDUCE_SHARE <const> = 0.25          -- what comes after the maps, of their time
local READ_BYTES <const> = 8 * MIB         -- one ranged GET
local LIST_COUNT <const> = 1000            -- objects in one answer
local JOURNAL_GB <const> = 20
local BOOT_DISK_GB <const> = 20

--- Reads the table of prices: lines of kind, name, price and unit, separated by tabs.
-- @treturn table  { machine = { TYPE = dollars }, spot =, disk =, storage =, request = }
-- @return         or nil and one line
function cost.prices(text)
  local prices, number = {}, 0
  for line in text:gmatch("([^\n]*)\n?") do
    number = number + 1
    if line ~= "" and not line:find("^#") then
      local kind, name, price = line:match("^(%l+)\t(%S+)\t(%d*%.?%d+)\t%l+$")
      if not kind then
        return nil, ("prices: line %d is not kind, name, price, unit: '%s'"):format(number, line)
      end
      prices[kind] = prices[kind] or {}
      prices[kind][name] = tonumber(price)
    end
  end
  return prices
end

local function price(prices, kind, name)
  local found = prices[kind] and prices[kind][name]
  if not found then
    return nil, ("prices: no %s '%s': add it to gce/prices.tsv"):format(kind, name)
  end
  return found
end

--- Processors of a machine type, which end its name: n2-standard-8.
function cost.processors(machine)
  return math.tointeger(tonumber(machine:match("%-(%d+)$") or "")) or 1
end

--- Machines of a fleet, its master with them.
function cost.machine_count(fleet)
  return fleet.workers + 1
end

--- Dollars of one hour of a fleet.
-- @return  or nil and one line, when a price is not known
function cost.per_hour(fleet, prices)
  local worker, master, ssd, disk, message
  local ssd_name = fleet.is_spot and "local-ssd-375-spot" or "local-ssd-375"
  worker, message = price(prices, fleet.is_spot and "spot" or "machine", fleet.machine)
  if worker then
    master, message = price(prices, "machine", fleet.master_machine)
  end
  if master then
    ssd, message = price(prices, "disk", ssd_name)
  end
  if ssd then
    disk, message = price(prices, "disk", "balanced-gb")
  end
  if not disk then
    return nil, message
  end
  local disks_gb = JOURNAL_GB + BOOT_DISK_GB * cost.machine_count(fleet)
  return fleet.workers * (worker + fleet.local_ssds * ssd) + master + disks_gb * disk
end

--- Dollars that a fleet has cost after so many seconds.
function cost.spent(fleet, prices, seconds)
  local per_hour, message = cost.per_hour(fleet, prices)
  return per_hour and per_hour * seconds / 3600, message
end

--- Whether it is time to end, so that a fleet costs no more than `usd_max` when it is gone: it
-- costs until its last machine is deleted.
-- @tparam number seconds  since it came up
function cost.is_over(fleet, prices, seconds, usd_max)
  return assert(cost.spent(fleet, prices, seconds + cost.DOWN_SECONDS)) >= usd_max
end

local function clamp(low, value, high)
  return math.max(low, math.min(value, high))
end

-- The plan as the engine makes it by default (format/split.h, README).
local function plan_of(job)
  local split = job.split_bytes or clamp(MIB, job.input_bytes // 32, 64 * MIB)
  return {
    maps = math.max(1, math.ceil(job.input_bytes / split)), split_bytes = split,
    reduces = job.reducers or math.max(1, math.ceil(job.input_bytes / (256 * MIB))),
  }
end

-- Class A: what writes or lists; class B: what reads. With the shuffle in the bucket every map
-- writes one object, and every worker reads it in pieces and its index.
local function requests_of(job, fleet, plan)
  local objects = job.input_count or plan.maps
  local class_a = math.ceil(objects / LIST_COUNT) + plan.reduces + 3 -- claim, manifest, look
  local class_b = plan.maps * (1 + math.ceil(plan.split_bytes / READ_BYTES))
  if job.shuffle == "gcs" then
    class_a = class_a + plan.maps
    class_b = class_b + plan.maps * (fleet.workers + math.min(plan.reduces, fleet.workers * 2))
  end
  return class_a, class_b
end

--- What a job will cost.
-- @tparam table job     input_bytes; may have input_count, split_bytes, reducers, shuffle,
--                       bytes_per_second (per slot)
-- @tparam table fleet
-- @tparam table prices
-- @treturn table  { seconds, work_seconds, vm_seconds, maps, reduces, class_a, class_b, dollars,
--                 per_hour, bytes_per_second }
-- @return         or nil and one line
function cost.predict(job, fleet, prices)
  local per_hour, message = cost.per_hour(fleet, prices)
  local price_a, price_b
  if per_hour then
    price_a, message = price(prices, "request", "class-a")
  end
  if price_a then
    price_b, message = price(prices, "request", "class-b")
  end
  if not price_b then
    return nil, message
  end
  local plan = plan_of(job)
  local rate = job.bytes_per_second or cost.BYTES_PER_SECOND_PER_SLOT
  local slots = math.min(fleet.workers * cost.processors(fleet.machine), plan.maps)
  local work = job.input_bytes / (rate * slots) * (1 + REDUCE_SHARE)
  local seconds = cost.BOOT_SECONDS + work + cost.DOWN_SECONDS
  local class_a, class_b = requests_of(job, fleet, plan)
  return {
    seconds = seconds, work_seconds = work, vm_seconds = seconds * cost.machine_count(fleet),
    maps = plan.maps, reduces = plan.reduces, class_a = class_a, class_b = class_b,
    dollars = per_hour * seconds / 3600 + class_a * price_a + class_b * price_b,
    per_hour = per_hour, bytes_per_second = rate,
  }
end

--- The prediction as lines for people.
function cost.lines(predicted, job, fleet)
  local size = require "mrlua.size"
  return {
    ("%s of input, %d maps, %d reduces; %d workers %s%s and a master %s"):format(
      size.bytes(job.input_bytes), predicted.maps, predicted.reduces, fleet.workers, fleet.machine,
      fleet.is_spot and " (spot)" or "", fleet.master_machine),
    ("predicted: %s, of which %s work (at %s/s a slot); %s VM-seconds, %s writes, %s reads"):format(
      size.seconds(predicted.seconds), size.seconds(predicted.work_seconds),
      size.bytes(predicted.bytes_per_second), size.count(predicted.vm_seconds),
      size.count(predicted.class_a), size.count(predicted.class_b)),
    ("predicted: $%.2f; the fleet costs $%.2f an hour (gce/prices.tsv)"):format(predicted.dollars,
      predicted.per_hour),
  }
end

--- The real figures as a line for people.
-- @tparam number seconds  from `up` to the end
-- @tparam number dollars
function cost.final_line(fleet, seconds, dollars)
  local size = require "mrlua.size"
  return ("real: %s, %s VM-seconds, $%.2f for machines and disks"):format(size.seconds(seconds),
    size.count(seconds * cost.machine_count(fleet)), dollars)
end

return cost

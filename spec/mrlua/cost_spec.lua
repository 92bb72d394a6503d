local cost = require "mrlua.cost"
local temp = require "spec.support.temp"

local PRICES = "# a comment\n" .. table.concat({
  "machine\tn2-standard-8\t0.4\thour", "spot\tn2-standard-8\t0.1\thour",
  "machine\te2-standard-2\t0.05\thour", "disk\tlocal-ssd-375\t0.04\thour",
  "disk\tlocal-ssd-375-spot\t0.02\thour", "disk\tbalanced-gb\t0.0001\thour",
  "request\tclass-a\t0.000005\trequest", "request\tclass-b\t0.0000004\trequest",
}, "\n") .. "\n"

local function fleet_with(fields)
  local fleet = { workers = 4, machine = "n2-standard-8", is_spot = true, local_ssds = 1,
    master_machine = "e2-standard-2" }
  for name, value in pairs(fields or {}) do
    fleet[name] = value
  end
  return fleet
end

local function near(expected, actual)
  assert.is_true(math.abs(expected - actual) < 1e-9 * math.max(1, math.abs(expected)),
    ("%g is not %g"):format(actual, expected))
end

describe("mrlua/cost", function()
  local prices

  before_each(function()
    prices = assert(cost.prices(PRICES))
  end)

  it("reads the prices that are shipped, and they name a date", function()
    local text = temp.read("gce/prices.tsv")
    local shipped = assert(cost.prices(text))

    assert.is_number(shipped.spot["n2-standard-8"])
    assert.matches("US dollars, 20%d%d%-%d%d", text)
    assert.is_number(cost.per_hour(fleet_with(), shipped))
  end)

  it("names the line of a table that is no price", function()
    local answer, message = cost.prices("machine\tx\t0.1\thour\nmachine x 0.1\n")

    assert.is_nil(answer)
    assert.equal("prices: line 2 is not kind, name, price, unit: 'machine x 0.1'", message)
  end)

  it("adds machines, local SSDs, boot disks and the journal's up to an hour", function()
    near(4 * (0.1 + 0.02) + 0.05 + (20 + 5 * 20) * 0.0001, cost.per_hour(fleet_with(), prices))
    near(2 * 0.4 + 0.05 + (20 + 3 * 20) * 0.0001,
      cost.per_hour(fleet_with { workers = 2, is_spot = false, local_ssds = 0 }, prices))
  end)

  it("says which price is missing", function()
    local answer, message = cost.per_hour(fleet_with { machine = "z9-tiny-1" }, prices)

    assert.is_nil(answer)
    assert.equal("prices: no spot 'z9-tiny-1': add it to gce/prices.tsv", message)
    assert.is_nil((cost.predict({ input_bytes = 1 }, fleet_with { machine = "z9-tiny-1" }, prices)))
    assert.is_nil((cost.spent(fleet_with { machine = "z9-tiny-1" }, prices, 1)))
  end)

  it("counts what was spent by the second", function()
    near(cost.per_hour(fleet_with(), prices) / 2, cost.spent(fleet_with(), prices, 1800))
    near(0, cost.spent(fleet_with(), prices, 0))
  end)

  it("ends a fleet while there is money left for its end", function()
    local per_hour = cost.per_hour(fleet_with(), prices)
    local pays_s = 7200 - cost.DOWN_SECONDS

    assert.is_false(cost.is_over(fleet_with(), prices, pays_s - 1, 2 * per_hour))
    assert.is_true(cost.is_over(fleet_with(), prices, pays_s + 1, 2 * per_hour))
  end)

  it("predicts the work from bytes, rate and slots", function()
    local predicted = assert(cost.predict({ input_bytes = 64 << 30, bytes_per_second = 32 << 20 },
      fleet_with(), prices))

    near((64 << 30) / ((32 << 20) * 32) * 1.25, predicted.work_seconds)
    near(predicted.work_seconds + cost.BOOT_SECONDS + cost.DOWN_SECONDS, predicted.seconds)
    near(predicted.seconds * 5, predicted.vm_seconds)
    assert.equal(1024, predicted.maps)
    assert.equal(256, predicted.reduces)
  end)

  it("does not count slots that have no map", function()
    local one = assert(cost.predict({ input_bytes = 1 << 20, split_bytes = 1 << 20 }, fleet_with(),
      prices))
    local with_one_slot = assert(cost.predict({ input_bytes = 1 << 20, split_bytes = 1 << 20 },
      fleet_with { workers = 1 }, prices))

    assert.equal(1, one.maps)
    near(one.work_seconds, with_one_slot.work_seconds)
  end)

  it("has a plan for no input at all", function()
    local predicted = assert(cost.predict({ input_bytes = 0 }, fleet_with(), prices))

    assert.equal(1, predicted.maps)
    assert.equal(1, predicted.reduces)
    assert.equal(0, predicted.work_seconds)
  end)

  it("counts requests, and more of them when the shuffle is in the bucket", function()
    local job = { input_bytes = 64 << 30, reducers = 100, input_count = 2001 }
    local plain = assert(cost.predict(job, fleet_with(), prices))
    job.shuffle = "gcs"
    local shuffled = assert(cost.predict(job, fleet_with(), prices))

    assert.equal(3 + 100 + 3, plain.class_a)
    assert.equal(1024 * 9, plain.class_b)
    assert.equal(plain.class_a + 1024, shuffled.class_a)
    assert.equal(plain.class_b + 1024 * 12, shuffled.class_b)
    near(plain.dollars + 1024 * 0.000005 + 1024 * 12 * 0.0000004, shuffled.dollars)
  end)

  it("tells it in lines that people read", function()
    local job = { input_bytes = 64000000000 }
    local lines = cost.lines(assert(cost.predict(job, fleet_with(), prices)), job, fleet_with())

    assert.equal("64.0 GB of input, 954 maps, 239 reduces; 4 workers n2-standard-8 (spot) and a"
      .. " master e2-standard-2", lines[1])
    assert.equal("predicted: 4 min 33 s, of which 1 min 3 s work (at 40.0 MB/s a slot);"
      .. " 1.36 k VM-seconds, 243 writes, 8.59 k reads", lines[2])
    assert.matches("^predicted: $0%.0%d; the fleet costs $0%.54 an hour", lines[3])
    assert.equal("real: 10 min 0 s, 3.00 k VM-seconds, $0.09 for machines and disks",
      cost.final_line(fleet_with(), 600, cost.spent(fleet_with(), prices, 600)))
  end)
end)

-- What a cluster says over the network, as somebody on the network reads it. Everything passes one
-- link: a worker and a client on the one side, the master and another worker on the other.

local capture = require "spec.support.capture"
local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local gated = require "spec.support.gated"
local network = require "spec.support.network"
local temp = require "spec.support.temp"

local SOURCE_CANARY = "canary_of_the_source"
local RECORD_CANARIES = { "distribute", "warranty", "copyright", "modification" } -- of the licences

local function bytes_of(hex)
  return (hex:gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end))
end

-- The secret and the role keys, as bytes and as text.
local function key_material(it_all)
  local texts = {}
  local function add(line)
    local hex = assert(line:match("^mrlua%-%a+ 1 .-(%x+)\n$"))
    assert.equal(64, #hex)
    texts[#texts + 1] = hex
    texts[#texts + 1] = bytes_of(hex)
  end
  add(temp.read(it_all.folder .. "/key"))
  for _, role in ipairs { "submit", "worker", "read" } do
    add(engine.output { "key", "--role", role, "--key-file", it_all.folder .. "/key" })
  end
  return texts
end

local function expect_nothing_of(texts, wire)
  for _, text in ipairs(texts) do
    assert.is_nil(wire:find(text, 1, true))
  end
end

local function found_count(texts, wire)
  local count = 0
  for _, text in ipairs(texts) do
    count = count + (wire:find(text, 1, true) and 1 or 0)
  end
  return count
end

describe("the wire of a cluster", function()
  local it_all, net, wire

  -- Runs a job whose maps and reduces are on both sides; answers all that passed the link.
  local function run_job(flags)
    it_all = cluster.open(flags)
    net = network.open(it_all.folder)
    if not net then
      return nil
    end
    wire = capture.start(it_all.folder .. "/wire", net)
    it_all.address = net.near.ip .. ":0"
    it_all:start_master()
    it_all:start_worker { flags = { "--allow-unsafe", "--listen", net.near.ip .. ":0" } }
    it_all:start_worker { wrap = net:wrap(net.far),
      flags = { "--allow-unsafe", "--listen", net.far.ip .. ":0" } }
    local gate = gated.new(it_all, ("name = '%s',"):format(SOURCE_CANARY))
    local job = gate:submit { wrap = net:wrap(net.far) }
    gate:wait_for("map", 2)
    gate:open "map"
    gate:wait_for("reduce", 2)
    gate:open "reduce"
    gate:expect_parts(job)
    for _, worker in ipairs(it_all.workers) do
      assert.is_true(#gate:ran("map", worker.id) > 0)
      assert.is_true(#gate:ran("reduce", worker.id) > 0)
    end
    it_all:expect_clean()
    return wire:finish()
  end

  after_each(function()
    if wire then
      wire:stop()
    end
    if net then
      net:close()
    end
    it_all:close()
    wire, net = nil, nil
  end)

  it("shows neither keys nor the job nor its records", function()
    local seen = run_job()
    if not seen then
      return pending("needs root, network namespaces, and iproute2")
    end

    assert.is_true(#seen > 32 * 1024) -- it was there to be seen
    expect_nothing_of(key_material(it_all), seen)
    expect_nothing_of({ SOURCE_CANARY, "return {", "mrlua-key" }, seen)
    expect_nothing_of(RECORD_CANARIES, seen)
    assert.equal(2, found_count({ "mrlua-1 worker", "mrlua-1 submit" }, seen)) -- who is there
  end)

  it("shows all but the keys with --insecure-plain", function()
    local seen = run_job { "--insecure-plain" }
    if not seen then
      return pending("needs root, network namespaces, and iproute2")
    end

    expect_nothing_of(key_material(it_all), seen)
    assert.is_truthy(seen:find(SOURCE_CANARY, 1, true))
    assert.is_true(found_count(RECORD_CANARIES, seen) > 0)
  end)
end)

describe("a master that speaks TLS on loopback", function()
  local it_all

  before_each(function()
    it_all = cluster.open { "--tls" }
    it_all:start_master()
  end)

  after_each(function()
    it_all:close()
  end)

  it("runs a job with workers and clients that do", function()
    local gate = gated.new(it_all)
    it_all:start_worker { flags = { "--allow-unsafe" } }
    it_all:start_worker { flags = { "--allow-unsafe" } }
    gate:open "map"
    gate:open "reduce"

    gate:expect_nothing_twice(gate:submit())
    it_all:expect_clean()
  end)

  it("tells a client and a worker that do not, in one line, at once", function()
    local key_file = it_all.folder .. "/key"
    for command, flags in pairs { jobs = {}, worker = { "--dir", it_all.folder .. "/dir" } } do
      local argv = { command, "--master", it_all.address, "--key-file", key_file }
      local result = engine.run(table.move(flags, 1, #flags, #argv + 1, argv), { seconds = 5 })

      assert.equal(2, result.code)
      assert.equal(("mrlua: %s speaks TLS, and this end plain text: leave out --insecure-plain"
        .. " here, or, towards loopback, add --tls"):format(it_all.address),
        result.stderr:match("([^\n]*)\n$"))
    end
  end)

  it("is told to who has the key of one role only", function()
    local key = engine.output { "key", "--role", "read", "--key-file", it_all.folder .. "/key" }
    local file = temp.write(it_all.folder .. "/read", key)
    assert(os.execute("chmod 600 " .. file))
    local argv = { "jobs", "--tls", "--master", it_all.address, "--key-file", file }

    assert.equal(0, engine.run(argv).code)
  end)
end)

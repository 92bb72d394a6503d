local cjson = require "cjson"
local daemon = require "spec.support.daemon"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

describe("gce/boot/gauge.sh", function()
  local folder, google, address

  before_each(function()
    folder = temp.folder()
    temp.write(folder .. "/machine.json", cjson.encode { name = "mrlua-master",
      zone = "us-central1-a", project = "proj-1", token = "a-token" })
    temp.write(folder .. "/fleet.env", "MRLUA_PROJECT=proj-1\n")
    google = daemon.start("python3 -B spec/gce/machine.py " .. folder, folder .. "/google")
    address = temp.wait_until(20, function()
      return google:text("out"):match("listens on (%S+)\n")
    end)
  end)

  after_each(function()
    google:stop()
    temp.remove(folder)
  end)

  -- gauge.sh on a master whose /metrics are this text.
  local function gauge(metrics)
    temp.write(folder .. "/metrics", metrics)
    return engine.run_command(("GCE_METADATA_HOST=%s MRLUA_MONITORING=http://%s"
      .. " MRLUA_METRICS=file://%s/metrics MRLUA_FLEET_SETTINGS=%s/fleet.env gce/boot/gauge.sh")
      :format(address, address, folder, folder))
  end

  it("sends what is to do as a point of the project's own metric", function()
    local result = gauge("# HELP x y\nmrlua_slots 8\nmrlua_slots_used 3\nmrlua_pending_tasks 40\n"
      .. "mrlua_pending_tasks_per_slot 5\n")

    assert.equal(0, result.code, result.stderr)
    local body = temp.read(folder .. "/requests")
      :match("POST /v3/projects/proj%-1/timeSeries (.-)\n")
    local series = cjson.decode(body).timeSeries[1]
    assert.equal("custom.googleapis.com/mrlua/tasks_open", series.metric.type)
    assert.equal("global", series.resource.type)
    assert.equal("43", series.points[1].value.int64Value)
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", series.points[1].interval.endTime)
  end)

  it("sends nothing that is no number", function()
    for _, metrics in ipairs { "mrlua_slots_used 8\n",
      "mrlua_slots_used 8\nmrlua_pending_tasks x\n", "" } do
      local result = gauge(metrics)

      assert.equal(1, result.code)
      assert.matches("has no mrlua_pending_tasks and", result.stderr, 1, true)
    end
  end)

  it("is nobody's business on a machine of no fleet", function()
    os.remove(folder .. "/fleet.env")

    assert.equal(0, gauge("").code)
    assert.is_false(temp.exists(folder .. "/requests"))
  end)

  it("takes no attribute that a shell or systemd could take for more than a word", function()
    for _, value in ipairs { "a b", "$(id)", "x\ny=1", "a;b" } do
      temp.write(folder .. "/machine.json", cjson.encode { name = "m", zone = "z-a",
        project = "proj-1", token = "t", attributes = { ["mrlua-role"] = value } })
      local result = engine.run_command(("GCE_METADATA_HOST=%s bash -c '. gce/boot/cloud.sh"
        .. " && attribute mrlua-role'"):format(address))

      assert.equal(1, result.code)
      assert.equal("", result.stdout)
      assert.matches("attribute mrlua-role is no plain word", result.stderr, 1, true)
    end
  end)
end)

--- The scripts with the real gcloud, where it is installed, on APIs of our own (compute.py): that
-- it takes their command lines, asks for what they mean, and understands what it is answered. Some
-- 150 calls of gcloud: minutes. One cluster goes from test to test, in this order.

local daemon = require "spec.support.daemon"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local GCLOUD = temp.capture("command -v gcloud")

local function requests(folder)
  local path, lines = folder .. "/changes", {}
  local root = temp.capture("pwd"):gsub("%p", "%%%0")
  for line in (temp.exists(path) and temp.read(path) or ""):gmatch("[^\n]+") do
    lines[#lines + 1] = line:gsub(root, "ROOT"):gsub("mrlua%-HOST", "HOST")
  end
  return lines
end

describe("gce/*.sh with the real gcloud", function()
  if GCLOUD == "" then
    it("are not tried: gcloud is not installed", function()
      pending "gcloud is not installed"
    end)
    return
  end

  local golden = require "spec.gce.kit".golden
  local folder, server, address

  setup(function()
    folder = temp.folder()
    server = daemon.start("env BUILD_TOKEN=$(cat " .. folder .. "/token 2>/dev/null) python3 -B"
      .. " spec/gce/compute.py " .. folder, folder .. "/server")
    address = temp.wait_until(20, function()
      return server:text("out"):match("listens on (%S+)\n")
    end)
  end)

  teardown(function()
    server:stop()
    temp.remove(folder)
  end)

  local function run(command)
    local words = { "CLOUDSDK_CONFIG=" .. folder .. "/config",
      "CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true",
      "MRLUA_GCE_POLL_SECONDS=0",
      "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=true", "MRLUA_GCE_START_SECONDS=5",
      ("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE=http://%s/compute/v1/"):format(address),
      ("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=http://%s/storage/v1/"):format(address) }
    for _, api in ipairs { "IAM", "SECRETMANAGER", "CLOUDRESOURCEMANAGER", "SERVICEUSAGE" } do
      words[#words + 1] = ("CLOUDSDK_API_ENDPOINT_OVERRIDES_%s=http://%s/"):format(api, address)
    end
    return engine.run_command(table.concat(words, " ") .. " gce/" .. command .. " --project proj-1",
      { seconds = 600 })
  end

  local function left()
    return temp.capture(("curl -s http://%s/left"):format(address))
  end

  it("bring a cluster up by exactly these requests", function()
    local result = run "up.sh --bucket data-1"

    assert.equal(0, result.code, result.stderr)
    assert.equal("", server:text "err")
    golden("up.requests", requests(folder))
  end)

  it("find everything that is there the second time", function()
    os.remove(folder .. "/changes")
    local result = run "up.sh --bucket data-1"

    assert.equal(0, result.code, result.stderr)
    for _, line in ipairs(requests(folder)) do
      assert.truthy(line:find("IamPolicy", 1, true) or line:find("/iam ", 1, true)
        or line:find("batchEnable", 1, true), line)
    end
  end)

  it("tell what it costs, and give the group another size", function()
    local status = run "status.sh"
    assert.equal(0, status.code, status.stderr)
    assert.matches("\nmrlua%-master +us%-central1%-a +e2%-standard%-2 +RUNNING +0%.067\n",
      status.stdout)
    assert.matches("group mrlua-workers: 4 machines wanted\n", status.stdout, 1, true)

    local resized = run "resize.sh 6"
    assert.equal(0, resized.code, resized.stderr)
    assert.matches("group mrlua-workers: 6 machines wanted\n", run("status.sh").stdout, 1, true)
  end)

  it("delete all of it", function()
    os.remove(folder .. "/changes")
    local result = run "down.sh --bucket data-1"

    assert.equal(0, result.code, result.stderr)
    golden("down.requests", requests(folder))
    assert.equal("/storage/v1/b/data-1", left())
  end)

  it("take the next zone when an operation says in the first that there is nothing", function()
    temp.write(folder .. "/refuse", table.concat({ "POST .*/zones/us-central1-a/instances",
      "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "The zone 'projects/proj-1/zones/us-central1-a'"
      .. " does not have enough resources available to fulfill the request.  '(resource"
      .. " type:compute)'.", "1" }, "\t") .. "\n")
    local result = run "up.sh --bucket data-1 --on-demand --workers 1 --autoscale 9"

    assert.equal(0, result.code, result.stderr)
    assert.matches("us-central1-a has no such machines now", result.stderr, 1, true)
    assert.is_nil(left():find("us-central1-a", 1, true))
    assert.matches("/zones/us-central1-b/instances/mrlua-master", left(), 1, true)
    assert.matches("/zones/us-central1-b/autoscalers/mrlua-workers", left(), 1, true)
  end)
end)

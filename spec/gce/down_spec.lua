local json = require "mrlua.json"
local kit = require "spec.gce.kit"

local UP = { "--bucket", "data-1" }

describe("gce/down.sh", function()
  local project

  before_each(function()
    project = kit.open()
    project:expect("up", UP)
    project:forget()
  end)

  after_each(function()
    project:close()
  end)

  local function left()
    local kinds = {}
    for kind, resources in pairs(project:state()) do
      if next(resources) and kind ~= "storage buckets" and kind ~= "iam roles"
        and kind ~= "secrets versions" then
        kinds[#kinds + 1] = kind
      end
    end
    return kinds
  end

  it("asks gcloud for exactly this, and says what is left", function()
    local result = project:expect("down", UP)

    kit.golden("down.calls", project:calls())
    assert.same({}, left())
    assert.is_true(project:find("iam roles", "mrlua_fleet_mrlua").deleted)
    assert.equal("left in project stub-project:\n  nothing of cluster mrlua\n"
      .. "  bucket gs://data-1 with what is in it\n", result.stdout)
  end)

  it("has nothing to do the second time", function()
    project:expect("down", UP)
    local result = project:expect("down", UP)

    assert.is_nil(result.stderr:find("deleted", 1, true))
  end)

  it("deletes a cluster that is only half there", function()
    project:close()
    project = kit.open()
    project:fault("instances create mrlua-master", "quota", 1)
    project:run("up", UP)
    project:expect("down", UP)

    assert.same({}, left())
  end)

  it("names what it could not delete, and goes on with the rest", function()
    project:fault("managed delete", "denied", 1)
    local result = project:run("down", UP)

    assert.equal(1, result.code)
    assert.matches("could not be deleted: mrlua-workers (us-central1-a)", result.stderr, 1, true)
    assert.matches("left in project stub-project:\n  instance mrlua-worker-0001\tus-central1-a",
      result.stdout, 1, true)
    assert.is_nil(project:find("compute instances", "mrlua-master"))
  end)

  it("keeps the journal, or all that costs nothing, when it is told so", function()
    local result = project:expect("down", { "--machines-only", "--keep-journal" })

    assert.same({}, project:names("compute instances"))
    assert.same({ "us-central1-a/mrlua-journal" }, project:names("compute disks"))
    assert.same({ "mrlua" }, project:names("compute networks"))
    assert.matches("disk mrlua-journal\tus-central1-a", result.stdout, 1, true)
  end)

  it("keeps images, and deletes them when it is told so", function()
    project:write("x.deb", "package")
    project:expect("image", { "--bucket", "data-1", "--deb", project.folder .. "/x.deb" })
    assert.matches("image mrlua%-%x+", project:expect("down", UP).stdout)
    project:expect("down", { "--images" })

    assert.same({}, project:names("compute images"))
  end)
end)

describe("gce/status.sh", function()
  local project

  before_each(function()
    project = kit.open()
  end)

  after_each(function()
    project:close()
  end)

  it("says that there is nothing", function()
    assert.equal("cluster 'mrlua' is not there; 'mrlua cluster up' makes it\n",
      project:expect("status").stdout)
  end)

  it("adds up what runs, and what costs while nothing does", function()
    project:expect("up", { "--bucket", "data-1", "--workers", "2" })
    local text = project:expect("status").stdout

    assert.matches("\nmrlua%-master +us%-central1%-a +e2%-standard%-2 standard +RUNNING +0%.067\n",
      text)
    assert.matches("\nmrlua%-worker%-0002 +us%-central1%-a +n2%-standard%-8 spot +RUNNING +0%.11",
      text)
    assert.matches("\nmachines: $0.29 an hour\ngroup mrlua-workers: 2 machines wanted\n", text, 1,
      true)
    assert.matches("disk mrlua-journal: 20 GB, $2.00 a month, also while nothing runs", text, 1,
      true)
  end)

  it("tells the same as JSON", function()
    assert.same({ name = "mrlua", machines = {}, disks = {} },
      json.decode(project:expect("status", { "--json" }).stdout))

    project:expect("up", { "--bucket", "data-1", "--workers", "2", "--machine", "z9-mega-7" })
    local text = project:expect("status", { "--json" }).stdout
    local answer = json.decode(assert(text:match "^([^\n]+)\n$"))
    local machines = {}
    for _, machine in ipairs(answer.machines) do
      machines[machine.name] = machine
    end

    local master = machines["mrlua-master"]
    assert.matches("^0.06", ("%.3f"):format(master.usd_per_hour))
    master.usd_per_hour = nil
    assert.same({ name = "mrlua-master", zone = "us-central1-a", type = "e2-standard-2",
      model = "standard", state = "RUNNING" }, master)
    assert.same({ "spot", nil }, { machines["mrlua-worker-0002"].model,
      machines["mrlua-worker-0002"].usd_per_hour })
    assert.equal(2, answer.workers_wanted)
    assert.same({ { name = "mrlua-journal", gb = 20, usd_per_month = 2 } }, answer.disks)
  end)

  it("shows a machine that nobody knows the price of", function()
    project:expect("up", { "--bucket", "data-1", "--workers", "1", "--machine", "z9-mega-7" })

    assert.matches("machines: $0.07 an hour and what is not in prices.tsv",
      project:expect("status").stdout, 1, true)
  end)

  it("counts nothing for a machine that is stopped", function()
    project:expect("up", { "--bucket", "data-1", "--workers", "1" })
    os.execute(("env %s gcloud compute instances stop mrlua-master --zone=us-central1-a")
      :format(project:environment()))

    assert.matches("machines: $0.11 an hour", project:expect("status").stdout, 1, true)
  end)
end)

describe("gce/resize.sh", function()
  local project

  before_each(function()
    project = kit.open()
    project:expect("up", { "--bucket", "data-1", "--workers", "3" })
    project:forget()
  end)

  after_each(function()
    project:close()
  end)

  it("lets the group grow", function()
    project:expect("resize", { "5" })

    assert.equal(6, #project:names("compute instances"))
  end)

  it("has nothing to do when the size is that", function()
    project:expect("resize", { "3" })

    assert.same({}, project:changes())
  end)

  it("takes idle workers that hold the least first", function()
    project:write("ssh", "WORKER  NAME               STATE  SLOTS  DISK FREE  OUTPUTS\n"
      .. "     1  mrlua-worker-0001  ready    0/8    300 GB       17\n"
      .. "     2  mrlua-worker-0002  ready    0/8    300 GB        0\n"
      .. "     3  mrlua-worker-0003  ready    8/8    300 GB        0\n")
    project:expect("resize", { "1" })

    assert.same({ "us-central1-a/mrlua-master", "us-central1-a/mrlua-worker-0003" },
      project:names("compute instances"))
  end)

  it("lets the group choose when the master knows too few", function()
    project:write("ssh", "WORKER  NAME  STATE  SLOTS  DISK FREE  OUTPUTS\n")
    project:expect("resize", { "1" })

    assert.equal(1, #project:calls("managed resize mrlua%-workers .*%-%-size=1"))
  end)

  it("wants one number", function()
    for _, argv in ipairs { {}, { "x" }, { "1", "2" }, { "1001" } } do
      assert.equal(2, project:run("resize", argv).code)
    end
  end)
end)

local kit = require "spec.gce.kit"
local temp = require "spec.support.temp"

local UP = { "--bucket", "data-1" }
local INSTANCES, GROUPS = "compute instances", "compute instance-groups managed"
local ALL = { "us-central1-a/mrlua-master", "us-central1-a/mrlua-worker-0001",
  "us-central1-a/mrlua-worker-0002", "us-central1-a/mrlua-worker-0003",
  "us-central1-a/mrlua-worker-0004" }

describe("gce/up.sh", function()
  local project

  before_each(function()
    project = kit.open()
  end)

  after_each(function()
    project:close()
  end)

  it("asks gcloud for exactly this", function()
    project:expect("up", UP)

    kit.golden("up.calls", project:calls())
    assert.same(ALL, project:names(INSTANCES))
  end)

  it("changes nothing when all is there", function()
    project:expect("up", UP)
    local before = project:state()
    project:forget()
    project:expect("up", UP)

    for _, line in ipairs(project:changes()) do
      assert.truthy(line:find("services enable", 1, true) or line:find("add-iam-policy", 1, true),
        line)
    end
    assert.same(before, project:state())
  end)

  it("keeps the secret out of arguments and of the project's files", function()
    project:expect("up", UP)
    local secret = temp.read(project.folder .. "/secret")
    local hex = secret:match("^mrlua%-secret 1 (" .. ("%x"):rep(64) .. ")\n$")

    assert.is_string(hex)
    for _, name in ipairs { "calls", "state.json" } do
      assert.is_nil(temp.read(project.folder .. "/" .. name):find(hex, 1, true))
    end
  end)

  it("gives every machine an end of its own", function()
    project:expect("up", { "--bucket", "data-1", "--max-hours", "3" })

    for _, line in ipairs(project:calls(" create ")) do
      if line:find("instances create", 1, true) or line:find("templates create", 1, true) then
        assert.matches(" --max-run-duration=3h ", line, 1, true)
        assert.matches(" --instance-termination-action=DELETE ", line, 1, true)
      end
    end
  end)

  for _, spelling in ipairs { "stock-out", "stock-out-details" } do
    it("takes the next zone when the master's has no machines, said as " .. spelling, function()
      project:fault("instances create mrlua-master", spelling, 1)
      project:expect("up", UP)

      assert.same({ "us-central1-b/mrlua-journal" }, project:names("compute disks"))
      assert.equal("us-central1-b/mrlua-master", project:names(INSTANCES)[1])
      assert.same({ "us-central1-b/mrlua-workers" }, project:names(GROUPS))
    end)
  end

  for _, spelling in ipairs { "no-machines", "no-machines-details" } do
    it("moves all of it when the workers' zone has none, said as " .. spelling, function()
      project:fault("managed create", spelling, 1)
      project:expect("up", UP)

      assert.same({ "us-central1-b/mrlua-journal" }, project:names("compute disks"))
      assert.equal("us-central1-b/mrlua-master", project:names(INSTANCES)[1])
      assert.equal(5, #project:names(INSTANCES))
    end)
  end

  it("says so when no zone has any, and leaves nothing that costs", function()
    project:fault("instances create mrlua-master", "stock-out")
    local result = project:run("up", UP)

    assert.equal(1, result.code)
    assert.matches("none of us%-central1%-a us%-central1%-b .* has such machines", result.stderr)
    assert.same({}, project:names(INSTANCES))
    assert.same({}, project:names("compute disks"))
  end)

  it("goes on with fewer workers than it asked for", function()
    project:fault("managed create", "one-machine", 1)
    local result = project:expect("up", UP)

    assert.matches("only 1 of 4 workers run", result.stderr)
  end)

  it("tells a quota in the cloud's words, for the master and for the workers", function()
    project:fault("instances create mrlua-master", "quota", 1)
    local result = project:run("up", UP)
    assert.equal(1, result.code)
    assert.matches("Quota 'CPUS' exceeded.  Limit: 24.0", result.stderr, 1, true)

    project:fault("managed create", "no-machines-quota", 1)
    result = project:run("up", UP)
    assert.equal(1, result.code)
    assert.matches("QUOTA_EXCEEDED", result.stderr, 1, true)
    assert.matches("'mrlua cluster down' deletes it", result.stderr, 1, true)
  end)

  it("does not take an answer that fails for 'it is not there'", function()
    project:fault("networks describe", "denied", 1)
    local result = project:run("up", UP)

    assert.equal(1, result.code)
    assert.matches("no answer to: gcloud compute networks describe mrlua", result.stderr, 1, true)
    assert.same({}, project:calls("networks create"))
  end)

  it("is content when somebody else was faster", function()
    project:fault("networks create", "exists", 1)
    project:fault("managed create", "exists", 1)
    project:run("up", UP)

    assert.equal("us-central1-a/mrlua-master", project:names(INSTANCES)[1])
  end)

  it("waits until a new account is known everywhere", function()
    project:fault("buckets add-iam-policy-binding", "settling", 2)
    local result = project:expect("up", UP)

    assert.matches("not known everywhere yet, try 2", result.stderr, 1, true)
    assert.equal(9, #project:state().bindings)
  end)

  -- Method: kill -9 for all of it after one call has had its effect; then again.
  for _, step in ipairs { "networks create", "secrets create", "versions add", "roles create",
    "disks create", "instances create", "managed create" } do
    it("goes on where it was killed, after: " .. step, function()
      project:fault(step, "kill-after", 1)
      local environment = project:environment()
      os.execute(("setsid env %s gce/up.sh --bucket data-1 >/dev/null 2>&1"):format(environment))
      assert.equal(1, #project:calls(step))
      project:expect("up", UP)

      assert.same(ALL, project:names(INSTANCES))
      assert.same({ "ENABLED" }, { project:find("secrets versions", "mrlua-secret").state })
      assert.equal(1, #project:calls("versions add"))
    end)
  end

  it("moves a journal that was never used, and never one that was", function()
    project:fault("disks create", "kill-after", 1)
    os.execute(("setsid env %s gce/up.sh --bucket data-1 >/dev/null 2>&1")
      :format(project:environment()))
    project:fault("instances create mrlua-master --zone=us-central1-a", "stock-out")
    project:expect("up", UP)
    assert.same({ "us-central1-b/mrlua-journal" }, project:names("compute disks"))

    project:expect("down", { "--keep-journal", "--machines-only" })
    project:fault("instances create mrlua-master --zone=us-central1-b", "stock-out")
    local result = project:run("up", UP)
    assert.equal(1, result.code)
    assert.matches("none of us%-central1%-b has such machines now", result.stderr)
    assert.same({ "us-central1-b/mrlua-journal" }, project:names("compute disks"))
  end)

  it("starts a master that stopped itself, and makes its group again", function()
    project:expect("up", UP)
    project:expect("down", { "--machines-only", "--keep-journal" })
    project:expect("up", UP)
    os.execute(("env %s gcloud compute instances stop mrlua-master --zone=us-central1-a")
      :format(project:environment()))
    assert.equal("TERMINATED", project:find(INSTANCES, "mrlua-master").status)
    project:expect("up", UP)

    assert.equal("RUNNING", project:find(INSTANCES, "mrlua-master").status)
  end)

  it("replaces the workers when they are to be others", function()
    project:expect("up", UP)
    local first = project:find(GROUPS, "mrlua-workers").instanceTemplate
    project:expect("up", { "--bucket", "data-1", "--machine", "n2-standard-16", "--on-demand" })

    assert.not_equal(first, project:find(GROUPS, "mrlua-workers").instanceTemplate)
    assert.equal(1, #project:calls("rolling%-action start%-update mrlua%-workers"))
    assert.is_nil(project:calls("templates create")[2]:find("SPOT", 1, true))
  end)

  it("lets a group grow by the tasks that there are for each of its slots", function()
    project:expect("up", { "--bucket", "data-1", "--autoscale", "20" })
    local line = project:calls("set%-autoscaling mrlua%-workers")[1]

    for _, flag in ipairs { "--min-num-replicas=4 ", "--max-num-replicas=20 ",
      "--mode=only-scale-out ", "/mrlua/tasks_open ", "single-instance-assignment=32" } do
      assert.matches(flag, line .. " ", 1, true)
    end
  end)

  it("brings a role back that `down` had deleted", function()
    project:expect("up", UP)
    project:expect("down", UP)
    project:expect("up", UP)

    assert.equal(1, #project:calls("roles undelete"))
    assert.equal(1, #project:calls("roles create"))
  end)

  it("does not touch rules that the bucket has already", function()
    project:expect("up", { "--bucket", "data-1", "--bucket-only" })
    assert.equal(1, #project:calls("lifecycle%-file"))
    assert.same({}, project:names(INSTANCES))
    project:expect("up", { "--bucket", "data-1", "--bucket-only" })

    assert.equal(1, #project:calls("lifecycle%-file"))
  end)

  it("says what is wrong with a command line", function()
    for _, case in ipairs {
      { {}, "which bucket? --bucket NAME, or MRLUA_BUCKET" },
      { { "--bucket" }, "option '--bucket' wants a value" },
      { { "--bucket", "B!" }, "'B!' is no name of a bucket" },
      { { "--bucket", "b-1", "--workers", "0" }, "--workers: '0' is not a whole number from 1 to" },
      { { "--bucket", "b-1", "--wrokers", "1" }, "unknown option '--wrokers'" },
      { { "--bucket", "b-1", "--name", "A b" }, "'A b' is no name of a cluster" },
      { { "--bucket", "b-1", "--zones", "us-central1-a,europe-west1-b" },
        "'europe-west1-b' is not in us-central1" },
    } do
      local result = project:run("up", case[1])

      assert.equal(2, result.code)
      assert.matches(case[2], result.stderr, 1, true)
      assert.same({}, project:calls())
    end
  end)
end)

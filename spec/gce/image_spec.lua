local kit = require "spec.gce.kit"

-- The name of the first image there is.
local function image(project)
  return project:names("compute images")[1]
end

describe("gce/image.sh", function()
  local project, argv

  before_each(function()
    project = kit.open()
    project:write("x.deb", "package")
    argv = { "--bucket", "data-1", "--deb", project.folder .. "/x.deb" }
  end)

  after_each(function()
    project:close()
  end)

  it("asks gcloud for exactly this", function()
    project:expect("image", argv)
    local lines = project:calls()
    for i, line in ipairs(lines) do
      lines[i] = line:gsub(project.folder:gsub("%p", "%%%0"), "FOLDER")
        :gsub(image(project), "mrlua-HASH")
        :gsub(image(project):match("%-(%x+)$"), "HASH")
    end

    kit.golden("image.calls", lines)
    assert.same({}, project:names("compute instances"))
  end)

  it("builds the same only once, and something else again", function()
    project:expect("image", argv)
    project:forget()
    project:expect("image", argv)
    assert.same({}, project:calls("instances create"))

    project:write("x.deb", "another package")
    project:expect("image", argv)
    assert.equal(2, #project:names("compute images"))
  end)

  it("starts again with a new machine after it was killed", function()
    project:fault("instances create", "kill-after", 1)
    os.execute(("setsid env %s gce/image.sh --bucket data-1 --deb %s >/dev/null 2>&1")
      :format(project:environment(), argv[4]))
    project:expect("image", argv)

    assert.equal(1, #project:calls("instances delete mrlua%-image%-builder .*%-%-quiet") - 1)
    assert.equal(1, #project:names("compute images"))
    assert.same({}, project:names("compute instances"))
  end)

  it("takes another zone when one has no machines", function()
    project:fault("instances create", "stock-out", 2)
    project:expect("image", argv)

    assert.equal(1, #project:calls("images create .*%-%-source%-disk%-zone=us%-central1%-c"))
  end)

  it("shows what the machine said when it failed", function()
    project:write("serial", "E: Unable to locate package\n")
    local late = project:run("image", argv)
    assert.equal(1, late.code)
    assert.matches("did not get ready in 2 s", late.stderr, 1, true)

    local hash = project:calls("instances create")[1]:match("mrlua%-token=(%x+)")
    project:write("serial", "E: Unable to locate package\nmrlua-image: failed " .. hash .. "\n")
    local failed = project:run("image", argv)
    assert.equal(1, failed.code)
    assert.matches("E: Unable to locate package", failed.stderr, 1, true)
    assert.same({}, project:names("compute images"))
  end)

  it("takes the image before when it is told to roll back", function()
    project:expect("image", argv)
    local first = image(project)
    project:write("x.deb", "another package")
    project:expect("image", argv)
    local result = project:expect("image", { "--roll-back" })

    assert.matches("the next machines start from: " .. first, result.stderr, 1, true)
  end)

  it("wants a package", function()
    local result = project:run("image", { "--bucket", "data-1", "--deb", "/no/such.deb" })

    assert.equal(1, result.code)
    assert.matches("there is no package /no/such.deb", result.stderr, 1, true)
  end)
end)

--- The four commands of the README's section "Google Cloud", as they stand there, on a pretended
-- cloud: machines are real masters and workers (machines_hook), the bucket is spec/gcs.

local engine = require "spec.support.engine"
local fleet = require "spec.gce.fleet"
local temp = require "spec.support.temp"

local BUILD = engine.path:match("^(.*)/[^/]*$")

-- The commands, a line each.
local function commands()
  local block = temp.read("README.md"):match("\n## Google Cloud\n\n```sh\n(.-)```")
  local lines = {}
  for line in block:gmatch("[^\n]+") do
    lines[#lines + 1] = (line:gsub("BUCKET", "data-1"))
  end
  return lines
end

describe("README.md, Google Cloud", function()
  local project

  before_each(function()
    project = fleet.open()
  end)

  after_each(function()
    fleet.close(project)
  end)

  it("leads in four commands to a finished job and an empty project", function()
    if not BUILD:find("/build$") then
      return pending "the commands say build/"
    end
    local lines, said = commands(), ""
    assert.equal(4, #lines)
    for _, line in ipairs(lines) do
      line = line:gsub("%-%-download words", "--download " .. project.folder .. "/words")
      local result = project:inside(line, 300)
      assert.equal(0, result.code, line .. "\n" .. result.stdout .. result.stderr)
      said = said .. result.stdout .. result.stderr
    end

    assert.matches("predicted: $0.0%d; the fleet costs $0.5%d an hour", said)
    assert.matches("real: .* VM%-seconds, $0.%d%d for machines and disks", said)
    local expected = temp.folder()
    engine.output { "run", "jobs/wordcount.lua", "README.md", "-o", expected .. "/words" }
    assert.equal(engine.parts(expected .. "/words"), engine.parts(project.folder .. "/words"))
    temp.remove(expected)
    for _, kind in ipairs { "compute instances", "compute disks", "compute images",
      "compute networks", "compute instance-groups managed", "iam service-accounts", "secrets" } do
      assert.same({}, project:names(kind), kind)
    end
  end)
end)

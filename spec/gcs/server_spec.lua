-- The tests of the storage server, which are Python as it is (test_*.py): each is one claim here.

local cjson = require "cjson"
local temp = require "spec.support.temp"

local TESTS = "python3 spec/gcs/tests.py"

-- "test_download.Ranges.test_a_range_is_206" says: download, ranges: a range is 206.
local function say(name)
  local file, class, claim = name:match("^test_(%w+)%.(%w+)%.test_(.+)$")
  return ("%s, %s: %s"):format(file, class:lower(), claim:gsub("_", " "))
end

describe("spec/gcs/server", function()
  local failed

  setup(function()
    failed = cjson.decode(temp.capture(TESTS):match("[^\n]*$"))
  end)

  for name in temp.capture(TESTS .. " --list"):gmatch("[^\n]+") do
    it(say(name), function()
      assert.not_nil(failed[name], name .. " did not run")
      assert(failed[name] == cjson.null, failed[name])
    end)
  end
end)

-- What `cp` plans, with an engine that knows some files and objects.

local function objects(...)
  local list = {}
  for i, name in ipairs { ... } do
    list[i] = { uri = name, size = name:find("/$") and 0 or 5, generation = 7 }
  end
  return list
end

local FOUND = {
  ["gs://b/o"] = objects "gs://b/o",
  ["gs://b/d"] = objects("gs://b/d/", "gs://b/d/x", "gs://b/d/e/y"),
  ["gs://b/d/*"] = objects("gs://b/d/x", "gs://b/d/e/y"),
  ["gs://b/none"] = {},
}
local WALKED = {
  f = { kind = "file", files = { { path = "f", size = 1 } } },
  t = { kind = "folder", files = { { path = "t/1", size = 1 }, { path = "t/u/2", size = 2 } } },
}

local function load_with_engine()
  package.loaded["mrlua.cli.fs_copies"] = nil
  package.loaded["mrlua.engine"] = {
    fs_find = function(args)
      return FOUND[args.uri]
    end,
    fs_walk = function(args)
      return WALKED[args.path:gsub("/+$", "")] or { kind = "none", files = {} }
    end,
  }
  return require "mrlua.cli.fs_copies"
end

describe("fs_copies", function()
  local copies, was

  setup(function()
    was = package.loaded["mrlua.engine"]
    copies = load_with_engine()
  end)

  teardown(function()
    package.loaded["mrlua.engine"] = was
    package.loaded["mrlua.cli.fs_copies"] = nil
  end)

  local cases = {
    { "an object to a name", { "gs://b/o" }, "n", { "gs://b/o n" } },
    { "an object into a folder", { "gs://b/o" }, "t", { "gs://b/o t/o" } },
    { "a file to a name", { "f" }, "gs://b/x", { "f gs://b/x" } },
    { "a file into a bucket", { "f" }, "gs://b", { "f gs://b/f" } },
    { "what is in a folder", { "t" }, "gs://b/x", { "t/1 gs://b/x/1", "t/u/2 gs://b/x/u/2" } },
    { "a folder with a slash", { "t/" }, "gs://b/x/", { "t/1 gs://b/x/1", "t/u/2 gs://b/x/u/2" } },
    { "several, each under its name", { "f", "t" }, "gs://b/x",
      { "f gs://b/x/f", "t/1 gs://b/x/t/1", "t/u/2 gs://b/x/t/u/2" } },
    { "objects below a name, without what stands for a folder", { "gs://b/d" }, "n",
      { "gs://b/d/x n/x", "gs://b/d/e/y n/e/y" } },
    { "what a pattern matches, below its fixed part", { "gs://b/d/*" }, "n",
      { "gs://b/d/x n/x", "gs://b/d/e/y n/e/y" } },
    { "objects to objects", { "gs://b/d" }, "gs://c/z",
      { "gs://b/d/x gs://c/z/x", "gs://b/d/e/y gs://c/z/e/y" } },
  }
  for _, case in ipairs(cases) do
    it("plans " .. case[1], function()
      local list = assert(copies.plan(case[2], case[3], { recursive = true }))
      local pairs_of = {}
      for i, one in ipairs(list) do
        pairs_of[i] = one.from .. " " .. one.to
      end
      assert.same(case[4], pairs_of)
    end)
  end

  it("says why it cannot", function()
    local refused = {
      { "t is a folder: cp -r copies what is in it", { "t" }, "gs://b/x" },
      { "gs://b/none: no such object", { "gs://b/none" }, "n" },
      { "read no: No such file or directory", { "no" }, "gs://b/x" },
      { "f: one of the two must be gs://; cp(1) copies files", { "f" }, "n" },
      { "f and f would both be written to gs://b/x/f", { "f", "f" }, "gs://b/x" },
    }
    for _, case in ipairs(refused) do
      local list, message = copies.plan(case[2], case[3], {})
      assert.is_nil(list)
      assert.equal(case[1], message)
    end
  end)
end)

local names = require "mrlua.cli.fs_names"

describe("fs_names", function()
  it("knows what says by itself that it is a folder", function()
    for _, name in ipairs { "gs://b", "gs://b/", "gs://b/x/", "x/", ".", ".." } do
      assert.is_true(names.says_folder(name), name)
    end
    for _, name in ipairs { "gs://b/x", "x", "a/.." } do
      assert.is_false(names.says_folder(name), name)
    end
  end)

  it("finds the last part of a name", function()
    assert.equal("x", names.base "gs://b/a/x")
    assert.equal("a", names.base "gs://b/a/")
    assert.equal("f", names.base "f")
    for _, name in ipairs { "gs://b", "gs://b/", "..", "/" } do
      assert.is_nil(names.base(name), name)
    end
  end)

  it("joins and takes apart", function()
    assert.equal("gs://b/d/x", names.join("gs://b/d", "x"))
    assert.equal("gs://b/d/x", names.join("gs://b/d/", "x"))
    assert.equal("x/y", names.below("gs://b/d", "gs://b/d/x/y"))
    assert.equal("x", names.below("gs://b/d/", "gs://b/d/x"))
  end)

  it("lets no object's name leave the folder that it is copied into", function()
    for _, name in ipairs { "../x", "a/../../x", "/etc/x", "a//x", "./x", "a/", "", "..",
      "a\0b" } do
      assert.is_nil((names.check_local(name)), name)
    end
    for _, name in ipairs { "x", "a/x", "..x", "a/.x" } do
      assert.is_true(names.check_local(name), name)
    end
  end)
end)

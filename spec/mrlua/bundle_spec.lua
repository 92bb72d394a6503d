local bundle = require "mrlua.bundle"

describe("mrlua/bundle requires()", function()
  it("finds every way to write a literal name", function()
    local source = [==[
      local a = require "a"
      local b = require 'b'
      local c = require("c.d")
      local e = require ( "e" ).field
      local f = require [[f]]
      local g = require([=[g]=])
      local h=require"h"
      return a..require "i"
    ]==]

    assert.same({ "a", "b", "c.d", "e", "f", "g", "h", "i" }, bundle.requires(source))
  end)

  it("names a module once, where it is first required", function()
    assert.same({ "b", "a" }, bundle.requires 'require "b" require "a" require "b"')
  end)

  it("does not look into comments and strings", function()
    local source = [==[
      -- require "a"
      --[[ require "b"
           require "c" ]]
      --[=[ ]] require "d" ]=]
      local s = 'require "e"' .. "\" require 'f'" .. [[ require "g" ]]
      return require "h" -- "
    ]==]

    assert.same({ "h" }, bundle.requires(source))
  end)

  it("does not take fields, longer names or computed names for it", function()
    local source = [[
      local x = mr.require "a"
      local y = obj:require "b"
      local z = my_require "c", required "d"
      local w = require(name), require
      return { require = "e" }
    ]]

    assert.same({}, bundle.requires(source))
  end)

  it("gets through source that is not Lua", function()
    for _, source in ipairs { "", "'", '"\\', "[[", "--[[", "--", "require", "require(",
      'require "', "\0\255require", "require [==[", "]]" } do
      assert.is_table(bundle.requires(source))
    end
  end)

  it("takes time in proportion to the source", function()
    local source = ("local x = y . z\n"):rep(20000) .. 'require "a"'
    local before = os.clock()

    assert.same({ "a" }, bundle.requires(source))
    assert.is_true(os.clock() - before < 2)
  end)
end)

describe("mrlua/bundle build()", function()
  local folder

  local function write(name, source)
    local path = folder .. "/" .. name
    os.execute(("mkdir -p '%s'"):format(path:match("^(.*)/")))
    local file <close> = assert(io.open(path, "wb"))
    file:write(source)
    return path
  end

  before_each(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
  end)

  after_each(function()
    os.execute("rm -r " .. folder)
  end)

  it("holds the job file under the path it was asked for", function()
    local path = write("job.lua", "return {}")

    assert.same({ path = path, source = "return {}", modules = {} }, bundle.build(path))
  end)

  it("holds modules of modules, in folders and as init.lua, in circles too", function()
    local path = write("job.lua", 'require "a"')
    write("a.lua", 'require "b.c"')
    write("b/c.lua", 'require "d" require "a"')
    write("d/init.lua", "return 1")

    local modules = bundle.build(path).modules

    assert.same({ path = folder .. "/b/c.lua", source = 'require "d" require "a"' }, modules["b.c"])
    assert.same({ path = folder .. "/d/init.lua", source = "return 1" }, modules.d)
    assert.equal('require "b.c"', modules.a.source)
  end)

  it("leaves names that are not beside the job to the vm", function()
    local path = write("job.lua", 'require "lpeg" require "nowhere"')

    assert.same({}, bundle.build(path).modules)
  end)

  it("does not follow a name out of the job's folder", function()
    write("secret.lua", "return 1")
    local path = write("inner/job.lua", 'require "../secret" require "...secret" require "/secret"')

    assert.same({}, bundle.build(path).modules)
  end)

  it("says which file it cannot read", function()
    local built, message = bundle.build(folder .. "/nowhere.lua")

    assert.is_nil(built)
    assert.equal(folder .. "/nowhere.lua: No such file or directory", message)
    assert.matches("Is a directory", select(2, bundle.build(folder)))
  end)

  it("says so where only '.lua' was left out", function()
    local path = write("words.lua", "return {}")

    assert.matches("words: No such file or directory; did you mean '" .. path:gsub("%p", "%%%0")
      .. "'%?$", select(2, bundle.build((path:gsub("%.lua$", "")))))
  end)

  it("refuses a bundle that is data", function()
    local path = write("job.lua", 'require "big"')
    write("big.lua", "-- " .. ("x"):rep(8 << 20))

    assert.matches("larger than 8 MiB", select(2, bundle.build(path)))
  end)
end)

package.loaded["mrlua.engine"] = package.loaded["mrlua.engine"] or {}
local new = require "mrlua.cli.new"
local temp = require "spec.support.temp"

describe("mrlua/cli/new problem()", function()
  it("has nothing against a name", function()
    for _, name in ipairs { "words", "w", "_x", "top-10", ("n"):rep(100) } do
      assert.is_nil(new.problem(name))
    end
  end)

  it("says of what is no name what to do", function()
    for name, message in pairs {
      ["words.lua"] = "leave '.lua' out: mrlua new words",
      ["jobs/words"] = "'jobs/words' is a path; go to the folder, and give a name",
      ["1st"] = "'1st' is not a name for a job: a letter, then letters, digits, '_' and '-'",
      [""] = "'' is not a name for a job: a letter, then letters, digits, '_' and '-'",
      [("n"):rep(101)] = "a name of 101 bytes: a job's has 100 at most",
    } do
      assert.equal(message, new.problem(name))
    end
  end)
end)

describe("mrlua/cli/new", function()
  local folder
  temp.each(function(path) folder = path end)

  it("finds mrlua's modules beside the executable, in a tree and in a package", function()
    os.execute(("mkdir -p %s/tree/lua/mrlua %s/usr/share/mrlua/lua/mrlua"):format(folder, folder))
    temp.write(folder .. "/tree/lua/mrlua/dryrun.lua", "")
    temp.write(folder .. "/usr/share/mrlua/lua/mrlua/dryrun.lua", "")

    assert.equal(folder .. "/tree/lua", new.lua_folder(folder .. "/tree/build/mrlua"))
    assert.equal(folder .. "/usr/share/mrlua/lua", new.lua_folder(folder .. "/usr/bin/mrlua"))
    assert.is_nil(new.lua_folder(folder .. "/mrlua"))
  end)

  it("calls the program as it can be called in this folder", function()
    temp.write(folder .. "/mrlua", "")

    assert.equal("mrlua", new.program("/x/build/mrlua", "/x", "/none:" .. folder))
    assert.equal("build/mrlua", new.program("/x/build/mrlua", "/x", "/none"))
    assert.equal("/x/build/mrlua", new.program("/x/build/mrlua", "/home/ann", "/none"))
  end)

  it("writes a .busted that is Lua, whatever the folder is called", function()
    local text = new.busted_text [[/a "quoted" folder]]

    assert.equal([[/a "quoted" folder/?.lua]], load(text)().default.lpath)
  end)
end)

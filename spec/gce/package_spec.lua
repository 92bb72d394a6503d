local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local build = engine.path:match("^(.*)/[^/]*$")

-- The first line of what a command prints, or "".
local function has(tool)
  return temp.capture("command -v " .. tool) ~= ""
end

describe("the package", function()
  local folder, root

  -- Once: everything below only reads it.
  setup(function()
    folder = temp.folder()
    root = folder .. "/root"
    local result = engine.run_command(("cd %s && cpack -B %s -D CPACK_PACKAGE_DIRECTORY=%s"
      .. " && dpkg-deb -x %s/mrlua_*.deb %s"):format(build, folder, folder, folder, root))
    assert(result.code == 0, result.stdout .. result.stderr)
  end)

  teardown(function()
    temp.remove(folder)
  end)

  local function field(name)
    return temp.capture(("dpkg-deb -f %s/mrlua_*.deb %s"):format(folder, name))
  end

  it("says what it is and what it needs", function()
    assert.equal("mrlua", field "Package")
    for _, dependency in ipairs { "libc6 (", "libisal2", "curl", "adduser", "util-linux" } do
      assert.matches(dependency, field "Depends", 1, true)
    end
  end)

  it("brings an executable that finds the scripts and runs the jobs", function()
    local mrlua = root .. "/usr/bin/mrlua"
    local dry = engine.run_command(mrlua .. " cluster status --dry-run")
    local run = engine.run_command(("cd %s/usr/share/mrlua && printf 'a b a\\n' | %s run"
      .. " jobs/wordcount.lua - --tmp %s"):format(root, mrlua, folder))

    assert.matches("^gcloud compute instances list", dry.stdout)
    assert.equal("a\t2\nb\t1\n", run.stdout)
  end)

  it("brings completion, the man page, and what the spec of a new job needs", function()
    local share = root .. "/usr/share/"
    local mrlua = root .. "/usr/bin/mrlua"
    local made = engine.run_command(("%s new first && busted first_spec.lua"):format(mrlua),
      { folder = folder })

    assert.equal(temp.capture(mrlua .. " completion bash"),
      temp.capture("cat " .. share .. "bash-completion/completions/mrlua"))
    assert.equal(temp.capture(mrlua .. " completion zsh"),
      temp.capture("cat " .. share .. "zsh/vendor-completions/_mrlua"))
    assert.matches("^%.Dd ", temp.capture("zcat " .. share .. "man/man1/mrlua.1.gz"))
    assert.equal(0, made.code, made.stdout .. made.stderr)
    assert.matches(share .. "mrlua/lua/?.lua", temp.read(folder .. "/.busted"), 1, true)
  end)

  it("has no file that only a user may not read, and none that all may write", function()
    assert.equal("", temp.capture(("find %s ! -type l \\( ! -perm -004 -o -perm -002 \\)")
      :format(root .. "/usr")))
  end)

  it("starts nothing by itself", function()
    local scripts = temp.capture(("dpkg-deb -I %s/mrlua_*.deb postinst"):format(folder))

    assert.is_nil(scripts:find("systemctl %l*enable") or scripts:find("systemctl %l*start"))
  end)

  it("has units that systemd reads without a complaint", function()
    if not has "systemd-analyze" then
      return pending "systemd-analyze is not installed"
    end
    -- systemd's own units beside ours, so that what ours name is there.
    local units = root .. "/usr/lib/systemd/system"
    os.execute(("cp -rn /lib/systemd/system/. %s; mkdir -p %s/bin && cp /bin/true %s/bin/")
      :format(units, root, root))
    local ours = {}
    for _, name in ipairs(temp.list("gce/units")) do
      ours[#ours + 1] = name
    end
    local result = engine.run_command(("systemd-analyze verify --man=no --root=%s %s"):format(root,
      table.concat(ours, " ")))

    assert.equal(0, result.code)
    for line in result.stderr:gmatch("[^\n]+") do
      assert.is_nil(line:find("mrlua", 1, true), line)
    end
  end)
end)

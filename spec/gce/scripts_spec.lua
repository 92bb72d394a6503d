local engine = require "spec.support.engine"
local kit = require "spec.gce.kit"
local temp = require "spec.support.temp"

local SCRIPTS = { -- each with what it is told in a dry run
  { "image", "--zones", "us-central1-a" }, { "image", "--roll-back" }, { "up" }, { "status" },
  { "resize", "3" }, { "ssh" }, { "ssh", "--vm", "x", "--", "uptime", "-p" },
  { "logs", "--follow" },
  { "tunnel", "open", "DIR" }, { "tunnel", "close", "DIR" }, { "down", "--images" },
}

describe("gce/*.sh --dry-run", function()
  it("prints exactly this, without a gcloud and without a project", function()
    local folder, printed = temp.folder(), {}
    local root = kit.root:gsub("%p", "%%%0")
    -- A PATH with what the scripts use, and no gcloud.
    for _, tool in ipairs { "bash", "env", "dirname", "readlink", "basename", "mktemp", "rm", "awk",
      "sed", "grep", "cut", "sha256sum" } do
      assert(os.execute(("ln -s $(command -v %s) %s/%s"):format(tool, folder, tool)))
    end
    for _, words in ipairs(SCRIPTS) do
      local argv = {}
      for i = 2, #words do
        argv[#argv + 1] = temp.quote(words[i])
      end
      table.insert(argv, 1, "--dry-run")
      local result = engine.run_command(("env -i PATH=%s gce/%s.sh %s"):format(folder, words[1],
        table.concat(argv, " ")))
      assert.equal("", result.stderr)
      assert.equal(0, result.code)
      printed[#printed + 1] = "# " .. table.concat(words, " ")
      printed[#printed + 1] = (result.stdout:gsub(root, "ROOT"):gsub("\n$", ""))
    end
    temp.remove(folder)

    kit.golden("dry-run", printed)
  end)

  it("prints lines that a shell reads as the words they are", function()
    local lines = kit.open()
    local result = lines:expect("up", { "--dry-run", "--bucket", "b-1" })
    lines:write("lines.sh", "gcloud() { printf '<%s>' \"$@\"; echo; }\n" .. result.stdout)
    local read = engine.run_command("sh " .. lines.folder .. "/lines.sh")
    lines:close()

    assert.equal(0, read.code)
    assert.matches("<--condition=title=own-fleet,expression=resource.name.endsWith("
      .. "'/instanceGroupManagers/mrlua-workers') || ", read.stdout, 1, true)
    assert.matches("<--display-name=mrlua master>", read.stdout, 1, true)
  end)
end)

describe("gce/ssh.sh, logs.sh, tunnel.sh", function()
  local project

  before_each(function()
    project = kit.open()
    project:expect("up", { "--bucket", "data-1" })
    project:forget()
  end)

  after_each(function()
    project:close()
  end)

  it("finds the zone that the master is in", function()
    project:close()
    project = kit.open()
    project:fault("instances create mrlua-master", "stock-out", 1)
    project:expect("up", { "--bucket", "data-1" })
    project:expect("ssh")

    assert.equal(1, #project:calls("compute ssh mrlua%-master .*%-%-zone=us%-central1%-b"))
  end)

  it("reads the log of the service that a machine runs", function()
    project:write("ssh", "a line\n")
    assert.equal("a line\n", project:expect("logs").stdout)
    project:expect("logs", { "--vm", "mrlua-worker-0001", "--lines", "7" })

    assert.equal(1, #project:calls("ssh mrlua%-master .*%-%-lines=200 /var/log/mrlua/master"))
    assert.equal(1, #project:calls("ssh mrlua%-worker%-0001 .*%-%-lines=7 /var/log/mrlua/worker"))
  end)

  it("says when there is no cluster", function()
    project:expect("down", {})
    local result = project:run("ssh")

    assert.equal(1, result.code)
    assert.matches("cluster 'mrlua' is not there", result.stderr, 1, true)
  end)

  -- ssh itself is a script here: the master's side of a tunnel is in cluster_run_spec.lua.
  local function write_ssh(text)
    os.execute("mkdir -p " .. project.folder .. "/bin")
    project:write("bin/ssh", "#!/bin/sh\n" .. text)
    os.execute("chmod +x " .. project.folder .. "/bin/ssh")
  end

  local function tunnel(argv)
    return engine.run_command(("%s PATH=%s/bin:%s/spec/gce/stub:$PATH gce/tunnel.sh %s %s/tunnel")
      :format(project:environment(), project.folder, kit.root, argv, project.folder))
  end

  it("opens a tunnel, and puts the key of a role into a file of the user's own", function()
    write_ssh("echo a-key; echo \"$*\" >>" .. project.folder .. "/said\n")
    local result = tunnel "open"

    assert.equal("127.0.0.1:17070\n", result.stdout)
    assert.equal("a-key\n", temp.read(project.folder .. "/tunnel/key"))
    assert.equal("600", temp.capture("stat -c %a " .. project.folder .. "/tunnel/key"))
    assert.equal(0, tunnel("close").code)
    assert.is_false(temp.exists(project.folder .. "/tunnel/key"))
    assert.matches("%-O exit mrlua%-master", temp.read(project.folder .. "/said"))
  end)

  it("says that the master gives no key", function()
    write_ssh "echo 'no such file' >&2; exit 1\n"
    local result = tunnel "open"

    assert.equal(1, result.code)
    assert.matches("no such file", result.stderr, 1, true)
    assert.matches("mrlua-master gives no key", result.stderr, 1, true)
  end)

  it("says that there is no way in", function()
    project:fault("compute ssh", "denied")
    local result = tunnel "open"

    assert.equal(1, result.code)
    assert.matches("no way to mrlua%-master: is it up", result.stderr)
  end)
end)

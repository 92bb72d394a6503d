-- Clients that others wrote, against the storage server: so that server and engine do not share one
-- misunderstanding. Each runs where it is installed, and is skipped by name otherwise:
--
--     apt-get install rclone
--     npm install --prefix ~/.cache/mrlua @google-cloud/storage
--     python3 -m venv ~/.cache/mrlua/venv; ~/.cache/mrlua/venv/bin/pip install google-cloud-storage
--     gcloud of the Google Cloud SDK
--
-- MRLUA_NODE_MODULES and MRLUA_PYTHON name other places.

local gcs = require "spec.support.gcs"
local temp = require "spec.support.temp"

local MIB = 1 << 20
local NODE_MODULES = os.getenv "MRLUA_NODE_MODULES"
  or (os.getenv "HOME" or "") .. "/.cache/mrlua/node_modules"
local PYTHON = os.getenv "MRLUA_PYTHON"
  or (os.getenv "HOME" or "") .. "/.cache/mrlua/venv/bin/python"
local WITHIN = "timeout 120 "

local function has(command)
  return os.execute("command -v " .. command .. " >/dev/null 2>&1") == true
end

-- Bytes that no two places of a file share.
local function bytes(size)
  local lines, count = {}, size // 16
  for number = 1, count do
    lines[number] = ("%015d\n"):format(number)
  end
  return table.concat(lines) .. ("x"):rep(size - 16 * count)
end

describe("the storage server serves", function()
  local folder, storage

  setup(function()
    folder = temp.folder()
    storage = gcs.start(folder .. "/gcs")
  end)

  teardown(function()
    storage:stop()
    temp.remove(folder)
  end)

  -- Runs a shell command in the folder; raises if it fails. Answers what it prints.
  local function run(command)
    local out = folder .. "/out"
    local good = os.execute(("cd %s && (%s) >%s 2>&1"):format(temp.quote(folder), command,
      temp.quote(out)))
    assert(good, ("%s\n%s"):format(command, temp.read(out)))
    return temp.read(out)
  end

  local function before_each_client()
    for _, name in ipairs(storage:list()) do
      storage:remove(name)
    end
    storage:clear()
    storage:forget()
  end

  describe("@google-cloud/storage", function()
    if not (has "node" and temp.exists(NODE_MODULES .. "/@google-cloud/storage/package.json")) then
      pending "for Node is not installed"
      return
    end
    local said

    setup(function()
      before_each_client()
      said = run(("NODE_PATH=%s %s node %s %s"):format(temp.quote(NODE_MODULES), WITHIN,
        temp.quote(temp.capture "pwd" .. "/spec/gcs/clients.js"), storage.url))
    end)

    for name in temp.read("spec/gcs/clients.js"):gmatch('\n  async "([^"]+)"') do
      it(name, function()
        assert.truthy(said:find(name .. "\n", 1, true), said)
      end)
    end
  end)

  describe("google-cloud-storage", function()
    if not os.execute(temp.quote(PYTHON) .. " -c 'import google.cloud.storage' 2>/dev/null") then
      pending "for Python is not installed"
      return
    end
    local said

    setup(function()
      before_each_client()
      said = run(("STORAGE_EMULATOR_HOST=%s %s %s -B %s"):format(storage.url, WITHIN,
        temp.quote(PYTHON), temp.quote(temp.capture "pwd" .. "/spec/gcs/clients.py")))
    end)

    for claim in temp.read("spec/gcs/clients.py"):gmatch('%(%):\n    """([^A-Z][^"]+[^."])"""') do
      it(claim, function()
        assert.truthy(said:find(claim .. "\n", 1, true), said)
      end)
    end
  end)

  describe("rclone", function()
    if not has "rclone" then
      pending "is not installed"
      return
    end

    before_each(before_each_client)

    local function rclone(words)
      return run(("%s rclone --config /dev/null --gcs-anonymous --gcs-endpoint %s/storage/v1/ "
        .. "--gcs-bucket-policy-only --low-level-retries 3 %s"):format(WITHIN, storage.url, words))
    end

    it("copies a file there and back", function()
      temp.write(folder .. "/small", "some bytes\n")
      rclone "copyto small :gcs:bkt/in/small"
      assert.equal("some bytes\n", storage:get "in/small")
      rclone "copyto :gcs:bkt/in/small back"
      assert.equal("some bytes\n", temp.read(folder .. "/back"))
    end)

    it("uploads in pieces, and its own check finds the same", function()
      temp.write(folder .. "/large", bytes(20 * MIB + 7))
      rclone "copyto large :gcs:bkt/large"
      assert.truthy(storage:requests("objects.insert.resumable.chunk")[1])
      rclone "check --download --include /large . :gcs:bkt"
    end)

    it("lists folders and removes them", function()
      for _, name in ipairs { "a/1", "a/2", "b" } do
        storage:put(name, name)
      end
      assert.equal("a/\nb\n", rclone "lsf :gcs:bkt")
      rclone "delete :gcs:bkt/a"
      assert.same({ "b" }, storage:list())
    end)

    it("follows pages that are small and pages that are empty", function()
      for number = 1, 7 do
        storage:put("n" .. number, "x")
      end
      storage:set { page_max = 2, empty_every = 3 }
      assert.equal("n1\nn2\nn3\nn4\nn5\nn6\nn7\n", rclone "lsf :gcs:bkt")
      storage:set { page_max = 1000, empty_every = 0 }
    end)

    it("retries a broken download and 503s", function()
      storage:put("a", bytes(2 * MIB))
      storage:preset "S8.broken-after-256K"
      storage:preset("S1.503-503", { operation = "objects.list" })
      rclone "copy :gcs:bkt/a there"
      assert.equal(bytes(2 * MIB), temp.read(folder .. "/there/a"))
    end)

    it("moves a file to another name", function()
      storage:put("a", "bytes")
      rclone "moveto :gcs:bkt/a :gcs:bkt/b"
      assert.same({ "b" }, storage:list())
    end)
  end)

  describe("gcloud storage", function()
    if not has "gcloud" then
      pending "is not installed"
      return
    end

    before_each(before_each_client)

    local function gcloud(words)
      return run(("CLOUDSDK_CONFIG=%s CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true "
        .. "CLOUDSDK_CORE_PROJECT=proj1 CLOUDSDK_CORE_DISABLE_PROMPTS=1 "
        .. "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=%s/storage/v1/ "
        .. "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true "
        .. "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=true %s gcloud storage %s"):format(
        temp.quote(folder .. "/gcloud"), storage.url, WITHIN, words))
    end

    it("copies a file there and back, and hashes it the same", function()
      temp.write(folder .. "/small", "some bytes\n")
      gcloud "cp small gs://bkt/in/small"
      assert.equal("some bytes\n", storage:get "in/small")
      gcloud "cp gs://bkt/in/small back"
      assert.equal("some bytes\n", temp.read(folder .. "/back"))
      local hash = "crc32c_hash: " .. storage:stat("in/small").crc32c
      assert.truthy(gcloud("hash small"):find(hash, 1, true))
      assert.truthy(gcloud("hash gs://bkt/in/small"):find(hash, 1, true))
    end)

    it("uploads in pieces of its own size", function()
      temp.write(folder .. "/large", bytes(20 * MIB + 7))
      gcloud "cp large gs://bkt/large"
      assert.equal(bytes(20 * MIB + 7), storage:get "large")
      assert.truthy(storage:requests("objects.insert.resumable.final")[1])
    end)

    it("resumes an upload in pieces after a 503", function()
      temp.write(folder .. "/large", bytes(20 * MIB + 7))
      storage:preset "S7.503-after-256K"
      gcloud "cp large gs://bkt/large"
      assert.equal(bytes(20 * MIB + 7), storage:get "large")
    end)

    it("lists, moves, composes and removes", function()
      storage:put("a/1", "one")
      storage:put("a/2", "two")
      assert.truthy(gcloud("ls gs://bkt"):find("gs://bkt/a/", 1, true))
      gcloud "mv gs://bkt/a/1 gs://bkt/a/3"
      gcloud "objects compose gs://bkt/a/2 gs://bkt/a/3 gs://bkt/all"
      assert.equal("twoone", storage:get "all")
      gcloud "rm gs://bkt/a/**"
      assert.same({ "all" }, storage:list())
    end)

    it("does not write over what is there with --no-clobber", function()
      storage:put("a", "one")
      temp.write(folder .. "/small", "some bytes\n")
      gcloud "cp --no-clobber small gs://bkt/a"
      assert.equal("one", storage:get "a")
    end)
  end)
end)

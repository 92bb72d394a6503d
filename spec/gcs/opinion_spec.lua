-- A second opinion on ranges and pages: fake-gcs-server, which others use, is asked the same and
-- answers the same. Runs where it is installed:
--
--     GOBIN=~/.cache/mrlua/bin go install github.com/fsouza/fake-gcs-server@v1.55.1

local cjson = require "cjson"
local daemon = require "spec.support.daemon"
local gcs = require "spec.support.gcs"
local temp = require "spec.support.temp"

local PROGRAM = (os.getenv "HOME" or "") .. "/.cache/mrlua/bin/fake-gcs-server"
local NAMES = { "a/1", "a/2", "a/b/3", "ab", "b/1", "c", "d/e/f", "é" }
local FREE_PORT = "python3 -c 'import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); "
  .. "print(s.getsockname()[1])'"

describe("fake-gcs-server and ours answer the same", function()
  if not temp.exists(PROGRAM) then
    pending "fake-gcs-server is not installed"
    return
  end
  local folder, ours, theirs

  setup(function()
    folder = temp.folder()
    ours = gcs.start(folder .. "/ours")
    local port = temp.capture(FREE_PORT)
    theirs = setmetatable({ name = folder .. "/theirs", url = "http://127.0.0.1:" .. port },
      { __index = gcs })
    theirs.process = daemon.start(("%s -backend memory -scheme http -host 127.0.0.1 -port %s")
      :format(temp.quote(PROGRAM), port), theirs.name)
    assert(temp.wait_until(20, function()
      return theirs:http({ path = "/storage/v1/b" }).status == 200
    end), theirs.process:text "err")
    assert.equal(200, theirs:http({ method = "POST", path = "/storage/v1/b",
      headers = { ["Content-Type"] = "application/json" }, body = '{"name": "bkt"}' }).status)
    for _, storage in ipairs { ours, theirs } do
      for _, name in ipairs(NAMES) do
        storage:put(name, "0123456789")
      end
    end
  end)

  teardown(function()
    for _, storage in ipairs { ours, theirs } do
      storage:stop()
    end
    temp.remove(folder)
  end)

  local function both(see)
    local mine = see(ours)
    assert.same(see(theirs), mine)
    return mine
  end

  for _, range in ipairs { "bytes=2-4", "bytes=7-", "bytes=0-0", "bytes=8-99", "bytes=-3",
    "bytes=10-12" } do
    it("to Range: " .. range, function()
      both(function(storage)
        local answer = storage:http { path = "/storage/v1/b/bkt/o/ab", query = { alt = "media" },
          headers = { Range = range } }
        return { answer.status, answer.status == 206 and answer.body,
          answer.status == 206 and answer.headers["content-range"] }
      end)
    end)
  end

  local function pages(storage, query)
    local seen, token = {}, nil
    repeat
      query.pageToken = token
      local page = cjson.decode(storage:http({ path = "/storage/v1/b/bkt/o", query = query }).body)
      local names = {}
      for _, item in ipairs(page.items or {}) do
        names[#names + 1] = item.name
      end
      seen[#seen + 1] = { names = names, prefixes = page.prefixes or {} }
      token = page.nextPageToken
    until not token or token == ""
    return seen
  end

  for _, query in ipairs { {}, { prefix = "a/" }, { delimiter = "/" },
    { prefix = "a/", delimiter = "/" }, { startOffset = "a/2", endOffset = "c" },
    { maxResults = 3 } } do
    it("to a list with " .. cjson.encode(query), function()
      both(function(storage)
        local copy = {}
        for key, value in pairs(query) do
          copy[key] = value
        end
        return pages(storage, copy)
      end)
    end)
  end

  it("about checksums", function()
    both(function(storage)
      local made = storage:stat "ab"
      return { made.crc32c, made.md5Hash, made.size }
    end)
  end)
end)

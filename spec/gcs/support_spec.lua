-- spec/support/gcs.lua: what specs do to a storage, and learn from it.

local gcs = require "spec.support.gcs"
local temp = require "spec.support.temp"

local METADATA = "/computeMetadata/v1/"

describe("spec/support/gcs", function()
  local folder, storage

  before_each(function()
    folder = temp.folder()
    storage = gcs.start(folder .. "/gcs")
  end)

  after_each(function()
    storage:stop()
    temp.remove(folder)
  end)

  local function get(name)
    return storage:http { path = "/storage/v1/b/bkt/o/" .. gcs.encode(name),
      query = { alt = "media" } }
  end

  it("puts, gets, lists and removes objects of any bytes and names", function()
    local every = {}
    for byte = 0, 255 do
      every[#every + 1] = string.char(byte)
    end
    local name, bytes = "a b/c?d#é", table.concat(every):rep(100)

    local made = storage:put(name, bytes)

    assert.equal(tostring(#bytes), made.size)
    assert.equal(bytes, storage:get(name))
    assert.equal(made.generation, storage:stat(name).generation)
    assert.same({ name }, storage:list "a ")
    storage:remove(name)
    assert.is_nil(storage:get(name))
    assert.is_nil(storage:stat(name))
    assert.same({}, storage:list())
  end)

  it("lists all of it, page by page", function()
    storage:set { page_max = 1 }
    storage:put("a", "1")
    storage:put("b", "2")
    storage:put("c", "3")

    assert.same({ "a", "b", "c" }, storage:list())
  end)

  it("stores what is encoded as it is", function()
    storage:put("a", "not really gzip", nil, { contentEncoding = "gzip" })

    assert.equal("not really gzip", storage:get "a")
    assert.equal("gzip", storage:stat("a").contentEncoding)
  end)

  it("raises when the server refuses", function()
    assert.error_matches(function()
      storage:put("a", "x", "no-such-bucket")
    end, "404 .*The specified bucket does not exist")
    assert.error_matches(function()
      storage:faults { match = { operatoin = "x" } }
    end, "400 .*unknown key: operatoin")
  end)

  it("harms what others ask for and not what specs do", function()
    storage:faults { match = { operation = "objects" }, action = { status = 503, retry_after = 7 } }

    storage:put("a", "bytes")

    assert.equal("bytes", storage:get "a")
    local answer = get "a"
    assert.equal(503, answer.status)
    assert.equal("7", answer.headers["retry-after"])
    assert.same({ "unnamed", 1, 1 }, { storage:rules()[1].name, storage:rules()[1].seen,
      storage:rules()[1].taken })
    storage:clear()
    assert.equal("bytes", get("a").body)
  end)

  it("tells a broken connection and a cut body", function()
    storage:put("a", "bytes")
    storage:faults { { match = { nth = 1 }, action = { reset = "before" } },
      { match = { nth = 2 }, action = { break_after = 2, break_how = "close" } } }

    local broken, cut = get "a", get "a"

    assert.equal(0, broken.status)
    assert.same({ 200, 18, "by" }, { cut.status, cut.code, cut.body }) -- 18: CURLE_PARTIAL_FILE
  end)

  it("has the presets", function()
    storage:put("a", "bytes")
    storage:preset("S1.503-503", { operation = "objects.get" })

    assert.same({ 503, 503, 200 }, { get("a").status, get("a").status, get("a").status })
  end)

  it("remembers what others asked for, and what they must not do", function()
    storage:put("a", "bytes")
    get "a"
    get "none"

    local made = storage:requests()

    assert.equal(2, #made)
    assert.same({ "objects.get.media", "a", 200, 5 }, { made[1].operation, made[1].object,
      made[1].status, made[1].bytes_out })
    assert.equal(1, #storage:requests("objects.get", "none"))
    assert.equal(2, storage:violations()["unpinned-read"])
    storage:forget()
    assert.same({}, storage:requests())
    assert.same({}, storage:violations())
  end)

  it("knows the sessions that are open", function()
    storage:http { method = "POST", path = "/upload/storage/v1/b/bkt/o",
      query = { uploadType = "resumable", name = "a" }, body = "" }

    local open = storage:open_sessions()

    assert.same({ 1, "a", 0 }, { #open, open[1].name, open[1].persisted })
  end)

  it("plays a machine's metadata server", function()
    storage:metadata { ["instance/attributes/k"] = "v", ["instance/preempted"] = "TRUE" }
    local function value(path)
      return storage:http { path = METADATA .. path,
        headers = { ["Metadata-Flavor"] = "Google" } }.body
    end

    assert.equal("v", value "instance/attributes/k")
    assert.equal("TRUE", value "instance/preempted")
    assert.truthy(storage.environment:find("GCE_METADATA_HOST=" .. storage.host, 1, true))
  end)

  it("demands tokens, which can be revoked and run out", function()
    storage:tokens { token = "few", requests = 1 }
    local function status(token)
      return storage:http { path = "/storage/v1/b/bkt",
        headers = { Authorization = "Bearer " .. token } }.status
    end

    assert.same({ 401, 200, 401 }, { status "other", status "few", status "few" })
    storage:tokens { token = "again" }
    assert.equal(200, status "again")
    storage:tokens { revoke_all = true }
    assert.equal(401, status "again")
  end)

  it("hands out secrets", function()
    storage:secret("proj1", "cluster", "hush")

    local answer = storage:http {
      path = "/v1/projects/proj1/secrets/cluster/versions/latest:access" }

    assert.truthy(answer.body:find('"data": "aHVzaA=="', 1, true), answer.body)
  end)

  it("starts as it is told: buckets, settings, tokens", function()
    local other <close> = setmetatable({ storage = gcs.start(folder .. "/other", {
      buckets = { "one", "two" }, settings = { page_max = 7, hash_style = "spaced" }, token = "t",
    }) }, { __close = function(self)
      self.storage:stop()
    end })

    local state = other.storage:state()

    assert.same({ 7, "spaced", true }, { state.settings.page_max, state.settings.hash_style,
      state.token_needed })
    assert.same({ {}, {} }, { state.buckets.one, state.buckets.two })
    assert.equal(401, other.storage:http({ path = "/storage/v1/b/one" }).status)
    assert.equal("x", (other.storage:put("a", "x", "one") and other.storage:get("a", "one")))
  end)

  it("demands the tokens that it hands out itself", function()
    local other <close> = setmetatable({ storage = gcs.start(folder .. "/other", { auth = true }) },
      { __close = function(self)
        self.storage:stop()
      end })
    other.storage:account { client_id = "c", client_secret = "s", refresh_token = "r" }

    local token = other.storage:http({ method = "POST", path = "/token",
      headers = { ["Content-Type"] = "application/x-www-form-urlencoded" },
      body = "grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=r" }).body
      :match '"access_token": "([^"]+)"'

    local function status(authorization)
      return other.storage:http({ path = "/storage/v1/b/bkt",
        headers = { Authorization = authorization } }).status
    end
    assert.same({ 401, 200 }, { status "Bearer other", status("Bearer " .. token) })
  end)

  it("leaves no process behind", function()
    local other = gcs.start(folder .. "/other")
    local pid = other.process.pid
    other:stop()

    assert.is_false(temp.exists("/proc/" .. pid .. "/stat"))
  end)
end)

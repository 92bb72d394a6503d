--- A Cloud Storage of this machine for specs: spec/gcs/server.py, started, filled, harmed, asked.
--
--     local storage = gcs.start(folder .. "/gcs")
--     storage.environment                        STORAGE_EMULATOR_HOST and GCE_METADATA_HOST
--     storage:put("in/a.txt", "some bytes")      -> its metadata
--     storage:faults { match = { operation = "objects.get.media", nth = 2 },
--                      action = { status = 503 } }
--     storage:requests "objects.insert"          -> what was asked, in order
--     storage:stop()
--
-- The fault language is in spec/gcs/faults.py, the settings in spec/gcs/state.py. What these
-- functions do, `http` apart, needs no token, meets no fault and is not in the log; it raises if
-- the server refuses.

local cjson = require "cjson"
local daemon = require "spec.support.daemon"
local temp = require "spec.support.temp"

local gcs = {}
gcs.__index = gcs

local BUCKET = "bkt" -- where names are, unless another is given

--- Starts a server; `name` begins the paths of its files, and is the folder of its objects.
-- @tparam string name
-- @tparam[opt] table options  token = T: demanded; settings = {...}; buckets = { NAME, ... };
--   auth = true: the tokens it hands out are demanded; folder: of the objects
function gcs.start(name, options)
  options = options or {}
  local words = { "python3 spec/gcs/server.py --dir", temp.quote(options.folder or name .. ".d"),
    "--ready-file", temp.quote(name .. ".ready"), "--parent", temp.capture("echo $PPID") }
  for _, bucket in ipairs(options.buckets or {}) do
    table.insert(words, "--bucket " .. temp.quote(bucket))
  end
  if options.auth then
    table.insert(words, "--auth")
  end
  if options.token then
    table.insert(words, "--token " .. temp.quote(options.token))
  end
  for key, value in pairs(options.settings or {}) do
    table.insert(words, "--set " .. temp.quote(key .. "=" .. cjson.encode(value)))
  end
  os.remove(name .. ".ready")
  local self = setmetatable({ name = name }, gcs)
  self.process = daemon.start(table.concat(words, " "), name)
  self.port = tonumber(temp.wait_until(20, function()
    assert(not self.process:code(), self.process:text "err")
    return temp.exists(name .. ".ready") and temp.read(name .. ".ready"):match("%d+")
  end))
  self.host = "127.0.0.1:" .. assert(self.port, "the server does not start")
  self.url = "http://" .. self.host
  self.environment = ("STORAGE_EMULATOR_HOST=%s GCE_METADATA_HOST=%s"):format(self.url, self.host)
  return self
end

--- A name as a part of a path, or a value of a query.
function gcs.encode(text)
  return (text:gsub("[^%w._~-]", function(char)
    return ("%%%02X"):format(char:byte())
  end))
end

local function read_head(path)
  local headers = {}
  for name, value in temp.read(path):gmatch("\n([%w-]+): ([^\r\n]*)") do
    headers[name:lower()] = value
  end
  return headers
end

--- One request.
-- @tparam table request  method (GET), path, query, headers, body
-- @treturn table         status (0: the connection broke), headers (names in lower case), body,
--   code (curl's)
function gcs:http(request)
  local files = self.name .. ".http"
  local query = {}
  for key, value in pairs(request.query or {}) do
    table.insert(query, key .. "=" .. gcs.encode(tostring(value)))
  end
  local url = self.url .. request.path .. (#query > 0 and "?" .. table.concat(query, "&") or "")
  local words = { "curl -sS -X", request.method or "GET", "-o", temp.quote(files .. ".body"), "-D",
    temp.quote(files .. ".head"), "-w '%{http_code} %{exitcode}'" }
  if request.body then
    temp.write(files .. ".sent", request.body)
    table.insert(words, "--data-binary @" .. temp.quote(files .. ".sent"))
  end
  local headers = { ["Content-Type"] = request.body and "application/octet-stream" or nil }
  for header, value in pairs(request.headers or {}) do
    headers[header] = value
  end
  for header, value in pairs(headers) do
    table.insert(words, "-H " .. temp.quote(header .. ": " .. value))
  end
  temp.write(files .. ".head", "")
  temp.write(files .. ".body", "")
  local said = temp.capture(table.concat(words, " ") .. " " .. temp.quote(url) .. " 2>"
    .. temp.quote(files .. ".err"))
  local status, code = said:match("^(%d+) (%d+)$")
  return { status = tonumber(status), code = tonumber(code), headers = read_head(files .. ".head"),
    body = temp.read(files .. ".body") }
end

-- The answer of a request of the spec's own, which meets no fault and is not in the log.
local function own(self, request)
  request.headers = request.headers or {}
  request.headers["X-Spec"] = "yes"
  return self:http(request)
end

-- Its JSON; raises if it is a refusal.
local function wanted(self, request)
  local answer = own(self, request)
  if answer.status < 200 or answer.status >= 300 then
    error(("%s %s: %d %s"):format(request.method or "GET", request.path, answer.status,
      answer.body), 3)
  end
  return answer.body:find("^%s*[{[]") and cjson.decode(answer.body) or answer.body
end

local function object_path(name, bucket)
  return ("/storage/v1/b/%s/o/%s"):format(bucket or BUCKET, gcs.encode(name))
end

--- Makes an object.
-- @tparam[opt] table query  further parameters: contentEncoding, ifGenerationMatch
-- @treturn table  its metadata
function gcs:put(name, bytes, bucket, query)
  local parameters = { uploadType = "media", name = name }
  for key, value in pairs(query or {}) do
    parameters[key] = value
  end
  return wanted(self, { method = "POST", body = bytes, query = parameters,
    path = ("/upload/storage/v1/b/%s/o"):format(bucket or BUCKET) })
end

--- An object's bytes as they are stored; nil if there is none.
function gcs:get(name, bucket)
  local answer = own(self, { path = object_path(name, bucket), query = { alt = "media" },
    headers = { ["Accept-Encoding"] = "gzip" } })
  return answer.status == 200 and answer.body or nil
end

--- An object's metadata; nil if there is none.
function gcs:stat(name, bucket)
  local answer = own(self, { path = object_path(name, bucket) })
  return answer.status == 200 and cjson.decode(answer.body) or nil
end

function gcs:remove(name, bucket)
  wanted(self, { method = "DELETE", path = object_path(name, bucket) })
end

--- The names that begin with `prefix`, in order.
function gcs:list(prefix, bucket)
  local names, token = {}, nil
  repeat
    local page = wanted(self, { path = ("/storage/v1/b/%s/o"):format(bucket or BUCKET),
      query = { prefix = prefix or "", pageToken = token } })
    for _, item in ipairs(page.items or {}) do
      names[#names + 1] = item.name
    end
    token = page.nextPageToken
  until not token
  return names
end

local function control(self, what, body, method)
  return wanted(self, { method = method or (body and "POST" or "GET"), path = "/_control/" .. what,
    body = body and cjson.encode(body) })
end

--- Adds a rule, or a list of them; answers nothing.
function gcs:faults(rules)
  control(self, "faults", rules)
end

--- Adds one of the named cases of Google's conformance tests, for what `match` narrows it to.
function gcs:preset(name, match)
  control(self, "faults", { preset = name, match = match })
end

--- The rules and how often each was taken; `clear` removes them all.
function gcs:rules()
  return control(self, "faults").rules
end

function gcs:clear()
  control(self, "faults", nil, "DELETE")
end

--- Changes settings.
function gcs:set(settings)
  control(self, "settings", settings)
end

--- What was asked, in order: all of it, or an operation ("objects.insert" has all inserts).
function gcs:requests(operation, object)
  return wanted(self, { path = "/_control/requests",
    query = { operation = operation, object = object } }).requests
end

--- Forgets what was asked, and the violations.
function gcs:forget()
  control(self, "requests", nil, "DELETE")
end

--- buckets = { bkt = { metadata, ... } }, sessions = { ... }, settings.
function gcs:state()
  return control(self, "state")
end

--- Upload sessions that take more: what an aborted job must not leave behind.
function gcs:open_sessions()
  local open = {}
  for _, session in ipairs(self:state().sessions) do
    if session.state == "open" then
      open[#open + 1] = session
    end
  end
  return open
end

--- How often clients did what they must not, by kind: state.py names them.
function gcs:violations()
  return control(self, "violations").counts
end

--- Tokens: { token = T, requests = N, lifetime_s = S }, { revoke = T }, { revoke_all = true }.
function gcs:tokens(change)
  control(self, "tokens", change)
end

--- Changes what the metadata server says: { ["instance/preempted"] = "TRUE" }.
function gcs:metadata(values)
  control(self, "metadata", values)
end

--- Tells of a service account (a decoded key file) or of an authorized user.
function gcs:account(account)
  control(self, "accounts", account)
end

--- A new version of a secret.
function gcs:secret(project, name, data)
  control(self, "secrets", { project = project, secret = name, data = data })
end

--- Ends it, and waits for that.
function gcs:stop()
  self.process:stop()
end

return gcs

--- A headless Chromium, driven through WebDriver by chromedriver: what a page shows is asked of the
-- page itself.
--
--     if browser.is_installed() then
--       local chromium = browser.open(folder)
--       chromium:visit(url)
--       chromium:value "return document.title"
--       chromium:picture "page.png"
--       chromium:close()

local cjson = require "cjson"
local daemon = require "spec.support.daemon"
local temp = require "spec.support.temp"

local browser = {}
browser.__index = browser

local ARGUMENTS <const> = { "--headless", "--no-sandbox", "--disable-gpu",
  "--disable-background-networking", "--disable-dev-shm-usage", "--window-size=1200,900" }

--- Are Debian's chromium and chromium-driver here?
function browser.is_installed()
  return temp.capture "command -v chromium && command -v chromedriver" ~= ""
end

local function ask(self, path, body)
  local file = temp.write(self.folder .. "/ask.json", body)
  local answer = temp.capture(("curl -sS -m 60 -H 'Content-Type: application/json' -d @%s %s%s")
    :format(temp.quote(file), self.url, path))
  local ok, decoded = pcall(cjson.decode, answer)
  assert(ok, answer)
  local value = decoded.value
  if type(value) == "table" and value.error then
    error(("%s: %s"):format(path, value.message), 3)
  end
  return value
end

--- Starts it; its files go below `folder`.
function browser.open(folder)
  local own = folder .. "/browser"
  assert(os.execute("mkdir -p " .. temp.quote(own)))
  local driver = daemon.start("chromedriver --port=0", own .. "/driver", own,
    "HOME=" .. temp.quote(own) .. " TMPDIR=" .. temp.quote(own))
  local self = setmetatable({ folder = own, driver = driver }, browser)
  local port = temp.wait_until(30, function()
    return driver:text("out"):match("successfully on port (%d+)")
  end)
  self.url = ("http://127.0.0.1:%s"):format(assert(port, driver:text "err"))
  local session = ask(self, "/session", cjson.encode { capabilities = { alwaysMatch = {
    browserName = "chrome", ["goog:chromeOptions"] = { args = ARGUMENTS } } } })
  self.url = ("%s/session/%s"):format(self.url, session.sessionId)
  return self
end

function browser:visit(url)
  ask(self, "/url", cjson.encode { url = url })
end

--- The value of a JavaScript function's body.
function browser:value(script)
  return ask(self, "/execute/sync", ('{"script":%s,"args":[]}'):format(cjson.encode(script)))
end

--- Waits until the body of a function answers true.
function browser:wait(what, seconds, script)
  return temp.wait_until(seconds, function()
    return self:value(script) == true
  end) or error(("after %d s, still not: %s\n%s"):format(seconds, what,
    self:value "return document.body.innerText"), 2)
end

--- All that a reader sees.
function browser:text()
  return self:value "return document.body.innerText"
end

--- Writes what a reader sees to a PNG file.
function browser:picture(path)
  local answer = cjson.decode(temp.capture(("curl -sS -m 60 %s/screenshot"):format(self.url)))
  local base64 = temp.write(self.folder .. "/picture", answer.value)
  assert(os.execute(("base64 -d %s >%s"):format(temp.quote(base64), temp.quote(path))))
end

function browser:close()
  temp.capture(("curl -sS -m 20 -X DELETE %s"):format(self.url))
  self.driver:stop()
end

return browser

-- The page of a master and /metrics, as a browser and a scraper see them.

local browser = require "spec.support.browser"
local cjson = require "cjson"
local cluster = require "spec.support.cluster"
local engine = require "spec.support.engine"
local gated = require "spec.support.gated"
local temp = require "spec.support.temp"

local UNSAFE <const> = { flags = { "--allow-unsafe" } }
local HTTP <const> = { http = "127.0.0.1:0" }

local it_all, chromium

local function page_address()
  return it_all:wait("the page has an address", 20, function()
    return it_all.master:text("out"):match("shows its page at (%S+)\n")
  end)
end

local function get(url)
  return temp.capture(("curl -sS -m 20 %s"):format(temp.quote(url)))
end

local function api(path)
  return cjson.decode(get(page_address() .. "api/" .. path))
end

-- Until an expression is true on the page.
local function wait_for(what, script)
  chromium:wait(what, 30, "return " .. script)
end

describe("/metrics", function()
  before_each(function()
    it_all = cluster.open()
    it_all:start_master(HTTP)
    it_all:start_worker()
  end)

  after_each(function()
    it_all:close()
  end)

  it("is what promtool takes without a word, and needs no token", function()
    local input = temp.write(it_all.folder .. "/in", ("some words\n"):rep(100))
    local job = it_all:submit("jobs/wordcount.lua", { input })
    it_all:expect_parts(job, it_all:expected_parts("jobs/wordcount.lua", { input }))
    local url = page_address():match("^http://[^/]+") .. "/metrics"
    local text = it_all:wait("the job is counted", 20, function()
      local said = get(url)
      return said:find('mrlua_jobs_ended_total{status="succeeded"} 1\n', 1, true) and said
    end)

    assert.matches("\nmrlua_input_records_total 100\n", text, 1, true)
    assert.matches("\nmrlua_slots 1\n", text, 1, true)
    if temp.capture "command -v promtool" ~= "" then -- of Debian's prometheus
      local path = temp.write(it_all.folder .. "/metrics", text .. "\n")
      assert.equal("0", temp.capture(("promtool check metrics <%s 2>&1; echo $?"):format(path)))
    end
  end)
end)

describe("mrlua master --http", function()
  before_each(function()
    it_all = cluster.open()
  end)

  after_each(function()
    it_all:close()
  end)

  it("is refused beyond loopback", function()
    local result = engine.run { "master", "--listen", "127.0.0.1:0", "--state",
      it_all.folder .. "/state", "--key-file", it_all.folder .. "/key", "--http", "0.0.0.0:0" }

    assert.equal(2, result.code)
    assert.matches("ssh -L", result.stderr, 1, true)
    assert.equal("", result.stdout)
  end)

  it("off says no address and opens no port", function()
    it_all:start_master()
    assert.equal(1, select(2, it_all.master:text("out"):gsub("\n", "")))
  end)

  it("prints an address whose secret stays when the master is started again", function()
    it_all:start_master(HTTP)
    local before = page_address():match("/(%x+)/$")
    it_all.master:kill()
    it_all:start_master(HTTP)

    assert.equal(before, page_address():match("/(%x+)/$"))
    assert.is_nil(it_all.master:text("err"):find(before, 1, true))
  end)
end)

describe("the page", function()
  if not browser.is_installed() then
    pending "needs chromium and chromium-driver of Debian"
    return
  end

  before_each(function()
    it_all = cluster.open()
    it_all:start_master(HTTP)
    chromium = browser.open(it_all.folder)
  end)

  after_each(function()
    chromium:close()
    it_all:close()
  end)

  it("shows workers and jobs as they come, without a reload", function()
    chromium:visit(page_address())
    wait_for("it says that there is nothing", [[document.body.innerText.includes("No job yet")]])
    chromium:value "window.same = true"
    it_all:start_worker(UNSAFE)
    wait_for("the worker", [[document.body.innerText.includes("ready")]])
    local gate = gated.new(it_all)
    local job = gate:submit()
    gate:wait_for("map", 1)
    local number = it_all:job_id(job)
    wait_for("the job", ([[document.querySelector("a[href='#job/%d']") !== null]]):format(number))
    gate:open "map"
    gate:open "reduce"
    gate:expect_parts(job)
    wait_for("its end", [[document.body.innerText.includes("succeeded")]])

    assert.is_true(chromium:value "return window.same")
    it_all:expect_clean()
  end)

  it("shows of a job what the API says: tasks, attempts, counters", function()
    it_all:start_worker(UNSAFE)
    local gate = gated.new(it_all)
    local job = gate:submit()
    gate:wait_for("map", 1)
    local number = it_all:job_id(job)
    chromium:visit(page_address() .. "#job/" .. number)
    wait_for("a task in progress", [[
      [...document.querySelectorAll(".tasks")].some((e) => e.textContent.includes("\u25b8"))]])
    wait_for("an attempt that runs", [[document.querySelector(".attempt.running") !== null]])
    gate:open "map"
    gate:open "reduce"
    gate:expect_parts(job)
    wait_for("its end", [[document.querySelector("#main p").innerText.startsWith("succeeded")]])
    local count = api(("attempts/%d/0"):format(number)).count
    wait_for("all its attempts",
      ([[document.querySelectorAll(".attempt").length === %d]]):format(count))

    local shown = chromium:value [[
      return [...document.querySelectorAll("table")]
        .filter((t) => t.caption.innerText === "Counters")
        .flatMap((t) => [...t.tBodies[0].rows])
        .map((r) => [...r.cells].map((c) => c.innerText))]]
    local counters = api("job/" .. number).job.counters
    assert.equal(#counters, #shown)
    for i, counter in ipairs(counters) do
      assert.equal(counter[1], shown[i][1])
      assert.equal(("%d"):format(counter[2]), (shown[i][2]:gsub(" ", "")))
    end
    it_all:expect_clean()
  end)

  it("shows hostile words as text", function()
    it_all:start_worker()
    local path = temp.write(it_all.folder .. "/job.lua", [[
return {
  map = function()
    error("<script>window.hurt = 1</script><img src=x onerror='window.hurt = 2'> \u{202e}txt.exe "
      .. "\27[2J \255 &lt;")
  end,
  reduce = "sum",
}]])
    local job = it_all:submit(path, { temp.write(it_all.folder .. "/in", "a\n") })
    assert.equal(1, job:wait(60))
    chromium:visit(page_address() .. "#job/1")
    wait_for("the error", [[document.querySelector(".error pre") !== null]])
    local text = chromium:value [[return document.querySelector(".error pre").textContent]]

    assert.matches("<script>window.hurt = 1</script><img src=x onerror='window.hurt = 2'>", text, 1,
      true)
    assert.matches("\\u202etxt.exe", text, 1, true)
    assert.matches("\\u001b[2J \u{fffd} &lt;", text, 1, true)
    assert.equal(cjson.null, chromium:value "return window.hurt ?? null")
    assert.equal(0, chromium:value [[return document.querySelectorAll("img, main script").length]])
    it_all:expect_clean()
  end)

  it("lists the steps of a job below it, and says whose they are", function()
    it_all:start_worker()
    local path = temp.write(it_all.folder .. "/steps.lua", [[return { steps = {
      { map = "words", reduce = "sum" }, { map = "identity", reduce = "sum" } } }]])
    assert.equal(0, it_all:submit(path, { "README.md" }):wait(60))
    chromium:visit(page_address())
    wait_for("the steps", [[document.body.innerText.includes("(a step of job 1)")]])
    local shown = chromium:value [[return [...document.querySelector("table").tBodies[0].rows]
      .map((r) => r.cells[0].innerText + " " + r.cells[1].innerText)]]

    assert.same({ "1 steps", "3 steps (a step of job 1)",
      "2 steps, step 1 (a step of job 1)" }, shown)
    it_all:expect_clean()
  end)

  it("tells of a failed job whose fault it is, and its traceback as it is", function()
    it_all:start_worker()
    local path = temp.write(it_all.folder .. "/job.lua", [[
return { attempts = 2, map = function() error("no such luck") end, reduce = "sum" }]])
    assert.equal(1, it_all:submit(path, { temp.write(it_all.folder .. "/in", "a\n") }):wait(60))
    chromium:visit(page_address() .. "#job/1")
    wait_for("the error", [[document.querySelector(".error pre") !== null]])
    local text = chromium:value [[return document.querySelector(".error").textContent]]

    assert.matches("^Error: the job's code", text)
    assert.matches("\n    [^\n]*job.lua:1: in", text)
    assert.not_matches("\\u0009", text, 1, true)
    assert.not_matches("attempt %d", text)
    it_all:expect_clean()
  end)

  it("shows hot keys as text, with their shares and what to do about them", function()
    it_all:start_worker()
    local path = temp.write(it_all.folder .. "/job.lua", [[
return {
  reducers = 3,
  map = function(at, _, emit)
    for i = 1, 3000 do
      emit("<img src=x onerror='window.hurt = 2'>", i)
      emit(at * 3000 + i, 1)
    end
  end,
  reduce = "count",
}]])
    local job = it_all:submit(path, { temp.write(it_all.folder .. "/in", ("\n"):rep(40)) })
    assert.equal(0, job:wait(60))
    chromium:visit(page_address() .. "#job/1")
    wait_for("hot keys", [=[[...document.querySelectorAll("caption")]
      .some((e) => e.innerText === "Hot keys")]=])
    local rows = chromium:value [[
      return [...document.querySelectorAll("table")]
        .filter((t) => ["Hot keys", "Largest partitions"].includes(t.caption.innerText))
        .map((t) => [...t.tBodies[0].rows].map((r) => [...r.cells].map((c) => c.innerText)))]]
    local advice = chromium:value [[return document.querySelector(".advice").innerText]]

    assert.equal(1, #rows[1])
    assert.equal([["<img src=x onerror='window.hurt = 2'>"]], rows[1][1][1])
    assert.equal("120 000", rows[1][1][2])
    assert.equal("50.0 %", rows[1][1][3])
    assert.equal(1, #rows[2]) -- of three: the one that has more than its share
    assert.matches([[key "<img src=x onerror='window.hurt = 2'>" has 50.0 %]], advice, 1, true)
    assert.equal(cjson.null, chromium:value "return window.hurt ?? null")
    assert.equal(0, chromium:value [[return document.querySelectorAll("img").length]])
    it_all:expect_clean()
  end)

  it("shows trouble, and the slowest attempts of a job whose attempts are forgotten", function()
    it_all:start_worker(UNSAFE)
    it_all:start_worker(UNSAFE)
    local gate = gated.new(it_all)
    local job = gate:submit()
    gate:wait_for("map", 2)
    it_all.workers[1]:kill()
    it_all:wait("the master sees the death of a worker", 30, function()
      local known = it_all:worker_state(it_all.workers[1].id)
      return not known or known.state ~= "ready"
    end)
    gate:open "map"
    gate:open "reduce"
    gate:expect_parts(job)
    it_all.master:kill()
    it_all:start_master(HTTP) -- which has the job from its journal
    chromium:visit(page_address() .. "#job/" .. job.id)
    wait_for("what was lost",
      [[/workers that were lost\s+1\b/.test(document.body.innerText)]])
    wait_for("the slowest",
      [[/Slowest attempts[^]*(map|reduce) \d+/.test(document.body.innerText)]])
  end)

  it("says when the master is gone, and goes on when it is back", function()
    chromium:visit(page_address())
    wait_for("it lives", [[document.getElementById("state").innerText.startsWith("live")]])
    local address = page_address():match("^http://([^/]+)")
    it_all.master:kill()
    wait_for("it says so", [[document.getElementById("state").innerText.startsWith("no news")]])
    it_all:start_master { http = address }

    wait_for("it lives again", [[document.getElementById("state").innerText.startsWith("live")]])
  end)

  it("fits a phone: nothing is wider than the screen but what scrolls by itself", function()
    it_all:start_worker()
    local input = temp.write(it_all.folder .. "/in", ("some words\n"):rep(100))
    local job = it_all:submit("jobs/wordcount.lua", { input })
    assert.equal(0, job:wait(60))
    chromium:visit(page_address() .. "#job/1")
    wait_for("the job", [[document.querySelector(".timeline") !== null]])

    assert.is_true(chromium:value [[
      document.documentElement.style.width = "360px";
      return document.body.getBoundingClientRect().width <= 360 &&
        [...document.querySelectorAll("main *")].every((e) => e.closest(".wide")
          || e.getBoundingClientRect().right <= 361)]])
  end)
end)

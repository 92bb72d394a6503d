--- Makes the picture of a master's page that README.md shows.
--
--     lua5.4 ctest/bench/picture.lua OUT.png               wants Debian's chromium, chromium-driver
--
-- A master and four workers count the words of licences and C headers. One input is compressed and
-- large, so that one attempt takes it all: the straggler of the timeline. The picture is taken in
-- the middle of the reduces.

package.path = "lua/?.lua;./?.lua;" .. package.path
local browser = require "spec.support.browser"
local cluster = require "spec.support.cluster"

local WORKERS <const> = 4
local SMALL_INPUTS <const>, SMALL_MB <const>, LARGE_MB <const> = 40, 3, 300

local function make_inputs(folder)
  local texts <const> = folder .. "/texts"
  assert(os.execute(([[
    set -e; mkdir %s; cd %s
    cat /usr/share/common-licenses/* /usr/include/*.h >one
    while [ $(stat -c %%s one) -lt %d ]; do cat one one >two; mv two one; done
    for i in $(seq -w %d); do head -c %dM one >text-$i; done
    gzip -1 one
  ]]):format(texts, texts, LARGE_MB << 20, SMALL_INPUTS, SMALL_MB)))
  return texts
end

local function is_reducing(status)
  local reduce = status.stages.reduce
  return status.outcome or reduce and reduce.tasks_done > 2
end

local function take(here, out)
  here:start_master { http = "127.0.0.1:0" }
  for _ = 1, WORKERS do
    here:start_worker()
  end
  local job = here:submit("jobs/wordcount.lua", { make_inputs(here.folder) }, { "--reducers", 12 })
  local address = here.master:text("out"):match("shows its page at (%S+)\n")
  local chromium = browser.open(here.folder)
  chromium:visit(("%s#job/%d"):format(address, here:job_id(job)))
  here:wait_for_job(job, "a reduce is done", 120, is_reducing)
  chromium:wait("the page shows it", 30, [[
    return document.querySelectorAll(".timeline rect").length > 20]])
  chromium:picture(out)
  chromium:close()
end

local out = assert(..., "usage: lua5.4 ctest/bench/picture.lua OUT.png")
local here = cluster.open()
local ok, message = xpcall(take, debug.traceback, here, out)
here:close()
assert(ok, message)

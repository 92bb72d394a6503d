--- How fast objects are read and written, against curl with as many parallel ranges, on this
-- machine and against the storage of spec/gcs, in turn.
--
--     lua5.4 ctest/bench/gcs.lua [MEGABYTES [ROUNDS]]       2000 MB, 3 rounds
--
-- Prints, of the best of each: MB/s, its share of curl's, and seconds of processor per GB (of the
-- engine's or curl's processes, without the server's). Exit code 1 where a share is below 80 %.
-- Wants curl, python3, openssl, 3 times that much room below $TMPDIR, and a quiet machine.

local MEGABYTES = tonumber(arg[1]) or 2000
local ROUNDS = tonumber(arg[2]) or 3
local MRLUA = os.getenv "MRLUA" or "build/mrlua"
local PARALLEL <const> = 16 -- as engine/cli/fs_copy.h says
local SHARE_MIN <const> = 0.8

local function capture(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read("a"):gsub("%s+$", ""))
end

local folder = capture "mktemp -d -t mrlua-bench-XXXXXX"
local bytes = MEGABYTES * 1000 * 1000

local function run(command)
  assert(os.execute(command), command)
end

-- Runs a command: seconds, seconds of processor.
local function timed(command)
  local times = folder .. "/times"
  local quoted = command:gsub("'", "'\\''")
  run(([[bash -c 'TIMEFORMAT="%%R %%U %%S"; time { %s ; }' 2>%s]]):format(quoted, times))
  local file <close> = assert(io.open(times))
  local real, user, system = file:read("a"):match("([%d.]+) ([%d.]+) ([%d.]+)%s*$")
  return tonumber(real), user + system
end

local function start_server()
  run(("python3 spec/gcs/server.py --dir %s/objects --ready-file %s/ready --parent %s "
    .. ">%s/server.log 2>&1 & echo $! >%s/pid"):format(folder, folder, capture "echo $PPID", folder,
    folder))
  for _ = 1, 200 do
    local file = io.open(folder .. "/ready")
    local port = file and file:read("n")
    if file then
      file:close()
    end
    if port then
      return ("127.0.0.1:%d"):format(port), capture("cat " .. folder .. "/pid")
    end
    run "sleep 0.05"
  end
  error "the server does not start"
end

local function url_of(host, name)
  return ("http://%s/storage/v1/b/bkt/o/%s?alt=media"):format(host, name)
end

-- As many ranges at once, each by a curl of its own, into one file each.
local function curl_download(host)
  local step, words = math.ceil(bytes / PARALLEL), { "pids=;" }
  for i = 0, PARALLEL - 1 do
    words[#words + 1] = ("curl -sf -r %d-%d -o %s/range.%d '%s' & pids=\"$pids $!\";"):format(
      i * step, math.min((i + 1) * step, bytes) - 1, folder, i, url_of(host, "big"))
  end
  words[#words + 1] = "for pid in $pids; do wait $pid || exit 1; done"
  return table.concat(words, " ")
end

local function curl_upload(host)
  return ("curl -sf -H 'Content-Type: application/octet-stream' -T %s/big -X POST -o /dev/null "
    .. "'http://%s/upload/storage/v1/b/bkt/o?uploadType=media&name=curl'"):format(folder, host)
end

local function fs(host, words)
  return ("STORAGE_EMULATOR_HOST=%s %s fs %s"):format(host, MRLUA, words)
end

local function better(best, seconds, processor)
  return (not best or seconds < best.seconds) and { seconds = seconds, processor = processor }
    or best
end

local function report(name, best, curl)
  local rate, share = bytes / 1e6 / best.seconds, curl.seconds / best.seconds
  print(("%-28s %6.0f MB/s  %5.0f %% of curl  %5.2f s of processor per GB"):format(name, rate,
    share * 100, best.processor / (bytes / 1e9)))
  return share >= SHARE_MIN
end

local function main()
  local host = start_server()
  run(("openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c %d "
    .. ">%s/big"):format(bytes, folder))
  run(fs(host, ("cp -q %s/big gs://bkt/big"):format(folder)))
  local tests = {
    { "read: curl", curl_download(host) },
    { "read: fs cp", fs(host, ("cp -q gs://bkt/big %s/back"):format(folder)) },
    { "read: fs cat", fs(host, "cat gs://bkt/big >/dev/null") },
    { "read: run, 2 slots", ("STORAGE_EMULATOR_HOST=%s %s run jobs/grep.lua --param "
      .. "pattern=nothing --slots 2 --quiet gs://bkt/lines >/dev/null"):format(host, MRLUA) },
    { "write: curl", curl_upload(host) },
    { "write: fs cp", fs(host, ("cp -q %s/big gs://bkt/copy"):format(folder)) },
  }
  -- The job reads lines: the same bytes as text.
  run(("head -c %d %s/big | base64 -w 76 | head -c %d >%s/lines"):format(bytes, folder, bytes,
    folder))
  run(fs(host, ("cp -q %s/lines gs://bkt/lines"):format(folder)))
  run(("rm %s/lines"):format(folder))
  local best = {}
  for _ = 1, ROUNDS do
    for i, test in ipairs(tests) do
      best[i] = better(best[i], timed(test[2]))
      run(("rm -f %s/range.* %s/back"):format(folder, folder))
    end
  end
  print(("%d MB, best of %d"):format(MEGABYTES, ROUNDS))
  local is_good = true
  for i, test in ipairs(tests) do
    is_good = report(test[1], best[i], best[i <= 4 and 1 or 5]) and is_good
  end
  return is_good
end

local ok, is_good = xpcall(main, debug.traceback)
run(("kill $(cat %s/pid) 2>/dev/null; rm -rf %s"):format(folder, folder))
if not ok then
  io.stderr:write(is_good, "\n")
end
os.exit(ok and is_good)

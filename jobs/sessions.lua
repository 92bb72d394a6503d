--- The sessions of a web log: requests of a host with less than half an hour between them.
--
--     mrlua run jobs/sessions.lua access.log
--
-- Output: "host <tab> text". Of these lines of access.log (common or combined format)
--
--     ::1 - - [10/Oct/2000:15:00:00 +0000] "GET /c HTTP/1.1" 200 17
--     ::1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 17
--     10.0.0.7 - - [10/Oct/2000:13:56:00 +0000] "GET /a HTTP/1.1" 200 17 "-" "w3m"
--     ::1 - - [10/Oct/2000:14:00:06 +0000] "GET /b HTTP/1.1" 200 17
--
-- it makes
--
--     10.0.0.7        1 requests in 0 s from /a to /a
--     ::1     2 requests in 270 s from / to /b
--     ::1     1 requests in 0 s from /c to /c
--
-- Secondary sort: the key is { host, time }, and `group = 1` makes a group of each host. Its
-- requests reach reduce in the order of time, sorted by the engine, never held in memory.

local text = require "mrlua.text"

local sessions = { group = 1, params = { gap = 1800 } }

function sessions.map(_, line, emit)
  local entry = text.combined(line) or text.common(line)
  if entry then
    emit({ entry.host, entry.time }, entry.path or "-")
  else
    mr.count "bad_lines"
  end
end

local function tell(session, emit)
  emit(session.host, ("%d requests in %d s from %s to %s"):format(session.count,
    session.last - session.first, session.from, session.to))
end

function sessions.reduce(key, paths, emit)
  local session
  for path, full_key in paths do
    local time = full_key[2]
    if session and time - session.last > mr.params.gap then
      tell(session, emit)
      session = nil
    end
    session = session or { host = key[1], first = time, from = path, count = 0 }
    session.last, session.to, session.count = time, path, session.count + 1
  end
  tell(session, emit)
end

return sessions

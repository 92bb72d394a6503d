--- How often each URL of a web log was asked for, and how many bytes that took.
--
--     printf '%s\n' '::1 - - [29/Nov/2026:20:00:00 +0000] "GET /a?x=1 HTTP/1.1" 200 512' \
--       '::1 - - [29/Nov/2026:20:00:01 +0000] "GET /b HTTP/1.1" 304 -' \
--       '::1 - - [29/Nov/2026:20:00:02 +0000] "POST /a HTTP/1.1" 200 100' | \
--       mrlua run jobs/url_counts.lua -
--
-- Output: "path <tab> requests <tab> bytes", sorted by path, without what is behind a "?":
--
--     /a      2       612
--     /b      1       0
--
-- The log's format is a grammar: a record is a line of the common or the combined log format of
-- Apache and nginx, its value a table. A line that is none ends the job with its file and offset.

local lpeg = require "lpeg"
local C, Cc, Cg, Ct, P, R, S = lpeg.C, lpeg.Cc, lpeg.Cg, lpeg.Ct, lpeg.P, lpeg.R, lpeg.S

local text = (1 - S " \n") ^ 1
local quoted = '"' * ("\\" * (1 - P "\n") + (1 - S '"\\\n')) ^ 0 * '"'
local path = C((1 - S ' ?"\n') ^ 1) * (1 - S ' "\n') ^ 0
local request = '"' * Cg(R "AZ" ^ 1, "method") * " " * Cg(path, "path") * (1 - S '"\n') ^ 0 * '"'
local bytes = R "09" ^ 1 / tonumber + P "-" * Cc(0)

local entry = Ct(Cg(text, "host") * " " * text * " " * text
  * " [" * Cg((1 - S "]\n") ^ 1, "time") * "] " * (request + quoted)
  * " " * Cg(R "09" ^ 3 / tonumber, "status") * " " * Cg(bytes, "bytes")
  * (" " * quoted * " " * quoted) ^ -1) * P "\r" ^ -1 * "\n"

local url_counts = {
  input = { format = "grammar", record = entry, resync = "\n" },
  output = "lines",
}

function url_counts.map(_, request_of, emit)
  emit(request_of.path or "(no request)", { 1, request_of.bytes })
end

function url_counts.reduce(url, entries, emit)
  local requests, total = 0, 0
  for one in entries do
    requests, total = requests + one[1], total + one[2]
  end
  emit(url, ("%s\t%d\t%d"):format(url, requests, total))
end

return url_counts

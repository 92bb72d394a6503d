--- Text into values, for jobs: words, numbers, fields, URLs, web logs, times.
--
--     local text = require "mrlua.text"
--
--     for word in text.words "Don't panic, Zoë" do ... end       Don't, panic, Zoë
--     text.csv 'a,"b ""c""",,d'                                  { "a", 'b "c"', "", "d" }
--     text.url "https://example.org:8080/a?b=c"                  { scheme = "https", host = ... }
--     text.combined(line).status                                 200
--     text.timestamp "2000-10-10T13:55:36-07:00"                 971211336
--
-- What does not match is nil; nothing raises. Each is an lpeg pattern below: text.patterns has
-- them by name, for grammars of a job's own. The line is looked at once, byte by byte; no pattern
-- can take more than linear time.

local lpeg = require "lpeg"

local C, Cc, Cg, Cs, Ct = lpeg.C, lpeg.Cc, lpeg.Cg, lpeg.Cs, lpeg.Ct
local P, R, S = lpeg.P, lpeg.R, lpeg.S

local text = {}
local patterns = {}

--- lpeg patterns by name: word, integer, number, csv_field, csv, url, common, combined, timestamp.
-- Their captures are what the functions answer.
text.patterns = patterns

local digit = R "09"
local END = -P(1)

local RIGHT_QUOTE <const> = P "\u{2019}" -- the apostrophe of typesetters: three bytes

-- Yields what `pattern` captures, wherever it matches next.
local function each(pattern)
  local next_match = P { pattern * lpeg.Cp() + (RIGHT_QUOTE + 1) * lpeg.V(1) }
  return function(subject)
    local at = 1
    return function()
      local value, after = next_match:match(subject, at)
      at = after or #subject + 1
      return value
    end
  end
end

-- ---- words, numbers ----

-- Bytes above 127 are letters: UTF-8 words stay whole, whatever their script.
local letter = R("az", "AZ") + R "\128\255"
local letters = (letter - RIGHT_QUOTE) ^ 1
patterns.word = C(letters * ((P "'" + RIGHT_QUOTE) * letters) ^ 0)

--- Iterates over the words: letters, all of UTF-8 beyond ASCII, and apostrophes within.
-- @tparam string subject
-- @treturn function  answers the next word, or nil
text.words = each(patterns.word)

local sign = S "+-" ^ -1
local mantissa = digit ^ 1 * (P "." * digit ^ 0) ^ -1 + P "." * digit ^ 1
local exponent = S "eE" * sign * digit ^ 1
-- A digit of a word (x86), of an address (10.0.0.1) or of a date (2000-10-10) is no number.
local apart = lpeg.B(letter + digit + S "_.-")

patterns.integer = sign * digit ^ 1 / math.tointeger
patterns.number = sign * mantissa * exponent ^ -1 / tonumber
local lone_number = -apart * patterns.number * -(letter + digit + S "_-" + P "." * digit)

--- Iterates over the numbers that stand alone: integers and floats, as Lua reads them.
text.numbers = each(lone_number + (letter + digit + S "_.") ^ 1 * Cc(false))

do
  local candidates = text.numbers
  function text.numbers(subject)
    local next_candidate = candidates(subject)
    return function()
      local value
      repeat
        value = next_candidate()
      until value ~= false
      return value
    end
  end
end

-- ---- fields ----

local function csv_patterns(separator)
  local quoted = P '"' * Cs((P '""' / '"' + (1 - P '"')) ^ 0) * '"'
  local plain = C((1 - S('"\r\n' .. separator)) ^ 0)
  local field = quoted + plain
  return field, Ct(field * (P(separator) * field) ^ 0) * S "\r\n" ^ 0 * END
end

patterns.csv_field, patterns.csv = csv_patterns ","
local csv_by_separator = { [","] = patterns.csv }

--- The fields of a record of CSV (RFC 4180): quotes may hold separators, newlines and "".
-- @tparam string record
-- @tparam[opt=","] string separator  one byte
-- @treturn {string,...}  nil: a quote that does not end, or stands within a field
function text.csv(record, separator)
  separator = separator or ","
  local pattern = csv_by_separator[separator]
  if not pattern then
    assert(#separator == 1, "text.csv: the separator must be one byte")
    pattern = select(2, csv_patterns(separator))
    csv_by_separator[separator] = pattern
  end
  return pattern:match(record)
end

-- ---- URLs ----

local alpha = R("az", "AZ")
local unspaced = 1 - S ' \t\r\n"<>'
local scheme = alpha * (alpha + digit + S "+-.") ^ 0 / string.lower
local host = P "[" * C((1 - S "]/?# ") ^ 1) * "]" + (unspaced - S ":/?#@") ^ 1 / string.lower
local user = C((unspaced - S "/?#@") ^ 0) * "@"
local port = P ":" * (digit ^ 1 / math.tointeger)

patterns.url = Ct(Cg(scheme, "scheme") * "://" * Cg(user, "user") ^ -1 * Cg(host, "host")
  * Cg(port, "port") ^ -1 * Cg(C(P "/" * (unspaced - S "?#") ^ 0) + Cc "/", "path")
  * (P "?" * Cg((unspaced - P "#") ^ 0, "query")) ^ -1
  * (P "#" * Cg(unspaced ^ 0, "fragment")) ^ -1)
local whole_url = patterns.url * END

--- The parts of an absolute URL: scheme, host (both in lower case), user, port (an integer), path
-- ("/" if it is empty), query, fragment; what it has not is nil. Nothing is decoded.
-- @treturn table  nil: it is none
function text.url(subject)
  return whole_url:match(subject)
end

-- ---- times ----

local MONTHS = {}
for i, name in ipairs { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
  "Nov", "Dec" } do
  MONTHS[name] = i
end
local MONTH_DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_leap(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

-- Days since 1970-01-01 in the Gregorian calendar; years begin in March, so that a leap day ends
-- one.
local function days_of(year, month, day)
  if month <= 2 then
    year = year - 1
  end
  local era, year_of_era = year // 400, year % 400
  local day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
  return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    - 719468
end

local function seconds_of(t)
  local last = MONTH_DAYS[t.month] or 0
  if t.month == 2 and is_leap(t.year) then
    last = 29
  end
  if t.day < 1 or t.day > last or t.hour > 23 or t.minute > 59 or t.second > 60 then
    return false
  end
  local seconds = days_of(t.year, t.month, t.day) * 86400 + t.hour * 3600 + t.minute * 60 + t.second
  return true, seconds - (t.offset or 0) + (t.fraction or 0)
end

local function digits(count, name)
  local pattern = P(true)
  for _ = 1, count do
    pattern = pattern * digit
  end
  return Cg(pattern / math.tointeger, name)
end

local function signed_offset(sign_char, hours, minutes)
  local seconds = hours * 3600 + minutes * 60
  return sign_char == "-" and -seconds or seconds
end

local two = digit * digit / math.tointeger
local zone = Cg(S "Zz" * Cc(0) + C(S "+-") * two * P ":" ^ -1 * two / signed_offset, "offset")
local clock = digits(2, "hour") * ":" * digits(2, "minute") * ":" * digits(2, "second")
local fraction = Cg(S ".," * C(digit ^ 1) / function(d) return tonumber("0." .. d) end, "fraction")
local month_name = Cg(alpha * alpha * alpha / MONTHS, "month")

local iso = digits(4, "year") * "-" * digits(2, "month") * "-" * digits(2, "day")
  * (S "Tt " * clock * fraction ^ -1 * zone ^ -1 + Cg(Cc(0), "hour") * Cg(Cc(0), "minute")
    * Cg(Cc(0), "second"))
local in_log = digits(2, "day") * "/" * month_name * "/" * digits(4, "year") * ":" * clock
  * " " * zone
local in_mail = alpha ^ 3 * ", " * Cg(digit * digit ^ -1 / math.tointeger, "day") * " "
  * month_name * " " * digits(4, "year") * " " * clock * " " * (zone + P "GMT" + "UTC" + "UT")
patterns.timestamp = lpeg.Cmt(Ct(iso + in_log + in_mail), function(_, _, t)
  return seconds_of(t)
end)
local whole_timestamp = patterns.timestamp * END

--- Seconds since 1970-01-01 UTC: an integer, a float where there are fractions.
-- Known: ISO 8601 / RFC 3339 ("2000-10-10", "2000-10-10T13:55:36.5-07:00"; without a zone it is
-- UTC), that of web logs ("10/Oct/2000:13:55:36 -0700"), that of mail and HTTP ("Tue, 10 Oct 2000
-- 20:55:36 GMT").
-- @treturn number  nil: it is none, or one that no calendar has
function text.timestamp(subject)
  return whole_timestamp:match(subject)
end

-- ---- web logs ----

local word = C((1 - S " \t\r\n") ^ 1)
local unescaped = P "\\" * C(S '"\\') / 1 + P "\\" * 1 + (1 - S '"\\')
local in_quotes = P '"' * Cs(unescaped ^ 0) * '"'

local function named(pattern, name)
  return Cg(pattern, name)
end

-- "-" is what a log has for nothing.
local function or_nothing(pattern, name)
  return P "-" * #S(' \r\n"' ) + P "-" * END + named(pattern, name)
end

local token = C((1 - S ' "') ^ 1)
local request = P '"' * (named(C(R "AZ" ^ 1), "method") * " " * named(C((1 - S ' "') ^ 0), "path")
  * (P " " * named(token, "protocol")) ^ -1 * '"' + P "-" * '"')
  + named(in_quotes, "request") -- what is no request of HTTP stays whole
local common_fields = named(word, "host") * " " * or_nothing(word, "ident") * " "
  * or_nothing(word, "user") * " [" * named(patterns.timestamp, "time") * "] " * request * " "
  * or_nothing(digit ^ 1 / math.tointeger, "status") * " "
  * or_nothing(digit ^ 1 / math.tointeger, "bytes")
local combined_fields = common_fields * " "
  * (P '"-"' + named(in_quotes, "referer")) * " " * (P '"-"' + named(in_quotes, "agent"))

patterns.common = Ct(common_fields)
patterns.combined = Ct(combined_fields)
local whole_common = patterns.common * S "\r\n" ^ 0 * END
local any_combined = patterns.combined

--- A line of a web server's log in the common format: host, ident, user, time (text.timestamp),
-- method, path, protocol, status, bytes; what the log has no value for ("-") is nil. A request
-- that is none of HTTP is `request`, whole.
-- @treturn table  nil: it is no such line
function text.common(line)
  return whole_common:match(line)
end

--- The same of the combined format: also referer and agent. What a server adds after them is left
-- out.
function text.combined(line)
  return any_combined:match(line)
end

return text

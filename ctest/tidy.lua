--- Checks what a compiler cannot: who may include whom, how long things are, what is where.
--
--     lua5.4 ctest/tidy.lua [ROOT]      one line per complaint; exit code 1 if there is any
--
-- ROOT is the project's folder, "." unless given. Every rule has a bad sample in
-- spec/tidy_spec.lua.

local LAYERS = { -- a file may include its own folder and those named here (DESIGN: layers)
  base = {},
  store = { "base" },
  record = { "base" },
  format = { "base", "store", "record" },
  rpc = { "base" },
  vm = { "base", "record", "format" },
  attempt = { "base", "store", "record", "format", "rpc", "vm" },
  sched = { "base" },
  worker = { "base", "record", "rpc", "attempt" },
  master = { "base", "store", "record", "format", "rpc", "sched", "attempt" },
  cli = {
    "base", "store", "record", "format", "rpc", "vm", "attempt", "sched", "worker", "master",
  },
}

local FENCES = { -- a foreign header's first word, and the layers that may include it
  xxhash = { "base" },
  emmintrin = { "base" }, -- SSE2, of the compiler
  ["isa-l"] = { "base", "format" },
  curl = { "store" },
  dlfcn = { "store" }, -- it loads curl
  jansson = { "store" },
  openssl = { "store", "rpc" },
  lz4 = { "record" },
  lz4frame = { "record" },
  zstd = { "format" },
  zstd_errors = { "format" },
  event2 = { "rpc", "master" },
  ["protobuf-c"] = { "rpc" },
  lua = { "vm" },
  lauxlib = { "vm" },
  lualib = { "vm" },
  ["lua-cjson"] = { "vm" },
  ["lua-lpeg"] = { "vm" },
  seccomp = { "vm" },
  sqlite3 = { "master" },
  histedit = { "cli" },
}

local LIBC = {} -- everything else in <...> must be one of these: threads have no place here
for name in ([[arpa assert ctype dirent elf endian errno fcntl float fnmatch getopt glob grp
  inttypes langinfo libgen limits link linux locale malloc math net netdb netinet poll pwd sched
  setjmp signal spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn
  string strings sys termios time unistd wchar]]):gmatch("%S+") do
  LIBC[name] = true
end

-- What decides and never acts, and what it is called in complaints: a simulation drives it.
local PURE = {
  ["^engine/sched/"] = "sched/",
  ["^engine/worker/agent"] = "the agent",
}

-- What such a file must not include, and what it must not call.
local IMPURE = {
  time = true, unistd = true, fcntl = true, sys = true, signal = true, poll = true,
  dirent = true, stdio = true, locale = true,
}
local IMPURE_CALLS = {
  "clock_monotonic_ns", "clock_realtime_ns", "io_%l+", "log_event", "getenv", "rand", "random",
}

local FORBIDDEN_CALLS = { -- in engine/, with the reason
  system = "runs a shell", popen = "runs a shell",
  strcpy = "has no bound", strcat = "has no bound", sprintf = "has no bound",
  vsprintf = "has no bound", gets = "has no bound", alloca = "has no bound",
  rand = "use base/rand.h", srand = "use base/rand.h", random = "use base/rand.h",
  atoi = "cannot fail", atol = "cannot fail", atoll = "cannot fail", atof = "cannot fail",
  mktemp = "races", tmpnam = "races", pthread_create = "this code base has no threads",
}

-- A lost answer of these is a lie told later.
local MUST_BE_CHECKED = {
  "fsync", "fdatasync", "write", "pwrite", "rename", "renameat", "renameat2", "ftruncate",
  "copy_file_range", "io_write", "io_pwrite", "io_fsync", "io_fsync_folder", "io_rename",
}

local FILE_LINES_MAX, FUNCTION_LINES_MAX, COLUMNS_MAX = 600, 70, 100
local JOB_LINES_MAX, README_LINES_MAX = 60, 200
local DOCUMENT_LINES_MAX = 1000 -- lua/README.md, the manual of jobs, is read by the chapter

local TOP_LEVEL = {
  ["CMakeLists.txt"] = true, engine = true, lua = true, jobs = true, gce = true, spec = true,
  ctest = true, ["README.md"] = true,
}
local DOCUMENTS = {
  ["README.md"] = true, ["engine/README.md"] = true, ["lua/README.md"] = true,
  ["gce/README.md"] = true,
}

local UNFINISHED = { "TO" .. "DO", "FIX" .. "ME", "XX" .. "X", "HA" .. "CK" }
local MACHINE_PATHS = { "/wo" .. "rk/%w", "/tmp/bu" .. "ild" }

local root = arg[1] or "."
local problem_count = 0

local function complain(path, line_number, message, ...)
  problem_count = problem_count + 1
  io.stderr:write(("%s:%d: %s\n"):format(path, line_number, message:format(...)))
end

local function is_in(list, word)
  for _, one in ipairs(list) do
    if one == word then
      return true
    end
  end
  return false
end

local function read_lines(path)
  local lines = {}
  for line in io.lines(root .. "/" .. path) do
    lines[#lines + 1] = line
  end
  return lines
end

-- Every file below root by its path from there, sorted; .git and build folders apart.
local function list_files()
  local quoted = "'" .. root:gsub("'", "'\\''") .. "'"
  local find = ("cd %s && find . -mindepth 1 -maxdepth 1 ! -name .git ! -name 'build*' "
    .. "-exec find {} -type f ';'"):format(quoted)
  local pipe <close> = assert(io.popen(find))
  local paths = {}
  for path in pipe:lines() do
    paths[#paths + 1] = path:gsub("^%./", "")
  end
  table.sort(paths)
  return paths
end

local function check_foreign(path, line_number, from, line)
  local foreign = line:match("^#include <([%w_-]+)")
  local homes = FENCES[foreign]
  if homes and not is_in(homes, from) then
    complain(path, line_number, "only %s/ may include <%s...>", table.concat(homes, "/ and "),
      foreign)
  elseif foreign and not homes and not LIBC[foreign] then
    complain(path, line_number, "<%s...> has no home: give it one in FENCES", foreign)
  end
end

local function check_include(path, line_number, line)
  local from = path:match("^engine/(%w+)/") or path:match("^ctest/(%w+)/")
  local to = line:match('^#include "(%w+)/')
  if not LAYERS[from] then
    return
  end
  if LAYERS[to] and to ~= from and not is_in(LAYERS[from], to) then
    complain(path, line_number, "%s/ may not include %s/", from, to)
  end
  if path:find("^engine/") then
    check_foreign(path, line_number, from, line)
  end
end

local function check_calls(path, line_number, line)
  for name, reason in pairs(FORBIDDEN_CALLS) do
    if line:find("%f[%w_]" .. name .. "%(") then
      complain(path, line_number, "%s(): %s", name, reason)
    end
  end
end

local function check_purity(path, line_number, line, who)
  local header = line:match("^#include <(%l+)")
  if IMPURE[header] then
    complain(path, line_number, "%s decides and never acts: no <%s...>", who, header)
  end
  for _, name in ipairs(IMPURE_CALLS) do
    if line:find("%f[%w_]" .. name .. "%(") then
      complain(path, line_number, "%s decides and never acts: no %s()", who, line:match(name))
    end
  end
end

-- A statement that is nothing but the call, or one with its answer cast away.
local function check_answers(path, line_number, line, before)
  local starts_statement = before:find("[;{}):]%s*$") or before:find("else%s*$") or before == ""
  for _, name in ipairs(MUST_BE_CHECKED) do
    if line:find("%(void%)%s*" .. name .. "%(")
      or (starts_statement and line:find("^%s+" .. name .. "%(.*%);$")) then
      complain(path, line_number, "the answer of %s() is lost", name)
    end
  end
end

local function is_comment(line)
  return line:find("^%s*/?%*") or line:find("^%s*//")
end

local function check_c_line(path, line_number, line, before)
  check_include(path, line_number, line)
  if is_comment(line) then
    return
  end
  if line:find("^typedef ") then
    complain(path, line_number, "no typedefs: say struct")
  end
  if path:find("^engine/") then
    check_calls(path, line_number, line)
    check_answers(path, line_number, line, before)
  end
  for pattern, who in pairs(PURE) do
    if path:find(pattern) then
      check_purity(path, line_number, line, who)
    end
  end
  if path:find("^ctest/") and line:find("%f[%w_]%l*sleep%(") then
    complain(path, line_number, "no sleeps: pass time in, or wait for a condition")
  end
end

local function check_function_lengths(path, lines, opens, closes)
  local start
  for line_number, line in ipairs(lines) do
    if line:find(opens) then
      start = line_number
    elseif start and line:find(closes) then
      if line_number - start - 1 > FUNCTION_LINES_MAX then
        complain(path, start, "function longer than %d lines", FUNCTION_LINES_MAX)
      end
      start = nil
    end
  end
end

local function check_c_file(path, lines)
  for line_number, line in ipairs(lines) do
    check_c_line(path, line_number, line, lines[line_number - 1] or "")
  end
  check_function_lengths(path, lines, "^{$", "^}")
  if path:find("%.h$") then
    local noun = path:match("([^/]+)%.h$")
    if lines[1] ~= "/*" or not (lines[2] or ""):find(" * " .. noun .. ": ", 1, true) then
      complain(path, 1, "a header begins with its contract: /* newline * %s: ...", noun)
    end
  end
end

local function check_claims(path, lines)
  for line_number, line in ipairs(lines) do
    if line:find("%f[%w]it%([\"'].*%f[%a]should%f[%A]") then
      complain(path, line_number, "say what holds, without 'should'")
    end
  end
end

local function check_job(path, lines)
  if #lines >= JOB_LINES_MAX then
    complain(path, #lines, "a job has less than %d lines", JOB_LINES_MAX)
  end
  for _, line in ipairs(lines) do
    if not line:find("^%-%-") then
      break
    elseif line:find("mrlua run ", 1, true) then
      return
    end
  end
  complain(path, 1, "a job's first comment is its command and expected output")
end

-- Named functions, those within others too: each ends at the "end" below its beginning.
local function check_lua_function_lengths(path, lines)
  local open = {} -- indentation -> where it begins
  for line_number, line in ipairs(lines) do
    local indent = line:match "^( *)[%l ]*function .*%)$"
    local ends = line:match "^( *)end%f[%W]"
    if indent then
      open[#indent] = line_number
    elseif ends and open[#ends] then
      if line_number - open[#ends] - 1 > FUNCTION_LINES_MAX then
        complain(path, open[#ends], "function longer than %d lines", FUNCTION_LINES_MAX)
      end
      open[#ends] = nil
    end
  end
end

local function check_lua_file(path, lines)
  check_lua_function_lengths(path, lines)
  if path:find("^spec/") then
    check_claims(path, lines)
  elseif not (lines[1] or ""):find("^%-%-") then
    complain(path, 1, "a module begins with a comment that says what it is")
  end
  if path:find("^jobs/") then
    check_job(path, lines)
  end
end

-- A function ends before the next line that is indented no more than its "def".
local function check_python_file(path, lines)
  if not (lines[1] or ""):find('^"""') then
    complain(path, 1, "a module begins with a comment that says what it is")
  end
  local open = {} -- the functions around a line: { where it begins, its indentation }
  for line_number = 1, #lines + 1 do
    local line = lines[line_number] or "end"
    local indent = #line:match("^ *")
    while line ~= "" and #open > 0 and indent <= open[#open].indent do
      local one = table.remove(open)
      if one.last - one.start > FUNCTION_LINES_MAX then
        complain(path, one.start, "function longer than %d lines", FUNCTION_LINES_MAX)
      end
    end
    if line:find("^ *def ") then
      table.insert(open, { start = line_number, indent = indent })
    end
    for _, one in ipairs(open) do
      one.last = line ~= "" and line_number or one.last
    end
  end
end

local function check_text(path, lines)
  for line_number, line in ipairs(lines) do
    if (utf8.len(line) or #line) > COLUMNS_MAX and not path:find("%.md$") then
      complain(path, line_number, "line longer than %d columns", COLUMNS_MAX)
    end
    if line:find("%s$") then
      complain(path, line_number, "white space at the end")
    end
    if line:find("\t") and not path:find("%.md$") then
      complain(path, line_number, "a tab")
    end
    for _, word in ipairs(UNFINISHED) do
      if line:find("%f[%w]" .. word .. "%f[%W]") then
        complain(path, line_number, "%s: do it, or file an issue", word)
      end
    end
    for _, pattern in ipairs(MACHINE_PATHS) do
      if line:find(pattern) then
        complain(path, line_number, "a path of somebody's machine")
      end
    end
  end
  local lines_max = path:find "%.md$" and DOCUMENT_LINES_MAX or FILE_LINES_MAX
  if #lines > lines_max then
    complain(path, #lines, "file longer than %d lines", lines_max)
  end
end

-- The test that mirrors `path`, or nil where none is due. A folder of jobs may share one spec; a
-- layer's tools, which the build runs, are tested with it.
local function tests_due(path)
  local layer, unit = path:gsub("/tool/", "/"):match("^engine/(%w+)/([%w_]+)%.c$")
  if unit then
    return { ("ctest/%s/test_%s.c"):format(layer, unit) }
  end
  local module = path:match("^lua/(.+)%.lua$")
  if module then
    local short = module:gsub("^mrlua/", "")
    return { "spec/" .. module .. "_spec.lua", "spec/" .. short .. "_spec.lua" }
  end
  local job = path:match("^(jobs/.+)%.lua$")
  if job then
    return { "spec/" .. job .. "_spec.lua", "spec/" .. job:match("^(.+)/") .. "_spec.lua" }
  end
end

local function check_test(path, exists)
  local due = tests_due(path)
  local found = not due
  for _, test in ipairs(due or {}) do
    found = found or exists[test]
  end
  if not found then
    complain(path, 1, "no test: %s", table.concat(due, " or "))
  end
end

local function check_place(path)
  local top = path:match("^[^/]+")
  if not TOP_LEVEL[top] and not top:find("^%.") then
    complain(path, 1, "does not belong at the top level")
  end
  local layer = path:match("^engine/([^/]+)/")
  if layer and not LAYERS[layer] then
    complain(path, 1, "engine/%s/ is no layer", layer)
  end
  if path:find("^engine/[^/]+%.[ch]$") then
    complain(path, 1, "a source file belongs to a layer")
  end
  if path:find("%.md$") and not DOCUMENTS[path] then
    complain(path, 1, "no other documents: what is about one file is in that file")
  end
end

local function is_text(path)
  return path:find("%.[ch]$") or path:find("%.lua$") or path:find("%.md$")
    or path:find("%.cmake$") or path:find("CMakeLists%.txt$") or path:find("%.sh$")
    or path:find("%.py$") or path:find("%.proto$") or path:find("^%.ci/")
end

local function check_file(path, exists)
  check_place(path)
  check_test(path, exists)
  if not is_text(path) then
    return
  end
  local lines = read_lines(path)
  check_text(path, lines)
  if path:find("%.[ch]$") then
    check_c_file(path, lines)
  elseif path:find("%.lua$") then
    check_lua_file(path, lines)
  elseif path:find("%.py$") then
    check_python_file(path, lines)
  elseif path == "README.md" and #lines > README_LINES_MAX then
    complain(path, #lines, "README.md has at most %d lines", README_LINES_MAX)
  end
end

local paths, exists = list_files(), {}
for _, path in ipairs(paths) do
  exists[path] = true
end
for _, path in ipairs(paths) do
  check_file(path, exists)
end
os.exit(problem_count == 0)

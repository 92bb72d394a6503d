--- Temporary folders and files of specs.

local temp = {}

--- The shell's word for `text`.
function temp.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- What `command` prints, without the last newline.
function temp.capture(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read("a"):gsub("\n$", ""))
end

--- A new empty folder below $TMPDIR, /tmp otherwise.
function temp.folder()
  local path = temp.capture("mktemp -d -t mrlua-spec-XXXXXX")
  assert(path ~= "", "no temporary folder")
  return path
end

function temp.remove(path)
  assert(path and #path > 4)
  os.execute("rm -rf -- " .. temp.quote(path))
end

--- Gives each test of the block, which calls this, a new folder: `tell` is called with its path
-- before the test, and it is removed afterwards.
function temp.each(tell)
  local busted = require "busted" -- here: a bench that uses this module runs without it
  local path
  busted.before_each(function()
    path = temp.folder()
    tell(path)
  end)
  busted.after_each(function()
    temp.remove(path)
  end)
end

function temp.write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
  return path
end

function temp.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

function temp.exists(path)
  local file <close> = io.open(path, "rb")
  return file ~= nil
end

--- The names in a folder, those with a dot too, sorted.
function temp.list(path)
  local names = {}
  for name in temp.capture("ls -A -- " .. temp.quote(path) .. " 2>/dev/null"):gmatch("[^\n]+") do
    names[#names + 1] = name
  end
  return names
end

--- Asks `condition` until it answers something true, for `seconds` at most; answers that or nil.
function temp.wait_until(seconds, condition)
  local pause = "sleep 0.02"
  for _ = 1, seconds * 50 do
    local answer = condition()
    if answer then
      return answer
    end
    os.execute(pause)
  end
end

return temp

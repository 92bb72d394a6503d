--- The scripts of gce/ on a pretended project: the gcloud of spec/gce/stub keeps it in a folder.
--
--     local project = kit.open()                         empty
--     local result = project:run("up", { "--bucket", "b-1" })       { code, stdout, stderr }
--     project:fault("instances create mrlua-master", "stock-out", 1)
--     project:calls()                                    what gcloud was asked, a line each
--     project:names("compute instances")                 what there is, sorted
--     project:close()

local cjson = require "cjson"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local kit = {}
kit.__index = kit

kit.root = temp.capture("pwd")

function kit.open()
  return setmetatable({ folder = temp.folder() }, kit)
end

function kit:close()
  temp.remove(self.folder)
end

--- The environment of everything that is run: the stub first in PATH, no waiting.
function kit:environment()
  return ("PATH=%s/spec/gce/stub:$PATH GCLOUD_STUB=%s MRLUA_GCE_POLL_SECONDS=0"
    .. " MRLUA_GCE_START_SECONDS=2 MRLUA_GCE_BUILD_SECONDS=2"):format(temp.quote(kit.root),
    temp.quote(self.folder))
end

--- Runs gce/NAME.sh with these arguments to its end.
function kit:run(name, argv)
  local words = { self:environment(), ("gce/%s.sh"):format(name) }
  for _, word in ipairs(argv or {}) do
    words[#words + 1] = temp.quote(word)
  end
  return engine.run_command(table.concat(words, " "))
end

--- Runs it, and raises when it fails.
function kit:expect(name, argv)
  local result = self:run(name, argv)
  if result.code ~= 0 then
    error(("exit code %d of %s\n%s"):format(result.code, name, result.stderr), 2)
  end
  return result
end

--- The next `count` calls (all) that match the regular expression end as `what` (stub/gcloud).
function kit:fault(pattern, what, count)
  local file <close> = assert(io.open(self.folder .. "/faults", "a"))
  file:write(table.concat({ pattern, what, count }, "\t"), "\n")
end

--- No faults any more.
function kit:heal()
  os.remove(self.folder .. "/faults")
end

--- A file of the stub's folder.
function kit:write(name, text)
  temp.write(self.folder .. "/" .. name, text)
end

--- What gcloud was asked since the last forget(), a line each; the tree's folder is ROOT.
-- @tparam[opt] string pattern  only lines with it
function kit:calls(pattern)
  local path, lines = self.folder .. "/calls", {}
  local text = temp.exists(path) and temp.read(path) or ""
  local root = kit.root:gsub("%p", "%%%0")
  for line in text:gmatch("[^\n]+") do
    if not pattern or line:find(pattern) then
      lines[#lines + 1] = (line:gsub(root, "ROOT"))
    end
  end
  return lines
end

function kit:forget()
  os.remove(self.folder .. "/calls")
end

--- Only what changes something.
function kit:changes()
  local lines = {}
  for _, line in ipairs(self:calls()) do
    local verb = " " .. line .. " "
    if not (verb:find(" describe ") or verb:find(" list ") or verb:find(" list%-")
        or verb:find(" describe%-from") or verb:find(" get%-")) then
      lines[#lines + 1] = line
    end
  end
  return lines
end

--- The whole pretended project.
function kit:state()
  local path = self.folder .. "/state.json"
  return temp.exists(path) and cjson.decode(temp.read(path)) or {}
end

--- Names of what there is of a kind, sorted; with the zone in front where it is in one.
function kit:names(kind)
  local names = {}
  for key, one in pairs(self:state()[kind] or {}) do
    names[#names + 1] = one.zone ~= "" and key or one.name
  end
  table.sort(names)
  return names
end

--- One resource by name, or nil.
function kit:find(kind, name)
  for _, one in pairs(self:state()[kind] or {}) do
    if one.name == name then
      return one
    end
  end
end

--- Compares lines with spec/gce/golden/NAME; MRLUA_GOLDEN=write writes it instead.
function kit.golden(name, lines)
  local path = "spec/gce/golden/" .. name
  local text = table.concat(lines, "\n") .. "\n"
  if os.getenv("MRLUA_GOLDEN") == "write" then
    temp.write(path, text)
  end
  require "luassert".equal(temp.read(path), text)
end

return kit

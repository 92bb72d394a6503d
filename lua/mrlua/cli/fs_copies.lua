--- What `mrlua fs cp` copies: sources and a destination as a list of transfers.

local engine = require "mrlua.engine"
local names = require "mrlua.cli.fs_names"

local fs_copies = {}

-- What a source stands for: { { name, below, size, generation } }; `below` is its name within
-- the folder that the source is, nil where the source is the thing itself.
local function local_files(source)
  local found, message = engine.fs_walk { path = source, deep = true }
  if not found then
    return nil, message
  elseif found.kind == "none" then
    return nil, ("read %s: No such file or directory"):format(source)
  end
  local folder = source:gsub("/+$", "")
  local items = {}
  for i, file in ipairs(found.files) do
    local below = found.kind == "folder" and names.below(folder == "" and "/" or folder, file.path)
    items[i] = { name = file.path, below = below or nil, size = file.size, generation = 0 }
  end
  return items, nil, found.kind == "folder"
end

local function objects(source)
  local found, message = engine.fs_find { uri = source }
  if not found then
    return nil, message
  elseif #found == 0 then
    return nil, ("%s: no such object"):format(source)
  end
  local is_self = #found == 1 and found[1].uri == source
  local is_pattern = not is_self and source:find("[*?%[]") ~= nil
  local folder = is_pattern and source:match("^(.-)[^/]*[*?%[]") or source
  local items = {}
  for _, object in ipairs(found) do
    if not object.uri:find("/$") or object.size > 0 then -- what stands for a folder is none here
      items[#items + 1] = { name = object.uri, size = object.size, generation = object.generation,
        below = not is_self and names.below(folder, object.uri) or nil }
    end
  end
  return items, nil, not is_self and not is_pattern
end

local function is_folder(destination)
  if names.says_folder(destination) then
    return true
  elseif names.is_gs(destination) then
    return false
  end
  local found = engine.fs_walk { path = destination }
  return found and found.kind == "folder"
end

-- Where one item of a source goes.
local function target(item, source, destination, into_folder, is_many)
  if not item.below then
    local base = names.base(item.name)
    return into_folder and names.join(destination, base or "") or destination, base or ""
  elseif is_many and names.base(source) and not source:find("[*?%[]") then
    local below = names.join(names.base(source), item.below)
    return names.join(destination, below), below
  end
  return names.join(destination, item.below), item.below
end

local function add_source(list, source, destination, flags, is_many, into_folder)
  local find = names.is_gs(source) and objects or local_files
  local items, message, is_tree = find(source)
  if not items then
    return nil, message
  elseif is_tree and not flags.recursive then
    return nil, ("%s is a folder: cp -r copies what is in it"):format(source)
  end
  for _, item in ipairs(items) do
    local to, below = target(item, source, destination, into_folder, is_many)
    if not names.is_gs(item.name) and not names.is_gs(to) then
      return nil, ("%s: one of the two must be gs://; cp(1) copies files"):format(item.name)
    end
    if not names.is_gs(to) then
      local ok, why = names.check_local(below)
      if not ok then
        return nil, ("copy %s: %s"):format(item.name, why)
      end
    end
    list[#list + 1] = { from = item.name, to = to, size = item.size, generation = item.generation }
  end
  return true
end

--- @tparam {string,...} sources
-- @tparam string destination
-- @tparam table flags      recursive
-- @treturn {table,...}     { from, to, size, generation }; or nil and a message
function fs_copies.plan(sources, destination, flags)
  local is_many = #sources > 1
  local into_folder = is_many or is_folder(destination)
  local list = {}
  for _, source in ipairs(sources) do
    local is_pattern = names.is_gs(source) and source:find("[*?%[]") ~= nil
    local ok, message = add_source(list, source, destination, flags, is_many,
      into_folder or is_pattern)
    if not ok then
      return nil, message
    end
  end
  local seen = {}
  for _, one in ipairs(list) do
    if seen[one.to] then
      return nil, ("%s and %s would both be written to %s"):format(seen[one.to], one.from, one.to)
    end
    seen[one.to] = one.from
  end
  return list
end

return fs_copies

--- Where a copy goes: pure, names in and names out.
--
--     cp FILE gs://b/x          gs://b/x
--     cp FILE... gs://b/d/      gs://b/d/FILE
--     cp -r FOLDER gs://b/d     gs://b/d/...
--     cp -r A B gs://b/d        gs://b/d/A/..., gs://b/d/B/...
--
-- A destination is a folder if it ends in a slash, is a bucket, or is a folder that exists here.
-- So a folder's contents go below the destination, as they are below the folder: the same command
-- twice writes the same names. Of several sources each keeps its own name.

local fs_names = {}

function fs_names.is_gs(name)
  return name:find("^gs://") ~= nil
end

--- The last part of a name; nil where it has none ("gs://b", "/", "..").
function fs_names.base(name)
  local path = name:gsub("/+$", "")
  if path:find("^gs://[^/]*$") then
    return nil
  end
  local base = path:match("[^/]+$")
  if base == "." or base == ".." then
    return nil
  end
  return base
end

--- Does it say by itself that it is a folder?
function fs_names.says_folder(name)
  return name:find("/$") ~= nil or name:find("^gs://[^/]*$") ~= nil or name == "." or name == ".."
end

--- `folder` and a name below it.
function fs_names.join(folder, name)
  return folder:find("/$") and folder .. name or folder .. "/" .. name
end

--- What stands behind `folder` in the name of something below it.
function fs_names.below(folder, name)
  local prefix = folder:find("/$") and folder or folder .. "/"
  assert(name:sub(1, #prefix) == prefix)
  return name:sub(#prefix + 1)
end

--- An object's name is not to leave the folder that it is copied into, nor to be a folder there.
-- @return  true; or nil and why not
function fs_names.check_local(name)
  if ("/" .. name .. "/"):find("/%.%.?/") or name:find("^/") or name:find("//") then
    return nil, "its name has parts that mean another folder here"
  elseif name == "" or name:find("/$") then
    return nil, "its name is that of a folder here"
  elseif name:find("\0") then
    return nil, "its name has a zero byte"
  end
  return true
end

return fs_names

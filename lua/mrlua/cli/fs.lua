--- `mrlua fs ls|cat|cp|rm|stat`: objects in Google Cloud Storage.
--
-- Exit codes: 0 done, 1 something failed, 2 usage, credentials, or no such object.

local columns = require "mrlua.cli.columns"
local copies = require "mrlua.cli.fs_copies"
local engine = require "mrlua.engine"
local json = require "mrlua.json"
local names = require "mrlua.cli.fs_names"
local size = require "mrlua.size"
local usage = require "mrlua.cli.usage"

local function new_parser()
  local parser = usage.parser("fs", "Lists, reads, copies and deletes objects of Cloud Storage.")
  parser:usage("Usage: mrlua fs ls|cat|cp|rm|stat [FLAGS] gs://BUCKET/NAME ...")
  parser:argument("VERB", "ls: list; cat: print; cp SRC... DST: copy, - is standard input or "
    .. "output; rm: delete; stat: tell what is known."):choices { "ls", "cat", "cp", "rm", "stat" }
    :target("verb")
  parser:argument("NAME", "Objects, prefixes or patterns (* ? []); for cp also files and folders.")
    :args("+"):target("names").completes = "file"
  parser:flag("-l --long", "ls: sizes and times, too.")
  parser:flag("-r --recursive", "ls, cp, rm: all that is below a folder.")
  parser:flag("-n --no-clobber", "cp: what is there already stays.")
  parser:flag("--json", "ls, stat: an object a line, as JSON.")
  parser:flag("-q --quiet", "cp: no progress, no summary.")
  parser:flag("-h --help", "This text.")
  parser:epilog("Credentials: GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default "
    .. "login`, or the machine's own account.")
  return usage.examples(parser, {
    { "mrlua fs ls -l gs://bucket/logs/", "one level, with sizes and times" },
    { "mrlua fs cp -r data gs://bucket/data", "all that is below the folder data" },
    { "mrlua fs cat gs://bucket/words/part-* | head", "the records of an output" },
  })
end

local function complain(message, kind)
  io.stderr:write("mrlua: ", message, "\n")
  return kind == "setup" and 2 or 1
end

local function out(...)
  io.stdout:write(...)
end

-- ---- ls, stat ----

local function object_json(object)
  return json.encode {
    uri = object.uri, size = object.size, generation = tostring(object.generation),
    crc32c = object.crc32c, updated = object.updated, type = object.type, gzip = object.is_gzip,
  }
end

local function print_entries(entries, flags)
  local rows = {}
  for _, entry in ipairs(entries) do
    if flags.json then
      out(entry.prefix and json.encode { prefix = entry.prefix } or object_json(entry), "\n")
    elseif flags.long then
      rows[#rows + 1] = { entry.size or "", entry.updated or "", entry.prefix or entry.uri }
    else
      out(entry.prefix or entry.uri, "\n")
    end
  end
  if #rows > 0 then
    out(columns.text({ { "BYTES", "right" }, { "UPDATED" }, { "NAME" } }, rows))
  end
end

-- A name is an object, a folder (one level, unless -r), or a pattern.
local function entries_of(name, flags)
  local is_folder = names.says_folder(name)
  if not flags.recursive and not name:find("[*?%[]") and not is_folder then
    local found, message, kind = engine.fs_stat { uri = name }
    if not found then
      return nil, message, kind
    elseif found.object then
      return { found.object }
    end
    name, is_folder = name .. "/", true
  end
  if is_folder and not flags.recursive then
    return engine.fs_list { uri = name }
  end
  return engine.fs_find { uri = name }
end

local function list(flags)
  local exit_code = 0
  for _, name in ipairs(flags.names) do
    local entries, message, kind = entries_of(name, flags)
    if not entries then
      return complain(message, kind)
    elseif #entries == 0 and not name:find("^gs://[^/]*/?$") then
      exit_code = complain(name .. ": no such object", "setup")
    end
    print_entries(entries, flags)
  end
  return exit_code
end

local function stat(flags)
  for _, name in ipairs(flags.names) do
    local found, message, kind = engine.fs_stat { uri = name }
    if not found then
      return complain(message, kind)
    end
    local object = found.object
    if not object then
      return complain(name .. ": no such object", "setup")
    elseif flags.json then
      out(object_json(object), "\n")
    else
      out(("%s\n  bytes       %d\n  generation  %d\n  crc32c      %s\n  updated     %s\n"
        .. "  type        %s%s\n"):format(object.uri, object.size, object.generation,
        object.crc32c == "" and "-" or object.crc32c, object.updated, object.type,
        object.is_gzip and ", gzip" or ""))
    end
  end
  return 0
end

-- ---- cat, rm ----

local function each_object(list_of_names, visit)
  for _, name in ipairs(list_of_names) do
    local found, message, kind = engine.fs_find { uri = name }
    if not found then
      return complain(message, kind)
    elseif #found == 0 then
      return complain(name .. ": no such object", "setup")
    end
    local exit_code = visit(name, found)
    if exit_code ~= 0 then
      return exit_code
    end
  end
  return 0
end

local function cat_objects(found)
  for _, object in ipairs(found) do
    local ok, message, kind = engine.fs_cat { uri = object.uri, size = object.size,
      generation = object.generation }
    if not ok then
      return complain(message, kind)
    end
  end
  return 0
end

local function cat(flags)
  return each_object(flags.names, function(name, found)
    if found[1].uri ~= name and not name:find("[*?%[]") then
      return complain(name .. " is a folder", "setup")
    end
    return cat_objects(found)
  end)
end

-- What a batch has failed at; the exit code.
local function tell_errors(result)
  for _, text in ipairs(result.errors) do
    io.stderr:write("mrlua: ", text, "\n")
  end
  if result.error_count > #result.errors then
    io.stderr:write(("mrlua: and %d more\n"):format(result.error_count - #result.errors))
  end
  return result.error_count > 0 and 1 or 0
end

local function remove(flags)
  return each_object(flags.names, function(name, found)
    local is_named = found[1].uri == name and #found == 1
    if not is_named and not flags.recursive and not name:find("[*?%[]") then
      return complain(name .. " is a folder: rm -r deletes what is in it", "setup")
    end
    local result, message, kind = engine.fs_remove { objects = found }
    if not result then
      return complain(message, kind)
    end
    return tell_errors(result)
  end)
end

-- ---- cp ----

local function draws(flags)
  return not flags.quiet and require("mrlua.cli.watch").environment().draws
end

local function show_progress(transfers, flags)
  if not draws(flags) then
    return
  end
  local total = 0
  for _, one in ipairs(transfers) do
    total = total + one.size
  end
  engine.on("fs_progress", function(so_far)
    io.stderr:write(("\r%d of %d, %s of %s\27[K"):format(so_far.done, #transfers,
      size.bytes(so_far.bytes), size.bytes(total)))
  end)
end

local function copy_all(transfers, flags)
  show_progress(transfers, flags)
  local result, message, kind = engine.fs_copy { transfers = transfers,
    keeps = flags.no_clobber or false }
  if draws(flags) then
    io.stderr:write("\r\27[K")
  end
  if not result then
    return complain(message, kind)
  end
  local exit_code = tell_errors(result)
  if not flags.quiet then
    io.stderr:write(("%d copied, %s%s\n"):format(result.done, size.bytes(result.bytes),
      result.skipped > 0 and (", %d were there"):format(result.skipped) or ""))
  end
  return exit_code
end

local function copy(flags)
  local destination = table.remove(flags.names)
  if #flags.names == 0 then
    return usage.complain("fs", "cp needs a source and a destination")
  elseif destination == "-" then
    flags.names = flags.names
    return cat(flags)
  elseif flags.names[1] == "-" then
    if #flags.names > 1 or not names.is_gs(destination) or names.says_folder(destination) then
      return usage.complain("fs", "cp - gs://BUCKET/NAME copies standard input to one object")
    end
    return copy_all({ { from = "-", to = destination, size = 0, generation = 0 } }, flags)
  end
  local transfers, message = copies.plan(flags.names, destination, flags)
  if not transfers then
    return complain(message, "setup")
  end
  return copy_all(transfers, flags)
end

local VERBS = { ls = list, stat = stat, cat = cat, rm = remove, cp = copy }

local function act(flags)
  for _, name in ipairs(flags.names) do
    if flags.verb ~= "cp" and not names.is_gs(name) then
      return usage.complain("fs", ("%s: not of the form gs://BUCKET/NAME"):format(name))
    end
  end
  return VERBS[flags.verb](flags)
end

return usage.command("fs", new_parser, act)

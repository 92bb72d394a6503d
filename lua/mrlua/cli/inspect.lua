--- `mrlua inspect`: shows what mrlua wrote: a run file with its records, or an output folder
-- (or its _SUCCESS), whose parts are read and compared with the manifest. On gs:// what the store
-- knows of the parts, size and checksum, is compared; no part is read.
--
-- Exit codes: 0 good, 1 damaged, 2 not a file of ours.

local engine = require "mrlua.engine"
local usage = require "mrlua.cli.usage"

local RUN_MAGIC = "MRS1" -- of the first segment, record/run.h
local CAPSULE_MAGIC = "MRC1" -- attempt/capsule.h
local MANIFEST_MAGIC = '{"format":"mrlua-manifest"' -- store/manifest.h

local function new_parser()
  local parser = usage.parser("inspect", "Prints a run file or a capsule, or checks an output"
    .. " folder.")
  parser:usage("Usage: mrlua inspect FILE [--summary] [--json]")
  parser:argument("FILE", "A run file, what a failed attempt left (.capsule), an output folder, or"
    .. " its _SUCCESS. On gs:// an output only:"
    .. " its parts are not read; the store tells size and checksum."):target("file")
  parser:flag("--summary", "Segments and counts only, no records.")
  parser:flag("--json", "One line of JSON; of a run file one for it, each segment and each record.")
  parser:flag("-h --help", "This text.")
  return usage.examples(parser, {
    { "mrlua inspect out", "reads every part of an output, and compares with its manifest" },
    { "mrlua inspect kept/step-1/part-00000 --summary", "segments and counts of a run file" },
    { "mrlua inspect m3-33.capsule", "what a failed attempt had in hand" },
  })
end

local function print_json(object)
  io.stdout:write(require("mrlua.json").encode(object), "\n")
end

-- `kind`: "input" of what is damaged, "setup" of what is none of ours.
local function complain(message, kind, flags)
  io.stderr:write("mrlua: ", message, "\n")
  if flags.json then
    io.stdout:flush()
    print_json { ok = false, error = { kind = kind, message = message } }
  end
  return kind == "setup" and 2 or 1
end

-- What the file begins with; nil and a message when it cannot be read; "" and true for a folder.
local function first_bytes(path)
  local file <close>, message = io.open(path, "rb")
  if not file then
    return nil, message
  end
  local bytes, why, code = file:read(#MANIFEST_MAGIC)
  if code == 21 then -- EISDIR
    return "", true
  elseif why then
    return nil, path .. ": " .. why
  end
  return bytes or "", false
end

local function print_run(path, flags)
  local ok, message = engine.inspect_run { path = path, summary = flags.summary or false,
    json = flags.json or false }
  if not ok then
    io.stdout:flush()
    return complain(message, "input", flags)
  end
  return 0
end

local function print_capsule(path, flags)
  local capsule, fault = require("mrlua.capsule").of(assert(engine.capsule_read { path = path }))
  if not capsule then
    return complain(fault.message, "input", flags)
  elseif flags.json then
    print_json(capsule)
    return 0
  end
  io.stdout:write(require("mrlua.cli.capsule_text").of(capsule))
  return 0
end

-- For a program: a part is good, or has an error.
local function output_object(output)
  local json, is_good = require "mrlua.json", true
  local all = table.move(output.parts, 1, #output.parts, 1, {})
  all[#all + 1] = output.bad_records
  for _, part in ipairs(all) do
    part.ok = part.error == ""
    part.error = part.error ~= "" and part.error or nil
    is_good = is_good and part.ok
  end
  return { ok = is_good, job = output.job_name, job_id = output.job_id,
    parts = setmetatable(output.parts, json.list), bad_records = output.bad_records }
end

local function check_output(folder, flags)
  local output, message, kind = engine.check_output { folder = folder }
  if not output then
    return complain(message, kind, flags)
  elseif flags.json then
    local object = output_object(output)
    print_json(object)
    return object.ok and 0 or 1
  end
  io.stdout:write(("# output of job %s (%s): %d part%s\n"):format(output.job_name, output.job_id,
    #output.parts, #output.parts == 1 and "" or "s"))
  local exit_code = 0
  output.parts[#output.parts + 1] = output.bad_records -- if there is such a list
  for _, part in ipairs(output.parts) do
    local verdict = part.error == "" and "good" or part.error
    exit_code = part.error == "" and exit_code or 1
    io.stdout:write(("%s\t%d bytes\t%d records\tcrc32c %s\t%s\n"):format(part.name, part.bytes,
      part.records, part.crc32c, verdict))
  end
  return exit_code
end

local function act(flags)
  if flags.file:find "^gs://" then
    return check_output(flags.file:gsub("/_SUCCESS$", ""):match "^(gs://.-)/*$", flags)
  end
  local bytes, is_folder = first_bytes(flags.file)
  if not bytes then
    return complain(is_folder, "setup", flags)
  elseif is_folder then
    return check_output(flags.file, flags)
  elseif bytes:sub(1, #RUN_MAGIC) == RUN_MAGIC then
    return print_run(flags.file, flags)
  elseif bytes:sub(1, #CAPSULE_MAGIC) == CAPSULE_MAGIC then
    return print_capsule(flags.file, flags)
  elseif bytes == MANIFEST_MAGIC then
    return check_output(flags.file:match("^(.*)/[^/]*$") or ".", flags)
  end
  return complain(("%s is neither a run file nor an output folder of mrlua"):format(flags.file),
    "setup", flags)
end

return usage.command("inspect", new_parser, act)

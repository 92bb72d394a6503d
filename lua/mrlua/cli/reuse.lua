--- `--reuse`: which jobs may, and how large the cache of runs may become.
--
-- A map is not run if one of an earlier job was of the same: all sources, params and fields of the
-- job; content, name and range of its input and side files; format, partitions and their cuts (so
-- with partition = "range" a changed file runs all maps again), sort buffer; build of mrlua. So
-- that few inputs move when one changes, the plan is another one: format/split.h.
--
-- Of a job of several steps those take part that read the inputs of the job, and have a reduce:
-- what a step reads of another is made anew each time.

local size = require "mrlua.size"

local reuse = {}

reuse.VARIABLE = "MRLUA_CACHE_SIZE"
reuse.BYTES = 10 << 30 -- what a laptop can spare; a job's runs are about as large as its input

--- Adds the flags of `mrlua run`.
function reuse.add_flags(parser, positive_size)
  parser:flag("--reuse", "Take the outputs of maps that an earlier job made of the same, and keep"
    .. " those of this one ('mrlua cache'); pins the split size to 16M and reducers to a power of"
    .. " two where no flag says otherwise.")
  parser:option("--cache-size", "What they may take on the disk after this job (default: 10G, or"
    .. " $" .. reuse.VARIABLE .. ")."):argname("SIZE"):target("cache_bytes"):convert(positive_size)
end

--- Adds the flag of `mrlua submit`.
function reuse.add_submit_flag(parser)
  parser:flag("--reuse", "With --shuffle gcs: take the outputs of maps that an earlier job made of"
    .. " the same, and keep those of this one, as objects, for a week ('mrlua cache --gcs'); pins"
    .. " the plan as in 'mrlua run'.")
end

--- How many bytes the cache may have.
-- @tparam ?integer flag    of --cache-size
-- @tparam ?string variable the value of MRLUA_CACHE_SIZE
-- @treturn integer         or nil and one line
function reuse.bytes(flag, variable)
  if flag then
    return flag
  elseif not variable or variable == "" then
    return reuse.BYTES
  end
  local bytes, message = size.parse(variable)
  if not bytes then
    return nil, ("%s: %s"):format(reuse.VARIABLE, message)
  end
  return bytes
end

--- Does a step of a job take part that itself does?
-- @tparam table call  of mrlua.pipeline
function reuse.is_for_step(call)
  return not call.steps and not reuse.problem(call.view, "")
end

--- Why a job cannot take part.
-- @tparam table view   of mrlua.job
-- @tparam string path  of the job file
-- @treturn ?string     one line; nil: it can
function reuse.problem(view, path)
  if view.deterministic == false then
    return path .. " says deterministic = false: its maps may answer differently each time, so"
      .. " --reuse has nothing to take"
  elseif view.unsafe then
    return path .. " says unsafe = true: its maps may read what nobody knows of, so --reuse has"
      .. " nothing to take"
  elseif not view.reduce and not view.drive then
    return path .. " has no reduce: its maps write the output itself, so --reuse has nothing to"
      .. " take (reduce = \"identity\" sorts what they emit)"
  elseif (view.skip_bad or 0) ~= 0 then
    return path .. " says skip_bad: a map that was taken would not tell what it has set aside, so"
      .. " --reuse has nothing to take"
  end
  return nil
end

return reuse

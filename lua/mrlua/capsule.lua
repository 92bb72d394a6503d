--- The shape of a capsule (engine/attempt/capsule.h). What an attempt told of itself may be
-- anything that is a value: here it becomes what the rest may rely on, once. A field that is not
-- known, or of another type, is left out; one that must be there gets an empty value.

local capsule = {}

local DEFAULTS = { string = "", integer = 0, boolean = false }

-- A shape is the name of a type, with "?" if it may be missing; a table of fields, of which those
-- with "?" behind their name may be missing; or { list = shape }.
local VARIABLE = { "string", "string" }
local FRAME = {
  name = "string?", source = "string", line = "integer", locals = { list = VARIABLE },
  upvalues = { list = VARIABLE },
}
local PIECE = {
  name = "string", path = "string", size = "integer", mtime_ns = "integer", inode = "integer",
  device = "integer", offset = "integer", length = "integer", generation = "integer",
  is_gzip = "boolean", group = "string?", format = "string?",
}
local SCENE = {
  ["hand?"] = {
    where = "string", key = "string?", values = "string?", taken = "integer?",
    frames = { list = FRAME },
  },
  ["record?"] = {
    number = "integer", piece = "integer", offset = "integer", key = "string?", value = "string?",
    value_bytes = "integer?", text = "string?",
  },
}
local SHAPE = {
  version = "integer",
  job = {
    id = "string", name = "string", folder = "string?", params = "table?", view = "table?",
    ["bundle?"] = { path = "string", source = "string", modules = "table?" },
  },
  ["attempt?"] = {
    stage = "string", task = "integer", attempt = "integer", worker = "integer", job = "integer",
    seed = "integer", partitions = "integer", unsafe = "boolean", input = "string",
    first_piece = "integer", piece_count = "integer", ["pieces?"] = { list = PIECE },
    skip = { list = "integer" }, files = "table?", phase = "string?", bytes_in = "integer?",
    records_in = "integer?", records_out = "integer?", mrlua = "string?", lua = "string?",
    ["mark?"] = { record = "integer", piece = "integer", offset = "integer" },
    ["scene?"] = SCENE,
  },
  error = { kind = "string", message = "string", detail = "string" },
}

local function scalar(value, shape)
  local wanted = shape:match "^%a+"
  local found = wanted == "integer" and math.type(value) or type(value)
  if found == wanted then
    return value
  elseif not shape:find "?$" then
    return DEFAULTS[wanted]
  end
end

local take

local function take_list(value, shape)
  local list = {}
  for i = 1, #value do
    list[i] = take(value[i], shape)
  end
  return list
end

function take(value, shape)
  if type(shape) == "string" then
    return scalar(value, shape)
  elseif type(value) ~= "table" then
    value = {}
  end
  if shape.list then
    return take_list(value, shape.list)
  end
  local fields = {}
  for key, inner in pairs(shape) do
    local name = type(key) == "string" and key:match "^[%w_]+" or key
    if name == key or type(value[name]) == "table" then
      fields[name] = take(value[name], inner)
    end
  end
  return fields
end

-- A path of the attempt's own folder as one from anywhere.
local function from_root(path, folder)
  if type(path) ~= "string" or path:find "^/" or path:find "^%a[%w+.-]*://" then
    return path
  end
  return folder .. "/" .. path
end

local function name_paths(made)
  local folder, attempt = made.job.folder, made.attempt
  if not folder or not attempt then
    return made
  end
  for _, piece in ipairs(attempt.pieces or {}) do
    piece.path = from_root(piece.path, folder)
  end
  for name, path in pairs(attempt.files or {}) do
    attempt.files[name] = from_root(path, folder)
  end
  return made
end

--- What `engine.capsule_read` has answered, with the shape above, and paths from the root.
-- @treturn table  or nil and the fault, if it answered that
function capsule.of(answer)
  if not answer.version then
    return nil, answer.error
  end
  return name_paths(take(answer, SHAPE))
end

return capsule

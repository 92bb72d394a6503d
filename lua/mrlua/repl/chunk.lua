--- What is typed at a prompt, as functions to call: expressions and statements, over several lines.
--
--     local run, message = chunk.load(text, env)
--     if run then
--       local results, fault, traceback = chunk.run(run)     an expression's values, as a list
--     elseif message then                    it is wrong
--     else                                   it is not complete: ask for another line
--
-- Each input is a chunk of its own, as at the prompt of `lua`: its locals end with it.

local chunk = {}

local NAME = "prompt %d" -- in messages: "prompt 3:1: ..." is the first line of the third input

local texts = {} -- name -> what was compiled under it: source of the functions in it
local count = 0

-- Lua's parser reached the end and wanted more.
local function is_incomplete(message)
  return message:find("<eof>$") ~= nil
end

--- Compiles `text`, as an expression if it is one.
-- @tparam string text
-- @tparam table env     its globals
-- @treturn function     what runs it; its source's name is in its debug information
-- @return               or nil and one line; or nothing: it is not complete
function chunk.load(text, env)
  local name = NAME:format(count + 1)
  local run, message
  for _, source in ipairs { "return " .. text .. "\n", text .. "\n" } do
    run, message = load(source, "=" .. name, "t", env)
    if run then
      count = count + 1
      texts[name] = source
      return run
    elseif is_incomplete(message) then
      return nil
    end
  end
  return nil, message
end

--- What was compiled under a name, as debug.getinfo() tells it: "=prompt 3".
-- @treturn ?string
function chunk.text(source)
  return texts[source:match "^=(prompt %d+)$"]
end

local FRAMES_MAX = 10 -- at each end of a traceback

local function frame_line(info)
  local place = info.currentline > 0 and ("%s:%d"):format(info.short_src, info.currentline)
    or info.short_src
  local what = info.name and ("function '%s'"):format(info.name)
    or info.what == "main" and "main chunk"
    or ("function <%s:%d>"):format(info.short_src, info.linedefined)
  return ("\t%s: in %s\n"):format(place, what)
end

-- What a raised value is, in a line; what raises nothing but a table says so.
local function message_of(value)
  local has_text = type(value) == "string" or type(value) == "number"
    or (debug.getmetatable(value) or {}).__tostring
  return has_text and tostring(value) or ("error of type %s"):format(type(value))
end

-- The frames between error() and `run`, a line each, as debug.traceback() has them but without
-- what is around; nothing, where there is but `run`. `level`: of error(), as its caller counts.
local function traceback_of(run, level)
  local lines, is_more = {}, false
  repeat
    level = level + 1
    local info = debug.getinfo(level, "Slntf")
    if not info or info.func == xpcall and debug.getinfo(level + 1, "f").func == chunk.run then
      break -- a tail call has taken the frame of `run`
    end
    if info.short_src:find "^mrlua%." then -- what `mr` does is its own business
      lines = {}
    else
      lines[#lines + 1] = frame_line(info)
      is_more = is_more or info.what == "Lua" and info.func ~= run
    end
  until info.func == run
  if #lines > 2 * FRAMES_MAX then
    table.move(lines, #lines - FRAMES_MAX + 1, #lines, FRAMES_MAX + 1)
    table.insert(lines, FRAMES_MAX + 1, "\t...\n")
  end
  return is_more and table.concat(lines, "", 1, math.min(#lines, 2 * FRAMES_MAX + 1)) or ""
end

--- Calls what chunk.load() has answered.
-- @treturn table   { n = count, ... }: what it answers
-- @return          or nil, what it raised as a line, and the traceback in lines that end, or ""
function chunk.run(run)
  local results = table.pack(xpcall(run, function(value)
    return { message = message_of(value), traceback = traceback_of(run, 2) }
  end))
  if results[1] then
    return table.pack(table.unpack(results, 2, results.n))
  end
  return nil, results[2].message, results[2].traceback
end

return chunk

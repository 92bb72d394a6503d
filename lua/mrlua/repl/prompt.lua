--- A prompt that runs Lua: `mrlua repl`, and whoever else has a table to look around in.
--
--     local code = prompt.run { env = table, prompt = "> ", banner = "text\n",
--       complete = function(line, position) ... return words, start end,
--       poll = function() ... return "news\n" end }
--
-- It returns when the user ends it: Ctrl-D, the end of the input, or the word exit or quit, where
-- `env` has none of that name; so the word help writes `help`, a text.
--
-- An expression is shown (mrlua.repl.pretty) and kept: `_` is the last one's first value. An input
-- that is not complete goes on in the next line. Each input is a chunk of its own: what is `local`
-- ends with it, what is assigned without that is a field of `env`. Ctrl-C clears the line, or
-- interrupts what runs. Lines are kept for the next time (history), 1000 of them.
--
-- `complete` (default: names of `env`, paths in strings) and `poll` (ten times a second while
-- nothing runs; what it answers is shown above the line) are for a terminal that can be written to
-- (TERM is not dumb). On a pipe lines are read as they come, without prompts and banner: values go
-- to standard output, errors to standard error, and after an error it goes on.
--
-- The exit code is 0 on a terminal; elsewhere 1 if any input was wrong; 128 + n if signal n ended
-- it.

local chunk = require "mrlua.repl.chunk"
local cluster_options = require "mrlua.cli.cluster_options"
local complete = require "mrlua.repl.complete"
local engine = require "mrlua.engine"
local pretty = require "mrlua.repl.pretty"
local printable = require "mrlua.printable"

local prompt = {}

local session = {}
session.__index = session

function session:complain(message, traceback)
  self.has_failed = true
  io.stdout:flush()
  io.stderr:write(printable.lines(message), "\n", printable.lines(traceback or ""))
end

function session:show(results)
  local texts, is_line = {}, true
  for i = 1, results.n do
    texts[i] = pretty.text(results[i], { columns = self.columns() })
    is_line = is_line and not texts[i]:find "\n"
  end
  if #texts > 0 then
    rawset(self.env, "_", results[1])
    io.stdout:write(table.concat(texts, is_line and "\t" or "\n"), "\n")
  end
end

function session:execute(run)
  local results, message, traceback = chunk.run(run)
  if not results then
    return self:complain(message, traceback)
  end
  local shown, fault = pcall(self.show, self, results)
  if not shown then
    self:complain(tostring(fault))
  end
end

-- A line, or nil and why there is none: "ended", "interrupted", or the exit code.
function session:read_edited(continues)
  local answer = assert(engine.line_read {
    prompt = continues and self.more or self.prompt, polls = self.poll ~= nil,
  })
  if answer.warning then
    io.stderr:write("mrlua: no history: ", answer.warning, "\n")
  end
  if answer.line then
    return answer.line
  elseif answer.characters_max then
    self:complain(("a line has at most %d characters: write a file, and dofile() it"):format(
      answer.characters_max))
    return nil, "interrupted"
  end
  return nil, answer.is_ended and "ended" or answer.is_interrupted and "interrupted"
    or 128 + answer.signal
end

-- From a pipe, or from a terminal that can do nothing.
function session:read_plain(continues)
  if self.is_terminal then
    io.stdout:write(continues and self.more or self.prompt)
    io.stdout:flush()
  end
  local line = self.input:read "l"
  return line, not line and "ended" or nil
end

-- A word that is a command where `env` has nothing of that name: "help", "exit", "quit".
function session:command_of(text)
  local word = text:match "^%s*(%l+)%s*$"
  return (word == "exit" or word == "quit" or word == "help" and self.help)
    and self.env[word] == nil and word or nil
end

-- One input, of as many lines as it takes. False: there is no more.
function session:step()
  local text
  while true do
    local line, why = self:read(text ~= nil)
    if not line then
      if text and why == "ended" then
        self:complain "the input ends in the middle of a statement"
      end
      self.code = math.type(why) == "integer" and why or nil
      return why == "interrupted"
    end
    text = text and text .. "\n" .. line or line
    local command = self:command_of(text)
    if command then
      io.stdout:write(command == "help" and self.help or "")
      return command == "help"
    end
    if text:find "%S" == nil then
      return true
    end
    local run, message = chunk.load(text, self.env)
    if run then
      self:execute(run)
      return true
    elseif message then
      self:complain(message)
      return true
    end
  end
end

-- Input after input, to the end; what cannot go on is answered.
function session:serve()
  repeat
    local ok, answer = pcall(self.step, self)
    local is_interrupted = not ok and tostring(answer):find "interrupted!$" -- beside what it runs
    if not ok and not is_interrupted then
      return tostring(answer)
    end
  until ok and not answer
end

local function columns()
  return assert(engine.environment()).columns
end

local function paths(start)
  return assert(engine.line_paths { prefix = start })
end

--- The words that complete a line, by the names in `env`, and in strings the paths and what
-- `names()` answers.
-- @treturn function  for prompt.run's `complete`
function prompt.completer(env, names)
  local world <const> = { env = env, names = names, paths = paths }
  return function(line, position)
    return complete.words(line, position, world)
  end
end

local function answer_tab(find)
  return function(args)
    local words, start = find(args.line, args.position)
    return complete.answer(words, args.line:sub(start, args.position), columns())
  end
end

-- A mistake in what tells the news is news, once.
local function poll_safely(poll)
  return function()
    if not poll then
      return nil
    end
    local ok, text = pcall(poll)
    if not ok then
      poll = nil
    end
    return text and printable.lines(tostring(text))
  end
end

local function new_session(options)
  local self = setmetatable({
    env = options.env or _G, prompt = options.prompt or "> ", input = io.stdin,
    poll = options.poll, columns = columns, help = options.help,
  }, session)
  self.more = (">"):rep(2) .. (" "):rep(math.max(1, #self.prompt - 2))
  local opened, message = engine.line_open { history = cluster_options.state_folder "history" }
  if not opened then
    return nil, message
  end
  self.read = opened.edits and session.read_edited or session.read_plain
  self.edits, self.is_terminal = opened.edits, opened.is_terminal
  if opened.warning then
    io.stderr:write("mrlua: no history: ", opened.warning, "\n")
  end
  return self
end

--- Reads and runs Lua until the user ends it.
-- @tparam table options  env, prompt, banner, help, complete, poll
-- @treturn integer       the exit code; or nil and one line
function prompt.run(options)
  local self, message = new_session(options)
  if not self then
    return nil, message
  elseif self.edits then
    engine.on("line_complete", answer_tab(options.complete or prompt.completer(self.env)))
    engine.on("line_poll", poll_safely(options.poll))
  end
  if self.is_terminal then
    io.stdout:write(options.banner or "")
  end
  local fault = self:serve()
  engine.on("line_complete", nil)
  engine.on("line_poll", nil)
  engine.line_close()
  if fault then
    return nil, fault
  end
  return self.code or (self.has_failed and not self.is_terminal) and 1 or 0
end

return prompt

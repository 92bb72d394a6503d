--- Lua's tokens, as far as it takes to find functions in a text and names in a function.
--
--     for _, token in ipairs(tokens.list "local x = 1") do
--       token.text, token.at, token.line      "local", 1, 1: "x", 7, 1 ...
--     end
--
-- Comments and spaces are no tokens; strings and numbers are, as they stand. The text compiles:
-- nothing is checked here.

local lpeg = require "lpeg"

local C, Cb, Cg, Cmt, Cp, P, R, S = lpeg.C, lpeg.Cb, lpeg.Cg, lpeg.Cmt, lpeg.Cp, lpeg.P, lpeg.R,
  lpeg.S

local tokens = {}

local open = P "[" * Cg(P "=" ^ 0, "level") * "["
local close = Cmt(P "]" * C(P "=" ^ 0) * "]" * Cb "level", function(_, _, a, b)
  return a == b
end)
local long = lpeg.Ct(open * (1 - close) ^ 0 * close) / 0

local function quoted(quote)
  return P(quote) * (P "\\" * 1 + (1 - S("\\" .. quote))) ^ 0 * quote
end

local comment = P "--" * (long + (1 - P "\n") ^ 0)
local skip = (S " \t\r\n\f\v" + comment) ^ 0
local letter = R("az", "AZ") + "_"
local name = letter * (letter + R "09") ^ 0
local number = (R "09" + P "." * R "09") * (S "eEpP" * S "+-" + letter + R "09" + ".") ^ 0
local other = P "..." + ".." + "::" + "<<" + ">>" + "//" + "==" + "~=" + "<=" + ">=" + 1
local token = Cp() * C(long + quoted '"' + quoted "'" + number + name + other)
local all = lpeg.Ct(skip * (lpeg.Ct(token) * skip) ^ 0)

--- The tokens of `text`, in order.
-- @treturn {table,...}  { text, at, line }: where it begins, in bytes and lines
function tokens.list(text)
  local list, line, from = all:match(text), 1, 1
  for i, one in ipairs(list) do
    for _ in text:sub(from, one[1] - 1):gmatch "\n" do
      line = line + 1
    end
    from = one[1]
    list[i] = { text = one[2], at = one[1], line = line }
  end
  return list
end

local OPENERS = { ["function"] = true, ["do"] = true, ["if"] = true, ["repeat"] = true }
local CLOSERS = { ["end"] = true, ["until"] = true }

-- Its text as an expression: "function" and what comes from its parameters on.
local function expression_of(text, list, first, last)
  local open_at, has_self = first + 1, false
  while list[open_at].text ~= "(" do
    has_self = has_self or list[open_at].text == ":"
    open_at = open_at + 1
  end
  local rest = text:sub(list[open_at].at + 1, list[last].at + 2)
  if has_self then
    rest = (list[open_at + 1].text == ")" and "self" or "self, ") .. rest
  end
  return "function(" .. rest
end

--- The functions in `text`, in the order of their ends.
-- @treturn {table,...}  { text: as an expression, first, last: lines }
function tokens.functions(text)
  local list, found, stack = tokens.list(text), {}, {}
  for i, one in ipairs(list) do
    if OPENERS[one.text] then
      stack[#stack + 1] = i
    elseif CLOSERS[one.text] then
      local begin = table.remove(stack)
      if list[begin].text == "function" then
        found[#found + 1] = { text = expression_of(text, list, begin, i),
          first = list[begin].line, last = one.line }
      end
    end
  end
  return found
end

--- The names in `text`, keywords too, each once.
-- @treturn {string,...}
function tokens.names(text)
  local names, seen = {}, {}
  for _, one in ipairs(tokens.list(text)) do
    if one.text:find "^[%a_]" and not seen[one.text] then
      seen[one.text] = true
      names[#names + 1] = one.text
    end
  end
  return names
end

return tokens

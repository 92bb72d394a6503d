--- Lines of shell as a reader of examples takes them apart.

local shell = {}

-- The word at `at`, without its quotes, and the place behind it.
local function word_at(line, at)
  local pieces = {}
  while at <= #line and not line:find("^[%s|<>;]", at) do
    local quoted, behind = line:match("^'([^']*)'()", at)
    if not quoted then
      quoted, behind = line:match("^([^%s|<>;'])()", at)
    end
    pieces[#pieces + 1] = assert(quoted, "a quote is not closed: " .. line)
    at = behind
  end
  return table.concat(pieces), at
end

--- The words of the first command of a line: up to a pipe, a redirection, a semicolon or a comment.
-- Single quotes are known, nothing else is.
-- @treturn {string,...}
function shell.words(line)
  local words, at = {}, 1
  while true do
    at = line:match("^%s*()", at)
    if at > #line or line:find("^[|<>;#]", at) then
      return words
    end
    words[#words + 1], at = word_at(line, at)
  end
end

return shell

--- Inputs of specs: real text that every Debian has, and generated text that is as odd as it gets.

local temp = require "spec.support.temp"

local texts = {}

texts.GPL = "/usr/share/common-licenses/GPL-3"

--- Licence texts: regular files, not the links beside them.
texts.LICENSES = {
  "/usr/share/common-licenses/Apache-2.0", "/usr/share/common-licenses/GPL-2",
  "/usr/share/common-licenses/GPL-3", "/usr/share/common-licenses/LGPL-2.1",
}

--- C headers: more, and smaller, files.
texts.HEADERS = {}
for name in temp.capture("cd /usr/include && ls *.h | head -n 40"):gmatch("%S+") do
  texts.HEADERS[#texts.HEADERS + 1] = "/usr/include/" .. name
end

local PIECES = {
  "a", "b", "the", "The", "word", "x1y2", "\t", " ", "  ", "\\", "\\n", "-", "don't", "\r", "\0",
  "\xff\xfe", "ä", "z\xc3", "1e9", "0",
}

--- A text of `line_count` lines from words, blanks, escapes, NUL and bytes that are not UTF-8;
-- the same for the same seed. Some lines are empty, some end in CR LF, the last in nothing.
function texts.generate(seed, line_count)
  math.randomseed(seed)
  local lines = {}
  for i = 1, line_count do
    local pieces = {}
    for j = 1, math.random(0, 12) do
      pieces[j] = PIECES[math.random(#PIECES)]
    end
    lines[i] = table.concat(pieces, math.random(2) == 1 and " " or "")
  end
  return table.concat(lines, "\n")
end

--- The seed of a random spec: SEED=... of the environment, else `default`.
function texts.seed(default)
  return math.tointeger(tonumber(os.getenv("SEED"))) or default
end

return texts

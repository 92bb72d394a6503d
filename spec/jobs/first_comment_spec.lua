-- The first comment of each job is its command and what that prints. Here that is held against it.

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

-- The command, and the lines it promises (blanks squeezed), from the indented lines of a comment.
local function promise(path)
  local command, lines = nil, {}
  for line in io.lines(path) do
    local text = line:match("^%-%-    +(.*)$")
    if not line:find("^%-%-") then
      break
    elseif text and not command then
      command = text
    elseif text and command:find("\\$") then
      command = command:gsub("\\$", "") .. text
    elseif text and not text:find("%.%.%.") then
      lines[#lines + 1] = text:gsub("%s+", " ")
    end
  end
  return command, lines
end

local function squeezed_lines(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    lines[line:gsub("^%s+", ""):gsub("%s+", " ")] = true
  end
  return lines
end

describe("the first comment of", function()
  for _, name in ipairs {
    "wordcount", "grep", "inverted_index", "sort", "top", "csv_to_jsonl", "url_counts",
    "distinct", "mean", "ngrams", "k_means", "join",
  } do
    local path = "jobs/" .. name .. ".lua"

    it(path .. " says what its command prints", function()
      local command, promised = promise(path)
      local lines = squeezed_lines(temp.capture(
        command:gsub("%f[%w]mrlua run", function() return engine.command { "run" } end, 1)
          .. " 2>/dev/null"))

      assert.is_true(next(lines) ~= nil, "printed nothing: " .. command)
      for _, line in ipairs(promised) do
        assert.is_true(lines[line], ("%q is promised by %s"):format(line, path))
      end
    end)
  end
end)

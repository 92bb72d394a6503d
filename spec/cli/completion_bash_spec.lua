--- Completion in a real bash, of half a line.

local completion_folder = require "spec.support.completion_folder"
local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

-- The words in which bash sees a line: cut at blanks and at "=".
local function words_of(line)
  local words = {}
  for word in (line:gsub("=", " = ") .. "|"):gmatch "%S+" do
    words[#words + 1] = word
  end
  words[#words] = words[#words]:gsub("|$", "")
  return words
end

local BASH <const> = [[
PATH=$PWD/bin:$PATH
source %s
COMP_WORDS=(%s)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_mrlua
printf '%%s\n' "${COMPREPLY[@]}"
]]

describe("mrlua/cli/completion_bash", function()
  local folder
  setup(function() folder = completion_folder.new() end)
  teardown(function() temp.remove(folder) end)

  local function completed(line)
    local quoted = {}
    for i, word in ipairs(words_of(line)) do
      quoted[i] = temp.quote(word)
    end
    local script = temp.write(folder .. "/script", BASH:format(folder .. "/bash",
      table.concat(quoted, " ")))
    local result = engine.run_command("bash --norc " .. script, { folder = folder })
    assert.equal("", result.stderr)
    local answers = {}
    for answer in result.stdout:gmatch "[^\n]+" do
      answers[#answers + 1] = answer
    end
    table.sort(answers)
    return table.concat(answers, " ")
  end

  it("offers commands, and those of 'cluster'", function()
    assert.equal("inspect", completed "mrlua insp")
    assert.matches("^%-%-help %-%-version cache cancel check ", completed "mrlua ")
    assert.equal("up", completed "mrlua cluster u")
    assert.equal("run", completed "mrlua help ru")
    assert.equal("bash", completed "mrlua completion b")
  end)

  it("offers the flags of the command", function()
    assert.equal("--reducers", completed "mrlua run words.lua --red")
    assert.equal("--priority", completed "mrlua submit --pri")
    assert.equal("--summary", completed "mrlua inspect out --su")
    assert.equal("--max-usd", completed "mrlua cluster run --max-u")
    assert.equal("--bucket --bucket-only", completed "mrlua cluster up --buck")
  end)

  it("offers job files and folders as a job, any file as an input", function()
    assert.equal("bin out words.lua", completed "mrlua run ")
    assert.equal("_mrlua bash bin out script text file.txt words.lua",
      completed "mrlua run words.lua ")
    assert.equal("text file.txt", completed "mrlua run --slots 2 -q words.lua a b te")
  end)

  it("offers what an option takes: folders, files, choices; nothing for numbers", function()
    assert.equal("bin out", completed "mrlua run words.lua -o ")
    assert.equal("out", completed "mrlua run --output=o")
    assert.equal("words.lua", completed "mrlua jobs --key-file wo")
    assert.equal("json", completed "mrlua master --log j")
    assert.equal("", completed "mrlua run --slots ")
  end)

  it("offers files behind NAME=", function()
    assert.equal("", completed "mrlua run words.lua --file li")
    assert.equal("words.lua", completed "mrlua run words.lua --file list=wo")
    assert.equal("words.lua", completed "mrlua run words.lua --file=list=wo")
    assert.equal("bin out words.lua", completed "mrlua run --file list=a ")
  end)

  it("offers the numbers of jobs", function()
    assert.equal("17", completed "mrlua status ")
    assert.equal("17", completed "mrlua cancel --tls 1")
    assert.equal("17 last", completed "mrlua show ")
    assert.equal("last", completed "mrlua diff 17 l")
  end)
end)

local text_diff = require "mrlua.text_diff"
local temp = require "spec.support.temp"

local function diff(a, b)
  return table.concat(text_diff.unified(a, b, "old", "new"), "\n")
end

describe("mrlua/text_diff", function()
  it("is empty where texts are the same", function()
    assert.same({}, text_diff.unified("a\nb\n", "a\nb\n", "old", "new"))
    assert.same({}, text_diff.unified("", "", "old", "new"))
  end)

  it("tells lines that changed, with three around them", function()
    assert.equal("--- old\n+++ new\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8",
      diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"))
  end)

  it("tells a file that is new, or gone", function()
    assert.equal("--- old\n+++ new\n@@ -0,0 +1,2 @@\n+a\n+b", diff("", "a\nb\n"))
    assert.equal("--- old\n+++ new\n@@ -1 +0,0 @@\n-a", diff("a\n", ""))
  end)

  it("tells changes that are far apart in hunks of their own", function()
    local lines = {}
    for i = 1, 40 do
      lines[i] = tostring(i)
    end
    local old = table.concat(lines, "\n") .. "\n"
    lines[3], lines[37] = "three", "thirty-seven"
    local _, hunks = diff(old, table.concat(lines, "\n") .. "\n"):gsub("@@ .- @@", "")

    assert.equal(2, hunks)
  end)

  it("says where the last line has no newline", function()
    assert.equal("--- old\n+++ new\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a",
      diff("a", "a\n"))
  end)

  it("is what patch(1) makes the new text of, and no longer than it must be", function()
    local folder <const> = temp.folder()
    math.randomseed(7)
    local function text()
      local lines = {}
      for i = 1, math.random(0, 14) do
        lines[i] = "x" .. math.random(1, 6)
      end
      return table.concat(lines, "\n") .. (#lines > 0 and math.random(2) == 1 and "\n" or "")
    end
    local function size_of(diff_text)
      return select(2, diff_text:gsub("\n[-+]", "")) - 1 -- that of +++
    end
    for _ = 1, 40 do
      local a, b = text(), text()
      if a ~= b then
        temp.write(folder .. "/a", a)
        temp.write(folder .. "/b", b)
        temp.write(folder .. "/diff", diff(a, b) .. "\n")
        assert(os.execute(("cd %s && cp a c && patch -s c <diff && cmp -s b c"):format(folder)),
          diff(a, b))
        assert.is_true(size_of(diff(a, b)) <= size_of(temp.capture(
          ("diff -u %s/a %s/b"):format(folder, folder))))
      end
    end
    temp.remove(folder)
  end)

  it("gives up to find the shortest where nobody would read it", function()
    local old, new = {}, {}
    for i = 1, 3000 do
      old[i], new[i] = "a" .. i, "b" .. i
    end
    old[1500], new[1500] = "same", "same"
    local lines = text_diff.unified(table.concat(old, "\n") .. "\n", table.concat(new, "\n")
      .. "\n", "old", "new")

    assert.equal(3 + 6000, #lines)
  end)
end)

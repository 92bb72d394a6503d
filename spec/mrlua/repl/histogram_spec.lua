local histogram = require "mrlua.repl.histogram"

local function of(list)
  local values = histogram.new()
  for _, value in ipairs(list) do
    values:add(value)
  end
  return values
end

local function counts(values)
  local list, total = {}, 0
  for i, row in ipairs(values:rows()) do
    list[i] = row.n
    total = total + row.n
  end
  return list, total
end

describe("repl.histogram", function()
  it("has ten rows of one width from the smallest number to the largest", function()
    local values = of { 0, 4, 15, 15, 95, 100 }
    assert.same({ 2, 2, 0, 0, 0, 0, 0, 0, 0, 2 }, (counts(values)))
    assert.same({ 10, 20 }, { values:rows()[2].low, values:rows()[2].high })
  end)

  it("has rows that grow by a factor where numbers do", function()
    local rows = of({ 1, 10, 1e10 }):rows()
    assert.same({ 1, 1 }, { rows[1].n + rows[2].n - 1, rows[10].n })
    assert.is_true(math.abs(rows[5].high / rows[5].low - 10) < 1e-6)
  end)

  it("counts each number once, negative ones too", function()
    local list = {}
    for i = 1, 1000 do
      list[i] = i - 500
    end
    local _, total = counts(of(list))
    assert.equal(1000, total)
  end)

  it("draws a row as long as it is full, and never none of some", function()
    local list = { 10 }
    for i = 2, 101 do
      list[i] = 0
    end
    local drawn = tostring(of(list))
    assert.equal("0 to 1   " .. ("█"):rep(40) .. " 100", drawn:match "^[^\n]*")
    assert.equal("9 to 10  █ 1", drawn:match "[^\n]*$")
  end)

  it("shows one number alone, and none", function()
    assert.equal("7 to 7  " .. ("█"):rep(40) .. " 2", tostring(of { 7, 7 }))
    assert.equal("no numbers", tostring(of {}))
  end)

  it("refuses what is no finite number", function()
    for _, value in ipairs { "7", 1 / 0, 0 / 0, {} } do
      assert.has_error(function()
        of { value }
      end)
    end
  end)
end)

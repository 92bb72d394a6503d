local display = require "mrlua.cli.display"

local function state_with(done)
  return {
    seconds = 1.0, columns = 60,
    stages = {
      { name = "map", tasks = 4, tasks_done = done, tasks_running = 0, seconds = 1.0, bytes = 4000,
        bytes_done = done * 1000, records = done },
      { name = "reduce", tasks = 1, tasks_done = 0, tasks_running = 0, seconds = 0.0, bytes = 0,
        bytes_done = 0, records = 0 },
    },
  }
end

local function open(options)
  local frames = {}
  options.write = function(text)
    frames[#frames + 1] = text
  end
  return display.open(options), frames
end

-- What is on a screen after these bytes: enough of a terminal for what display writes.
local function screen_of(frames)
  local lines, row, text = {}, 1, table.concat(frames)
  local at = 1
  while at <= #text do
    local up, after = text:match("^\27%[(%d+)A()", at)
    if up then
      row, at = row - tonumber(up), after
    elseif text:find("^\27%[J", at) then
      for i = row, #lines do
        lines[i] = nil
      end
      at = at + 3
    else
      local line, next_at = text:match("^(.-)\27?%[?K?\n()", at)
      lines[row], row, at = line, row + 1, next_at
    end
  end
  return lines
end

describe("mrlua/cli/display on a terminal", function()
  it("redraws the bars where they were", function()
    local shown, frames = open { is_terminal = true }
    shown:show(state_with(1))
    shown:show(state_with(2))

    local lines = screen_of(frames)

    assert.equal(2, #lines)
    assert.matches("^map .* 50 %%", lines[1])
    assert.matches("^reduce ", lines[2])
  end)

  it("draws nothing until there is a plan: the input may be typed there", function()
    local unplanned = state_with(0)
    unplanned.stages[1].tasks, unplanned.stages[2].tasks = 0, 0
    local shown, frames = open { is_terminal = true }
    shown:show(unplanned)

    assert.same({}, frames)

    shown:show(state_with(0))

    assert.equal(2, #screen_of(frames))
  end)

  it("puts what the job prints above the bars", function()
    local shown, frames = open { is_terminal = true }
    shown:show(state_with(1))
    shown:log("first")
    shown:log("second")
    shown:show(state_with(2))

    local lines = screen_of(frames)

    assert.same({ "first", "second" }, { lines[1], lines[2] })
    assert.matches("^map ", lines[3])
    assert.equal(4, #lines)
  end)

  it("puts what is told of the job above the bars, too", function()
    local shown, frames = open { is_terminal = true }
    shown:show(state_with(1))
    shown:notice("mrlua: map 3 is tried again")
    shown:show(state_with(2))

    assert.equal("mrlua: map 3 is tried again", screen_of(frames)[1])
    assert.equal(3, #screen_of(frames))
  end)

  it("erases what a terminal that has become narrower broke into more lines", function()
    local shown, frames = open { is_terminal = true, has_color = true }
    shown:show(state_with(2))
    local state = state_with(3)
    state.columns = 30 -- each of the two lines, of 56 and 39 columns, now stands on two
    shown:show(state)

    assert.equal("\27[4A\27[J", frames[2]:match("^[^%a]*%a[^%a]*%a"))
  end)

  it("erases what is no longer there", function()
    local shown, frames = open { is_terminal = true }
    local state = state_with(2)
    state.counters = { ["user.bad"] = 1 }
    shown:show(state)
    shown:show(state_with(2)) -- the next step of the job

    assert.equal(2, #screen_of(frames))
  end)

  it("leaves nothing but what the job printed", function()
    local shown, frames = open { is_terminal = true }
    shown:show(state_with(1))
    shown:log("first")
    shown:show(state_with(4))
    shown:close()
    shown:close()

    assert.same({ "first" }, screen_of(frames))
  end)

  it("writes a frame at once", function()
    local shown, frames = open { is_terminal = true }
    shown:show(state_with(1))

    assert.equal(1, #frames)
  end)
end)

describe("mrlua/cli/display elsewhere", function()
  it("writes a line per phase, once, when the phase has ended", function()
    local shown, frames = open {}
    shown:show(state_with(1))
    shown:show(state_with(4))
    shown:show(state_with(4))
    shown:close()

    assert.same({ "map: 4 tasks, 4.00 KB, 4 records in 1.0 s\n" }, frames)
  end)

  it("tells of the job as it happens", function()
    local shown, frames = open {}
    shown:notice("mrlua: map 3 is tried again")

    assert.same({ "mrlua: map 3 is tried again\n" }, frames)
  end)

  it("is silent when quiet, but for what the job prints", function()
    local shown, frames = open { quiet = true, is_terminal = true }
    shown:show(state_with(4))
    shown:notice("mrlua: map 3 is tried again")
    shown:log("a line")
    shown:close()

    assert.same({ "a line\n" }, frames)
  end)
end)

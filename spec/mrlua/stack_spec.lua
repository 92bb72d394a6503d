local stack = require "mrlua.stack"

-- Calls `look` with the frames of the error that `f` raises, in the message handler.
local function at_error(f, look)
  local ok, fault = true, nil
  xpcall(f, function()
    ok, fault = pcall(function()
      local told = {}
      local frames = stack.new(function(text) told[#told + 1] = text end)
      while frames.list[frames.at].name ~= "inner" do
        frames.at = frames.at + 1 -- beyond the handler, which is a function of this file, too
      end
      look(frames, told)
    end)
  end)
  assert(ok, fault)
end

local function failing()
  local outer = { n = 1 }
  local function inner(word)
    local shadowed = 1 -- luacheck: ignore
    local shadowed = word .. "!" -- luacheck: ignore
    local empty = nil
    error(tostring(outer.n) .. tostring(shadowed) .. tostring(empty))
  end
  return function()
    local size = 3
    inner "x"
    return size
  end, outer
end

describe("lua/mrlua/stack", function()
  it("reads locals, the last of a name, and upvalues", function()
    local f, outer = failing()
    at_error(f, function(frames)
      local env = frames:globals {}

      assert.equal("x", env.word)
      assert.equal("x!", env.shadowed)
      assert.equal(outer, env.outer)
    end)
  end)

  it("reads them however deep it is asked", function()
    at_error((failing()), function(frames)
      local env = frames:globals {}
      local function deeper(n)
        return n == 0 and env.word or (deeper(n - 1))
      end

      assert.equal("x", deeper(50))
    end)
  end)

  it("assigns locals and upvalues", function()
    at_error((failing()), function(frames)
      local env = frames:globals {}
      env.word, env.outer = "y", 7

      assert.equal("y", env.word)
      assert.equal(7, env.outer)
    end)
  end)

  it("hides a global behind a local that is nil", function()
    at_error((failing()), function(frames)
      assert.is_nil(frames:globals({ empty = "global" }).empty)
    end)
  end)

  it("keeps what is no variable for itself", function()
    at_error((failing()), function(frames)
      local env = frames:globals { tool = "mine" }
      env.fresh = 1

      assert.equal(1, env.fresh)
      assert.is_nil(rawget(_G, "fresh"))
      assert.equal("mine", env.tool)
      assert.equal(print, env.print)
    end)
  end)

  it("goes to the caller and back", function()
    at_error((failing()), function(frames, told)
      local env = frames:globals {}
      env.up()

      assert.equal(3, env.size)
      assert.is_nil(env.word)
      env.down()
      assert.equal("x", env.word)
      assert.equal(2, #told)
    end)
  end)

  it("stays at the ends", function()
    at_error((failing()), function(frames)
      frames:choose(-5)
      assert.equal(1, frames.at)
      frames:choose(1.5)
      assert.equal(1, frames.at)
      frames:choose(1000)
      assert.equal(#frames.list, frames.at)
    end)
  end)

  it("names what can be asked for", function()
    at_error((failing()), function(frames)
      local names = {}
      for name in pairs(frames:globals {}) do
        names[name] = true
      end

      assert.is_true(names.word and names.outer and names.up and names.vars)
    end)
  end)

  it("marks the chosen frame", function()
    at_error((failing()), function(frames)
      assert.matches("> %d+  .-stack_spec%.lua:%d+ in ", frames:text())
      assert.matches("  word = \"x\"\n", frames:variables_text())
    end)
  end)
end)

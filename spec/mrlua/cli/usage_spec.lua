local usage = require "mrlua.cli.usage"

local function new_parser()
  local parser = usage.parser("walk", "Walks.")
  parser:argument("where")
  parser:option("--steps"):convert(function(text)
    if text:find "%D" then
      return nil, ("'%s' is no number"):format(text)
    end
    return tonumber(text)
  end)
  parser:flag("-h --help", "This text.")
  return parser
end

describe("mrlua/cli/usage parse()", function()
  it("answers the flags", function()
    local flags = usage.parse(new_parser(), { "home", "--steps", "3" })

    assert.same({ where = "home", steps = 3 }, flags)
  end)

  it("answers the help when it is asked for, whatever else is wrong", function()
    for _, argv in ipairs { { "--help" }, { "-h" }, { "--wrong", "-h" }, { "a", "b", "--help" } } do
      assert.matches("^Usage: mrlua walk", usage.parse(new_parser(), argv).help)
    end
  end)

  it("takes --help behind -- for an argument", function()
    assert.same({ where = "--help" }, usage.parse(new_parser(), { "--", "--help" }))
  end)

  it("names the option whose value is wrong", function()
    local flags, message = usage.parse(new_parser(), { "home", "--steps", "few" })

    assert.is_nil(flags)
    assert.equal("option '--steps': 'few' is no number", message)
  end)

  it("says what is wrong in one line", function()
    for argument, expected in pairs {
      ["--step"] = "unknown option '--step'; did you mean '--steps'?",
      ["--nothing"] = "unknown option '--nothing'",
      ["--steps"] = "option '--steps' requires an argument",
    } do
      local flags, message = usage.parse(new_parser(), { "home", argument })

      assert.is_nil(flags)
      assert.equal(expected, message)
    end
  end)
end)

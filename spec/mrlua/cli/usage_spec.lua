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

describe("mrlua/cli/usage help()", function()
  it("has the flags below their headings, in order, and ends with the examples", function()
    local parser = usage.parser("walk", "Walks.")
    parser:flag("--fast", "Runs.")
    usage.section(parser, "Where")
    parser:option("-t --to", "The end."):argname("PLACE")
    usage.section(parser, "Other")
    parser:flag("-h --help", "This text.")
    usage.examples(parser, { { "mrlua walk --to Rome", "takes a while" } })

    assert.equal(table.concat({
      "Usage: mrlua walk [--fast] [-t PLACE] [-h]", "",
      "Walks.", "",
      "Options:",
      "   --fast                         Runs.", "",
      "Where:",
      "   -t, --to PLACE                 The end.", "",
      "Other:",
      "   -h, --help                     This text.", "",
      "Examples:",
      "  mrlua walk --to Rome",
      "      takes a while",
    }, "\n"), usage.help(parser))
  end)
end)

describe("mrlua/cli/usage command()", function()
  local seen
  local walk = usage.command("walk", new_parser, function(flags)
    seen = flags.where
    return 3
  end)

  it("is a module whose main() answers the exit code of what the flags ask for", function()
    assert.equal(3, walk.main { "home" })
    assert.equal("home", seen)
    assert.equal(new_parser, walk.parser)
  end)
end)

local printable = require "mrlua.printable"

describe("mrlua/printable", function()
  it("leaves text as it is", function()
    for _, text in ipairs { "", "plain", "Grüße, 日本語, \u{2028}", "no UTF-8: \xff\xe2\x80" } do
      assert.equal(text, printable.line(text))
      assert.equal(text, printable.lines(text))
    end
  end)

  it("lets no control character through", function()
    assert.equal("a?[31mb?c?", printable.line "a\27[31mb\rc\127")
    assert.equal("??31m?", printable.lines "\0\u{9b}31m\u{80}")
    assert.equal("?", printable.line "\u{9f}")
  end)

  it("lets nothing through that turns the direction", function()
    assert.equal("a?b????", printable.line "a\u{202e}b\u{200e}\u{200f}\u{2066}\u{2069}")
  end)

  it("keeps lines and tabs where there are lines", function()
    assert.equal("a\n\tb?\n", printable.lines "a\n\tb\r\n")
    assert.equal("a??b", printable.line "a\n\tb")
  end)
end)

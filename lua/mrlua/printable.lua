--- Text that others chose (a record, a name, an error of a job), as a terminal may have it: nothing
-- in it moves a cursor, changes a colour or a title, or turns the direction of what follows. Pure.

local printable = {}

-- Beyond ASCII, in UTF-8: control characters (U+0080 to U+009F; U+009B begins an escape sequence),
-- and those of direction (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).
printable.BEYOND = { "\xc2[\x80-\x9f]", "\xe2\x80[\x8e\x8f\xaa-\xae]", "\xe2\x81[\xa6-\xa9]" }

local function replace(text, controls)
  text = text:gsub(controls, "?")
  for _, beyond in ipairs(printable.BEYOND) do
    text = text:gsub(beyond, "?")
  end
  return text
end

--- What is to stay on one line: newlines and tabs become "?", too.
-- @treturn string
function printable.line(text)
  return replace(text, "%c")
end

--- Lines: newlines and tabs stay.
-- @treturn string
function printable.lines(text)
  return replace(text, "[^%C\n\t]")
end

return printable

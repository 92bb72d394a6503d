--- A capsule (engine/attempt/capsule.h), for people: what failed, on what, and what was in hand.

local engine = require "mrlua.engine"
local frames = require "mrlua.frames"
local printable = require "mrlua.printable"
local size = require "mrlua.size"
local trail_files = require "mrlua.cli.trail_files"

local capsule_text = {}

-- A value in a string of the capsule, as people read it.
local function decoded(bytes)
  local value, message = engine.value_decode { bytes = bytes }
  if value == nil and message then
    return "damaged: " .. message
  end
  return frames.text(debug, value)
end

local function add(lines, label, text)
  if text then
    lines[#lines + 1] = ("%s: %s\n"):format(label, text)
  end
end

-- Names of files and of jobs may be anything.
local function clean(text)
  return printable.line(tostring(text))
end

local function add_record(lines, attempt)
  local record, mark = (attempt.scene or {}).record, attempt.mark
  local place = record or mark
  if not place or not place.offset then
    return
  end
  local index = (place.piece or 0) - (attempt.first_piece or 0) + 1
  local piece = (attempt.pieces or {})[index]
  if attempt.stage == "map" and piece then
    add(lines, "input", ("%s, at byte %d"):format(clean(piece.name), place.offset))
  end
  if not record then
    add(lines, "the last record it began", ("%d"):format(mark.record))
    return
  end
  add(lines, "record", ("%d"):format(record.number))
  add(lines, "key", record.key and decoded(record.key))
  add(lines, "value", record.value and decoded(record.value)
    or ("%s, too long to keep"):format(size.bytes(record.value_bytes or 0)))
end

local function add_hand(lines, hand)
  add(lines, "key", hand.key and decoded(hand.key))
  if hand.taken then
    add(lines, "values taken", ("%d"):format(hand.taken))
    add(lines, "values", hand.values and decoded(hand.values))
  end
end

--- Frames as mrlua.frames gathers them, as lines.
function capsule_text.frames(list)
  local lines = {}
  for i, frame in ipairs(list or {}) do
    lines[#lines + 1] = ("%d  %s:%d%s\n"):format(i, clean(frame.source), frame.line,
      frame.name and " in " .. clean(frame.name) or "")
    for _, kind in ipairs { "locals", "upvalues" } do
      for _, variable in ipairs(frame[kind]) do
        lines[#lines + 1] = ("     %s = %s%s\n"):format(clean(variable[1]),
          clean(variable[2]), kind == "upvalues" and "  (upvalue)" or "")
      end
    end
  end
  return table.concat(lines)
end

-- What was told with the error: of a record that is told here the traceback only.
local function detail_of(detail, has_record)
  local lines = {}
  for line in detail:gmatch "[^\n]+" do
    if not has_record or line:find "^\t" or line:find "^stack traceback" then
      lines[#lines + 1] = printable.lines(line) .. "\n"
    end
  end
  return table.concat(lines)
end

--- The whole capsule.
function capsule_text.of(capsule)
  local lines, attempt = {}, capsule.attempt or {}
  local scene = attempt.scene or {}
  add(lines, "job", ("%s, %s"):format(clean(capsule.job.id), clean(capsule.job.name)))
  if attempt.stage then
    add(lines, "attempt", ("%s %d, attempt %d on worker %d"):format(attempt.stage, attempt.task,
      trail_files.attempt_number(attempt.attempt), attempt.worker))
  end
  add(lines, "error", clean(capsule.error.message))
  add(lines, "kind", capsule.error.kind)
  add(lines, "in", scene.hand and clean(scene.hand.where) or attempt.phase)
  add_record(lines, attempt)
  add_hand(lines, scene.hand or {})
  if attempt.records_in and attempt.bytes_in and attempt.records_out then
    add(lines, "so far", ("%d records, %s in, %d records out"):format(attempt.records_in,
      size.bytes(attempt.bytes_in), attempt.records_out))
  end
  if attempt.mrlua and attempt.lua then
    add(lines, "made by", ("mrlua %s, %s"):format(attempt.mrlua, attempt.lua))
  end
  lines[#lines + 1] = detail_of(capsule.error.detail, scene.record ~= nil)
  lines[#lines + 1] = capsule_text.frames(scene.hand and scene.hand.frames)
  return table.concat(lines)
end

return capsule_text

local capsule = require "mrlua.capsule"

local function whole()
  return {
    version = 1, job = { id = "r1", name = "x", bundle = { path = "x.lua", source = "" } },
    attempt = {
      stage = "map", task = 3, attempt = 33, worker = 1, job = 1, seed = -5, partitions = 2,
      unsafe = false, input = "lines", first_piece = 0, piece_count = 1, skip = { 2 },
      pieces = { { name = "a", path = "/a", size = 1, mtime_ns = 2, inode = 3, device = 4,
        offset = 5, length = 6, generation = 0, is_gzip = false } },
      scene = { hand = { where = "map", frames = { { name = "f", source = "x.lua", line = 1,
        locals = { { "a", "1" } }, upvalues = {} } } } },
    },
    error = { kind = "job", message = "no", detail = "" },
  }
end

describe("lua/mrlua/capsule", function()
  it("leaves a right one as it is", function()
    assert.same(whole(), capsule.of(whole()))
  end)

  it("makes paths of the attempt's folder such from anywhere", function()
    local relative = whole()
    relative.job.folder = "/home/x"
    relative.attempt.pieces = { { path = "a" }, { path = "/b" }, { path = "gs://c/d" } }
    relative.attempt.files = { stop = "e", none = 7 }
    local made = capsule.of(relative).attempt

    assert.equal("/home/x/a", made.pieces[1].path)
    assert.equal("/b", made.pieces[2].path)
    assert.equal("gs://c/d", made.pieces[3].path)
    assert.same({ stop = "/home/x/e", none = 7 }, made.files)
  end)

  it("answers the fault of one that could not be read", function()
    local made, fault = capsule.of { error = { message = "damaged" } }

    assert.is_nil(made)
    assert.equal("damaged", fault.message)
  end)

  it("leaves out what it does not know, and what may be missing and is of another type", function()
    local hostile = whole()
    hostile.attempt.scene.hand.more, hostile.attempt.scene.hand.key = {}, 7
    hostile.attempt.mark, hostile.attempt.phase = "x", {}

    assert.same(whole(), capsule.of(hostile))
  end)

  it("gives an empty value to what must be there", function()
    local made = capsule.of { version = 1, attempt = { task = 1.5, scene = { hand = {
      frames = { 7, { locals = { "x", { 1, 2 } } } } } } } }

    assert.same({ id = "", name = "" }, made.job)
    assert.equal(0, made.attempt.task)
    assert.equal("", made.error.message)
    assert.same({
      { source = "", line = 0, locals = {}, upvalues = {} },
      { source = "", line = 0, locals = { { "", "" }, { "", "" } }, upvalues = {} },
    }, made.attempt.scene.hand.frames)
  end)
end)

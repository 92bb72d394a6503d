local asked

package.loaded["mrlua.engine"] = {
  job_status = function()
    return { job = { id = 7, name = "a", state = "running", seconds = 1, output = "o\27[31mut" },
      stages = {}, counters = {}, skew = {} }
  end,
  worker_list = function(args)
    asked = args
    return { workers = {} }
  end,
}
local status = require "mrlua.cli.status"

-- What it writes for people.
local function told(argv)
  local written <const>, stdout <const> = {}, io.stdout
  rawset(io, "stdout", { write = function(_, ...)
    written[#written + 1] = table.concat { ... }
  end })
  local ok, code = pcall(status.main, argv)
  rawset(io, "stdout", stdout)
  assert.is_true(ok, code)
  assert.equal(0, code)
  return table.concat(written)
end

describe("mrlua/cli/status, of a job that waits,", function()
  it("asks for the workers as it has asked for the job", function()
    local text = told { "7", "--master", "there:70", "--key-file", "key", "--tls" }

    assert.matches("waiting: no worker is ready", text)
    assert.same({ master = "there:70", key_file = "key", tls = true, insecure_plain = false },
      asked)
  end)

  it("lets no escape sequence through", function()
    assert.matches("\noutput: o%?%[31mut\n", told { "7" })
  end)
end)

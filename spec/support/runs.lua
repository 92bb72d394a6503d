--- A folder with a job and its input, and runs of it whose records stay in that folder.
--
--     local it_all = runs.open()
--     it_all:run_job("--param", "least=2")       succeeds; its output is it_all.folder .. "/out"
--     it_all:run { "show", "r1" }                { code, stdout, stderr }
--     it_all:close()

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local runs = {}
runs.__index = runs

runs.JOB = [[return {
  params = { least = 1 },
  map = function(_, line, emit)
    mr.count("lines")
    if #line >= mr.params.least then emit(line, 1) end
  end,
  reduce = "count",
}]]
runs.NOBODY = "127.0.0.1:1" -- no master listens there

function runs.open()
  local folder = temp.folder()
  return setmetatable({ folder = folder, job = temp.write(folder .. "/job.lua", runs.JOB),
    input = temp.write(folder .. "/in", "a\nbb\na\n\n") }, runs)
end

--- Runs mrlua with the state of this folder.
function runs:run(argv)
  return engine.run(argv, { environment = "XDG_STATE_HOME=" .. temp.quote(self.folder
    .. "/state") })
end

--- Runs the job, with these arguments more.
function runs:run_job(...)
  local argv = { "run", self.job, self.input, "--quiet", "-o", self.folder .. "/out",
    "--overwrite" }
  for _, argument in ipairs { ... } do
    argv[#argv + 1] = argument
  end
  local result = self:run(argv)
  assert(result.code == 0, result.stderr)
end

function runs:close()
  temp.remove(self.folder)
end

return runs

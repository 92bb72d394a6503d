--- A folder to complete command lines in: scripts of completion, a few files, and a stand-in for
-- mrlua, whose only job has the number 17.

local engine = require "spec.support.engine"
local temp = require "spec.support.temp"

local completion_folder = {}

--- Makes it.
-- @treturn string  its path; in it `bash` and `_mrlua`, what `mrlua completion` prints
function completion_folder.new()
  local folder = temp.folder()
  temp.write(folder .. "/bash", engine.output { "completion", "bash" })
  temp.write(folder .. "/_mrlua", engine.output { "completion", "zsh" })
  temp.write(folder .. "/words.lua", "")
  temp.write(folder .. "/text file.txt", "")
  os.execute(("mkdir %s/out %s/bin"):format(folder, folder))
  temp.write(folder .. "/bin/mrlua", "#!/bin/sh\nprintf 'JOB  NAME\\n 17  words\\n'\n")
  os.execute(("chmod +x %s/bin/mrlua"):format(folder))
  return folder
end

return completion_folder

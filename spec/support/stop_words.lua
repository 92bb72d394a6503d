--- A job with side files: words are counted, but for those of a list that it reads from one.
--
--     stop_words.job { stop = "data/stop.txt" }
--     stop_words.job { stop = "data/stop.txt", mark = "data/mark", fields = "combine = 'sum'," }

local stop_words = {}

local JOB <const> = [[
local stop = {}
return {
  files = { $files },
  setup = function(ctx)
    local file <close> = ctx.open "stop"
    for line in file:lines() do stop[line] = true end
  end,
  map = function(_, line, emit)
    for word in line:gmatch "%a+" do
      if not stop[word] then emit(word, 1) end
    end
  end,
  $fields
  reduce = $reduce,
}
]]

-- How long the second file is stands behind each word.
local MARKED <const> = [[function(word, counts, emit)
    local total = 0
    for n in counts do total = total + n end
    emit(word .. #mr.open("%s"):read "a", total)
  end]]

--- The source of such a job.
-- @tparam table options  stop: the list's path; mark: that of a second file, in the table without a
--                        name; fields: more of the job
function stop_words.job(options)
  local files, reduce = ("stop = %q"):format(options.stop), "'sum'"
  if options.mark then
    files = ("%s, %q"):format(files, options.mark)
    reduce = MARKED:format(options.mark:match "[^/]*$")
  end
  local words = { files = files, fields = options.fields or "", reduce = reduce }
  return (JOB:gsub("%$(%l+)", words))
end

return stop_words

--- k-means: points (one a line) in k clusters, each point in that of the nearest center.
--
--     printf '%s\n' '1 1' '1 2' '2 1' '9 8' '8 9' | mrlua run jobs/k_means.lua --param k=2 -
-- Output: "center <tab> points": the mean of its points, and how many there are.
--
--     1.333 1.333     3
--     8.500 8.500     2

local json = require "mrlua.json"
local steps, centers = {}, nil
local k_means = { params = { k = 3, precision = 1e-6 }, steps = steps }

function steps.read(_, line, emit)
  local point = {} -- its last coordinate is 1: in a sum of points that is their number
  for text in (line .. " 1"):gmatch "[^%s,]+" do point[#point + 1] = tonumber(text) end
  emit(true, point)
end
function steps.take_centers(mr) centers = json.decode(mr.params.centers) end

local function distance(a, b)
  local sum = 0
  for i = 1, #a do sum = sum + (a[i] - b[i]) ^ 2 end
  return sum ^ 0.5
end

function steps.assign(_, point, emit)
  local nearest = 1
  for i, center in ipairs(centers) do
    if distance(point, center) < distance(point, centers[nearest]) then nearest = i end
  end
  emit(nearest, point)
end

function steps.add(center, points, emit)
  local sum = {}
  for point in points do for i, x in ipairs(point) do sum[i] = (sum[i] or 0) + x end end
  emit(center, sum)
end

function steps.tell(_, sum, emit)
  for i = 1, #sum - 1 do sum[i] = ("%.3f"):format(sum[i] / sum[#sum]) end
  emit(table.concat(sum, " ", 1, #sum - 1), sum[#sum])
end

function k_means.drive(mr, params)
  local points, means = mr.run { map = steps.read }, {}
  for _, point in points:output() do means[#means + 1] = #means < params.k and point or nil end
  while true do
    local sums, moved = mr.run { setup = steps.take_centers, map = steps.assign, reduce = steps.add,
      combine = steps.add, inputs = points, params = { centers = json.encode(means) } }, 0
    for i, sum in sums:output() do
      for d = 1, #sum do sum[d] = sum[d] / sum[#sum] end
      moved, means[i] = math.max(moved, distance(means[i], sum)), sum
    end
    if moved < params.precision then return { map = steps.tell, inputs = sums } end
  end
end

return k_means

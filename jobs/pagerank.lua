--- PageRank: the packages of Debian that the others need most, directly or through others.
--
--     apt-cache dumpavail | mrlua run jobs/pagerank.lua - | sort -k 2gr | head -n 2
--
-- Output: "package <tab> rank", all ranks together 1: "libc6 <tab> 0.141..." comes first. A
-- package hands its rank on in equal parts, one for each dependency; one without any, to all.
-- Counters are integers: they count PARTS of a rank.

local lpeg = require "lpeg"
local PARTS <const> = 100000000000
local name = lpeg.C((lpeg.R("az", "AZ", "09") + lpeg.S "+-.") ^ 1)
local rest = (1 - lpeg.P "\n") ^ 0 * "\n"
local names = name * ((1 - lpeg.S ",|\n") ^ 0 * lpeg.S ",|" * lpeg.P " " ^ 0 * name) ^ 0 * rest
local line = lpeg.P "Pre-" ^ -1 * "Depends: " * names + (1 - lpeg.P "\n") * rest
local package = lpeg.Ct("Package: " * name * rest * line ^ 0) * lpeg.P "\n" ^ 0

local steps = {}
local pagerank = { params = { damping = 0.85, precision = 1e-6 }, steps = steps,
  input = { format = "grammar", record = package, resync = "\n\n", bytes_max = 1 << 17 } }

function steps.read(_, found, emit) -- the package, then what it depends on
  emit(found[1], { links = { table.unpack(found, 2) } })
  for i = 2, #found do emit(found[i], { links = {} }) end
end

function steps.hand_on(key, node, emit)
  emit(key, node)
  for i = 1, #node.links do emit(node.links[i], node.rank / #node.links) end
end

function steps.gather(key, values, emit)
  local links, before, sum = {}, 0, mr.params.lost
  for value in values do
    if type(value) == "number" then
      sum = sum + value
    else
      table.move(value.links, 1, #value.links, #links + 1, links)
      before = value.rank or 0
    end
  end
  local rank = 1 - mr.params.damping + mr.params.damping * sum
  mr.count("moved", math.floor(math.abs(rank - before) * PARTS))
  mr.count("lost", #links == 0 and math.floor(rank * PARTS) or 0)
  emit(key, { rank = rank, links = links })
end

function steps.tell(key, node, emit) emit(key, node.rank / mr.params.packages) end

function pagerank.drive(mr, params)
  local step = mr.run { map = steps.read, reduce = steps.gather, params = { lost = 1 } }
  local packages = step.records
  repeat
    step = mr.run { map = steps.hand_on, reduce = steps.gather, inputs = step, reducers = 4,
      params = { lost = step:counter "lost" / PARTS / packages } }
  until step:counter "moved" / PARTS / packages < params.precision
  return { map = steps.tell, inputs = step, params = { packages = packages } }
end

return pagerank

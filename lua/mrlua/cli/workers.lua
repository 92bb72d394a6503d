--- `mrlua workers`: the workers that have joined the master.

local ask = require "mrlua.cli.ask"
local cluster_options = require "mrlua.cli.cluster_options"
local columns = require "mrlua.cli.columns"
local engine = require "mrlua.engine"
local size = require "mrlua.size"
local usage = require "mrlua.cli.usage"

local HEADS = {
  { "WORKER", "right" }, { "NAME" }, { "STATE" }, { "SLOTS", "right" }, { "DISK FREE", "right" },
  { "OUTPUTS", "right" },
}

local function new_parser()
  local parser = cluster_options.parser("workers", "Lists the workers of a cluster.")
  parser:usage("Usage: mrlua workers [--json] [--master HOST:PORT] [--key-file FILE]")
  return usage.examples(parser, {
    { "mrlua workers", "with slots, disk and how many outputs of maps they hold" },
    { "mrlua workers --json", "for a program" },
  })
end

local function tell(answer)
  local rows = {}
  for i, worker in ipairs(answer.workers) do
    rows[i] = { worker.id, worker.name, worker.state,
      ("%d/%d"):format(worker.slots_busy, worker.slots), size.bytes(worker.disk_free),
      worker.outputs }
  end
  io.stdout:write(columns.text(HEADS, rows))
end

return ask.command("workers", new_parser, function(args)
  return engine.worker_list(args)
end, tell)

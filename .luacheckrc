std = "lua54"
max_line_length = 100
files["jobs/**"] = { read_globals = { "mr" } } -- what a job is told: engine/vm/vm.h
files["spec/**"] = { std = "lua54+busted" }

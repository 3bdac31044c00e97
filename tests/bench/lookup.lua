-- Looks up a random one of the bodies listed in the file BENCH_BODIES, one a line.
local here = debug.getinfo(1, "S").source:match("^@(.*/)")
dofile(here .. "summary.lua")
local bodies = {}
for body in io.lines(os.getenv("BENCH_BODIES")) do bodies[#bodies + 1] = body end
local headers = { ["content-type"] = "application/json" }
math.randomseed(os.time())
request = function() return wrk.format("POST", "/v1/customers/lookup", headers, bodies[math.random(#bodies)]) end

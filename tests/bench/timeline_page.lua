-- A random one of the paths listed in the file BENCH_PATHS, one a line.
local here = debug.getinfo(1, "S").source:match("^@(.*/)")
dofile(here .. "summary.lua")
local paths = {}
for path in io.lines(os.getenv("BENCH_PATHS")) do paths[#paths + 1] = path end
math.randomseed(os.time())
request = function() return wrk.format("GET", paths[math.random(#paths)]) end

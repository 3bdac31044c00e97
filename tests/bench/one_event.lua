-- One purchase a request.
local here = debug.getinfo(1, "S").source:match("^@(.*/)")
dofile(here .. "summary.lua")
dofile(here .. "purchase.lua")
local headers = { ["content-type"] = "application/json" }
request = function() return wrk.format("POST", nil, headers, purchase()) end

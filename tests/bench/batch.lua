-- 100 purchases a request.
local here = debug.getinfo(1, "S").source:match("^@(.*/)")
dofile(here .. "summary.lua")
dofile(here .. "purchase.lua")
local headers = { ["content-type"] = "application/json" }
request = function()
  local events = {}
  for place = 1, 100 do events[place] = purchase() end
  return wrk.format("POST", nil, headers, "[" .. table.concat(events, ",") .. "]")
end

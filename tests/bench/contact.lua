-- One contact with a customer a request, with two texts: `BENCH_TEXTS` says whether they are personal data (1) or not (0).
-- Both events are of about the same size; customers are drawn from 10,000. `BENCH_KEY`, where set, is the key it is sent with.
local here = debug.getinfo(1, "S").source:match("^@(.*/)")
dofile(here .. "summary.lua")
local run = os.getenv("BENCH_RUN")
local personal = os.getenv("BENCH_TEXTS") == "1"
local key = os.getenv("BENCH_KEY")
local headers = { ["content-type"] = "application/json", ["authorization"] = key and "Bearer " .. key or nil }
local number = 0
local texts = personal
  and '"summary": "asked for a quiet table by the window", "body": "rang about the twelfth; comes with a dog and two children"'
  or '"outcome": "asked for a quiet table by the window", "details": {"told": "rang about the twelfth; comes with a dog and two children"}'
request = function()
  number = number + 1
  return wrk.format("POST", nil, headers, string.format(
    '{"specversion": "1.0", "id": "%s-%d", "source": "/bench/phone", "type": "interaction.recorded", "time": "2026-03-01T12:00:00Z", "channel": "phone", "data": {"customer": [{"type": "member", "value": "C%d"}], "kind": "call", "category": "service", %s}}',
    run, number, number * 7919 % 10000, texts))
end

-- A purchase with a fresh id for one of 10,000 members. Loaded by one_event.lua and batch.lua.
local run = os.getenv("BENCH_RUN") or tostring(os.time())
local happened = os.date("!%Y-%m-%dT%H:%M:%SZ")
local written = 0
local text = table.concat({
  '{"specversion":"1.0","id":"%s","source":"/store/bench/till-1","type":"purchase.completed","time":"', happened,
  '","channel":"store","data":{"customer":[{"type":"member","value":"M%d"}],"direction":"inbound",',
  '"staff":"till-1","location":"hq/north/store-7","order_id":"o-%s","total":{"amount":"37.40","currency":"EUR"},',
  '"lines":[{"sku":"tea-250","quantity":2,"unit_price":{"amount":"9.95","currency":"EUR"}},',
  '{"sku":"cup-2","quantity":1,"unit_price":{"amount":"17.50","currency":"EUR"}}]}}'})

purchase = function()
  written = written + 1
  local id = run .. "-" .. written
  return text:format(id, written % 10000, id)
end

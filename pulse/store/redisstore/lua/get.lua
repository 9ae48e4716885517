-- KEYS: m, r, v of the group; ARGV: clock's lead, then keys. Gives epoch, number of the last commit, and for each key that
-- is there its place among the keys, its revision and its value.
local head = redis.call('HMGET', KEYS[1], 'e', 'n')
local out = {head[1] or '', head[2] or '0'}
if #ARGV == 1 or not head[1] then return out end
local now = clock(ARGV[1])
local keys, live, places, revisions = {}, {}, {}, {}
for i = 2, #ARGV do keys[i - 1] = ARGV[i] end
local found = redis.call('HMGET', KEYS[2], unpack(keys))
for i = 1, #keys do
  local n = revision(found[i], now)
  if n ~= '' then
    local at = #live + 1
    live[at], places[at], revisions[at] = keys[i], i, n
  end
end
if #live == 0 then return out end
local values = redis.call('HMGET', KEYS[3], unpack(live))
for i = 1, #live do
  out[#out + 1] = places[i]
  out[#out + 1] = revisions[i]
  out[#out + 1] = values[i]
end
return out

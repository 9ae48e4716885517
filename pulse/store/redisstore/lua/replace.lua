-- KEYS: m, x, d, l, e of the group; ARGV: clock's lead, chunk, size wanted, time to live, data.
local m, x, d, l, e = unpack(KEYS)
local name, data = ARGV[2], ARGV[5]
if redis.call('EXISTS', m) == 0 then return {'gone'} end
local now = clock(ARGV[1])
local known = redis.call('HGET', x, name)
local c = chunk(known, now)
if c.size ~= tonumber(ARGV[3]) then return {'chunk'} end
if data == '' then
  if known then
    redis.call('HDEL', x, name)
    redis.call('ZREM', l, 'c' .. name)
    schedule(e, 'c' .. name, c.till, '')
    discard(d, e, c.id, c.blocks)
  end
  return {'ok'}
end
local id = string.format('%.0f', redis.call('HINCRBY', m, 'c', 1))
local till = deadline(now, ARGV[4])
extend(d, id, 0, data)
redis.call('HSET', x, name, entry(#data .. ' ' .. id, till))
if not known then redis.call('ZADD', l, 0, 'c' .. name) end
schedule(e, 'c' .. name, c.till, till)
if c.id then discard(d, e, c.id, c.blocks) end
return {'ok'}

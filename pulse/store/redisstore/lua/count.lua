-- KEYS: the counter; ARGV: clock's lead, limit, window. Gives the microseconds to wait, 0 if this one counted.
local now = clock(ARGV[1])
local count, till = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
if not till or over(till, now) then
  redis.call('SET', KEYS[1], '1 ' .. deadline(now, ARGV[3]), 'PX', string.format('%.0f', math.ceil(ARGV[3] / 1000) + 1000))
  return '0'
end
if tonumber(count) >= tonumber(ARGV[2]) then return string.format('%.0f', till * 1000 - now) end
redis.call('SET', KEYS[1], string.format('%.0f %s', count + 1, till), 'KEEPTTL')
return '0'

-- KEYS: the lease; ARGV: clock's lead, holder, time to live. Gives nothing, or the holder and how long it has the lease.
local now = clock(ARGV[1])
local till, holder = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (.+)$')
if till and holder ~= ARGV[2] and not over(till, now) then
  return {holder, string.format('%.0f', till * 1000 - now)}
end
redis.call('SET', KEYS[1], deadline(now, ARGV[3]) .. ' ' .. ARGV[2], 'PX', string.format('%.0f', math.ceil(ARGV[3] / 1000) + 1000))
return {}

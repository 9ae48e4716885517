-- KEYS: the lease; ARGV: clock's lead, holder.
local holder = string.match(redis.call('GET', KEYS[1]) or '', '^%d+ (.+)$')
if holder == ARGV[2] then redis.call('DEL', KEYS[1]) end
return {}

-- KEYS: m, l, r of the group; ARGV: clock's lead, prefix. Gives epoch, number of the last commit, and key and revision of
-- each key.
local head = redis.call('HMGET', KEYS[1], 'e', 'n')
local out = {head[1] or '', head[2] or '0'}
local now = clock(ARGV[1])
entries(KEYS[3], names(KEYS[2], 'k', ARGV[2]), function(key, found)
  local n = revision(found, now)
  if n ~= '' then
    out[#out + 1] = key
    out[#out + 1] = n
  end
end)
return out

-- KEYS: x, d of the group; ARGV: clock's lead, chunk, offset, number of bytes. Gives the chunk's size and the parts.
local c = chunk(redis.call('HGET', KEYS[1], ARGV[2]), clock(ARGV[1]))
local from, out = tonumber(ARGV[3]), {string.format('%.0f', c.size)}
local till = math.min(from + ARGV[4], c.size)
if from >= till then return out end
local first, last = math.floor(from / BLOCK), math.floor((till - 1) / BLOCK)
for at = first, last, STEP do
  local part = {}
  for i = at, math.min(at + STEP - 1, last) do part[#part + 1] = c.id .. ':' .. i end
  for _, block in ipairs(redis.call('HMGET', KEYS[2], unpack(part))) do out[#out + 1] = block or '' end
end
out[#out] = string.sub(out[#out], 1, till - last * BLOCK)
out[2] = string.sub(out[2], from - first * BLOCK + 1)
return out

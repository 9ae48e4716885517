-- KEYS: l, x of the group; ARGV: clock's lead, prefix. Gives name and size of each chunk.
local out = {}
local now = clock(ARGV[1])
entries(KEYS[2], names(KEYS[1], 'c', ARGV[2]), function(name, found)
  local c = chunk(found, now)
  if c.size > 0 then
    out[#out + 1] = name
    out[#out + 1] = string.format('%.0f', c.size)
  end
end)
return out

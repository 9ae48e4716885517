-- Common to all scripts. Now and times to live are in microseconds, deadlines in milliseconds since 1970 by the server's
-- clock, as decimal text; an empty deadline is never.
local BLOCK = 8192 -- bytes of a chunk in one field
local STEP = 1000 -- fields read or removed by one command

local function clock(ahead)
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2] + ahead * 1000
end

local function deadline(now, ttl)
  if ttl == '0' then return '' end
  return string.format('%.0f', math.ceil((now + ttl) / 1000))
end

local function over(till, now)
  return till ~= '' and tonumber(till) * 1000 <= now
end

-- The number of the commit that wrote a key, '' if the key is absent or expired, and its deadline.
local function revision(entry, now)
  if not entry then return '', '' end
  local n, till = string.match(entry, '^(%d+) ?(%d*)$')
  if over(till, now) then n = '' end
  return n, till
end

-- What the entry of a chunk says; size is 0 if the chunk is absent or expired, blocks counts what is there.
local function chunk(entry, now)
  if not entry then return {size = 0, blocks = 0, till = ''} end
  local size, id, till = string.match(entry, '^(%d+) (%d+) ?(%d*)$')
  local c = {size = tonumber(size), id = id, till = till, blocks = math.ceil(size / BLOCK)}
  if over(till, now) then c.size = 0 end
  return c
end

-- The entry of something with a deadline ends with it.
local function entry(text, till)
  if till == '' then return text end
  return text .. ' ' .. till
end

-- Keeps the list of deadlines e as the new deadline of a member wants it.
local function schedule(e, member, before, till)
  if till ~= '' then
    redis.call('ZADD', e, till, member)
  elseif before ~= '' then
    redis.call('ZREM', e, member)
  end
end

local function extend(d, id, size, data)
  local i, rest, from = math.floor(size / BLOCK), size % BLOCK, 1
  if rest > 0 then
    local name = id .. ':' .. i
    from = BLOCK - rest + 1
    redis.call('HSET', d, name, redis.call('HGET', d, name) .. string.sub(data, 1, from - 1))
    i = i + 1
  end
  while from <= #data do
    redis.call('HSET', d, id .. ':' .. i, string.sub(data, from, from + BLOCK - 1))
    from, i = from + BLOCK, i + 1
  end
end

-- Removes the last blocks of what was a chunk, and leaves the others to a later commit if they are many.
local function discard(d, e, id, blocks)
  local first, names = math.max(0, blocks - STEP), {}
  for i = first, blocks - 1 do names[#names + 1] = id .. ':' .. i end
  if #names > 0 then redis.call('HDEL', d, unpack(names)) end
  if first > 0 then redis.call('ZADD', e, 0, 'b' .. id .. ' ' .. first) end
  return #names
end

-- The names of one kind in l that begin with prefix, in byte order; no name holds the byte 255.
local function names(l, kind, prefix)
  return redis.call('ZRANGEBYLEX', l, '[' .. kind .. prefix, '(' .. kind .. prefix .. '\255')
end

-- Gives f each name with its entry in the hash.
local function entries(hash, members, f)
  for from = 1, #members, STEP do
    local part = {}
    for i = from, math.min(from + STEP - 1, #members) do part[#part + 1] = string.sub(members[i], 2) end
    local found = redis.call('HMGET', hash, unpack(part))
    for i = 1, #part do f(part[i], found[i]) end
  end
end

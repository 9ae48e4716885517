-- KEYS of the group; ARGV: clock's lead, epoch as read, epoch for a new group, number of ops and of appends, then for each
-- op kind (c, d, s), key, revision wanted (* is any), time to live, value, and for each append chunk, size wanted, time to
-- live, data.
local m, r, v, x, d, l, e = unpack(KEYS)
local wanted, fresh, ops, appends = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local head = redis.call('HMGET', m, 'e', 'n', 'i')
local epoch = head[1] or ''
if epoch ~= wanted then return {wanted == '' and 'exists' or 'gone'} end
local now = clock(ARGV[1])

local function op(i, field) return ARGV[5 + (i - 1) * 5 + field] end
local function append(i, field) return ARGV[5 + ops * 5 + (i - 1) * 4 + field] end

local keys, found, tills = {}, {}, {}
for i = 1, ops do keys[i] = op(i, 2) end
if ops > 0 then found = redis.call('HMGET', r, unpack(keys)) end
local writes, grows = appends > 0, appends > 0
for i = 1, ops do
  local n, till = revision(found[i], now)
  tills[i] = till
  if op(i, 3) ~= '*' and op(i, 3) ~= n then return {'key', i} end
  writes = writes or op(i, 1) ~= 'c'
  grows = grows or op(i, 1) == 's'
end
local chunks, known = {}, {}
for i = 1, appends do chunks[i] = append(i, 1) end
if appends > 0 then known = redis.call('HMGET', x, unpack(chunks)) end
for i = 1, appends do
  chunks[i] = chunk(known[i], now)
  if chunks[i].size ~= tonumber(append(i, 2)) then return {'chunk', i} end
end
if not writes then return {'ok', epoch, head[2] or '0'} end

-- A server that went down, or another that took its place, may have lost the last commits. Their numbers were seen and
-- must not come again, so the first commit of each run of a server leaves out more than can have been lost.
local LOST = 1048576

local n
local function advance()
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
  if epoch == '' then
    epoch, n = fresh, '1'
    redis.call('HSET', m, 'e', epoch, 'n', n, 'i', run)
    return
  end
  local step = 1
  if run ~= head[3] then step = 1 + LOST end
  n = string.format('%.0f', redis.call('HINCRBY', m, 'n', step))
  if step > 1 then redis.call('HSET', m, 'i', run) end
end

local function remove()
  for i = 1, ops do
    if op(i, 1) == 'd' then
      redis.call('HDEL', r, keys[i])
      redis.call('HDEL', v, keys[i])
      redis.call('ZREM', l, 'k' .. keys[i])
      schedule(e, 'k' .. keys[i], tills[i], '')
    end
  end
end

-- Redis refuses the first write of a script or none: with the memory used up it lets pass what begins by removing.
if grows then
  advance()
  remove()
else
  remove()
  advance()
end

for i = 1, ops do
  if op(i, 1) == 's' then
    local till = deadline(now, op(i, 4))
    redis.call('HSET', v, keys[i], op(i, 5))
    redis.call('HSET', r, keys[i], entry(n, till))
    if not found[i] then redis.call('ZADD', l, 0, 'k' .. keys[i]) end
    schedule(e, 'k' .. keys[i], tills[i], till)
  end
end

for i = 1, appends do
  local c, name, data = chunks[i], append(i, 1), append(i, 4)
  local till = deadline(now, append(i, 3))
  if c.size == 0 then
    if c.id then discard(d, e, c.id, c.blocks) end
    c.id = string.format('%.0f', redis.call('HINCRBY', m, 'c', 1))
  elseif till == '' then
    till = c.till
  end
  extend(d, c.id, c.size, data)
  redis.call('HSET', x, name, entry(string.format('%.0f %s', c.size + #data, c.id), till))
  if not known[i] then redis.call('ZADD', l, 0, 'c' .. name) end
  schedule(e, 'c' .. name, c.till, till)
end

-- A little of what expired goes with each commit.
local freed = 0
for _, member in ipairs(redis.call('ZRANGEBYSCORE', e, '-inf', string.format('%.0f', math.floor(now / 1000)), 'LIMIT', 0, 16)) do
  local kind, name = string.sub(member, 1, 1), string.sub(member, 2)
  redis.call('ZREM', e, member)
  if kind == 'k' then
    redis.call('HDEL', r, name)
    redis.call('HDEL', v, name)
    redis.call('ZREM', l, member)
  elseif kind == 'c' then
    local c = chunk(redis.call('HGET', x, name), now)
    redis.call('HDEL', x, name)
    redis.call('ZREM', l, member)
    if c.id then freed = freed + discard(d, e, c.id, c.blocks) end
  else
    local id, blocks = string.match(name, '^(%d+) (%d+)$')
    freed = freed + discard(d, e, id, tonumber(blocks))
  end
  if freed >= STEP then break end
end
return {'ok', epoch, n}

-- Calls every command of the other scripts, so that a user who lacks the right to one is told at the start. KEYS: one of
-- which nothing stays.
local key = KEYS[1]
redis.call('HSET', key, 'a', 1)
redis.call('HINCRBY', key, 'a', 1)
redis.call('HMGET', key, 'a')
redis.call('HGET', key, 'a')
redis.call('EXISTS', key)
redis.call('HDEL', key, 'a')
redis.call('ZADD', key, 0, 'a')
redis.call('ZRANGEBYSCORE', key, 0, 0)
redis.call('ZRANGEBYLEX', key, '-', '+')
redis.call('ZREM', key, 'a')
redis.call('SET', key, 1)
redis.call('GET', key)
redis.call('DEL', key)
redis.call('UNLINK', key)
redis.call('INFO', 'server')
redis.call('TIME')
return {}

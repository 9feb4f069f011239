"""What Redis does in one atomic act for a log. This file is its Lua scripts, with their keys.

| key | holds |
| --- | --- |
| `ts:{NAME}:own` | hash: `node`, empty where the log was given back, and `term` |
| `ts:{NAME}:meta` | hash: `epoch`, `seq` of the head, `floor`, `at` of the newest entry, in ms; \
`shown`, there only while an answer is not durable: what others may read up to |
| `ts:{NAME}:log` | stream: entry `seq-0` with its time `t`, public part `p`, sealed part `s` |
| `ts:{NAME}:cmd` | hash: command id to `SEQ AT =DIGEST` |
| `ts:{NAME}:ids` | list: the remembered command ids, oldest first |
| `ts:{NAME}:pub` | the channel, of the same slot |

Every script takes all five keys, in this order, so that a Cluster finds the slot, and the command
that publishes and the channel as its first two arguments. NAME is percent-encoded.

News on the channel is one line of words, then bytes: the epoch; then `R` where the log was given
back, or for each entry its seq, its time and the lengths of its two parts, which follow in a row.
The epoch alone means: read.
"""

from __future__ import annotations

import hashlib


class Script:
    """A Lua script and the digest under which Redis keeps it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


PARTS = ("own", "meta", "log", "cmd", "ids")
"""The keys of a log, as every script takes them."""

# ARGV: command, channel, term, epoch, "1" to hold it, id, "=" and digest or "" for no command, ids
# kept, for how many ms, first seq, "1" where the numbers follow one another; then for each entry
# its time, public and sealed part. Returns one line: a word, and what belongs to it.
APPEND = Script("""
local own = redis.call('HMGET', KEYS[1], 'node', 'term')
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'at', 'shown')
if own[2] ~= ARGV[3] or meta[1] ~= ARGV[4] or own[1] == '' then
  return 'fenced ' .. (own[2] or '0')
end
local asked = ARGV[7] ~= ''
if asked then
  local seen = redis.call('HGET', KEYS[4], ARGV[6])
  if seen then return 'seen ' .. seen end
end
local head, at, at_ms = tonumber(meta[2]), meta[3], tonumber(meta[3])
if tonumber(ARGV[10]) ~= head + 1 or ARGV[11] ~= '1' then return 'order ' .. meta[2] end
local words, bodies, first_at = {meta[1]}, {}, nil
for i = 12, #ARGV, 3 do
  local t = tonumber(ARGV[i])
  if t > at_ms then at, at_ms = ARGV[i], t end
  first_at = first_at or at
  head = head + 1
  local seq = string.format('%d', head)
  redis.call('XADD', KEYS[3], seq .. '-0', 't', at, 'p', ARGV[i + 1], 's', ARGV[i + 2])
  words[#words + 1] = seq .. ' ' .. at .. ' ' .. #ARGV[i + 1] .. ' ' .. #ARGV[i + 2]
  bodies[#bodies + 1] = ARGV[i + 1]
  bodies[#bodies + 1] = ARGV[i + 2]
end
redis.call('HSET', KEYS[2], 'seq', string.format('%d', head), 'at', at)
if asked then
  redis.call('HSET', KEYS[4], ARGV[6], ARGV[10] .. ' ' .. at .. ' ' .. ARGV[7])
  local over = redis.call('RPUSH', KEYS[5], ARGV[6]) - ARGV[8]
  while over > 0 do
    local old = redis.call('LINDEX', KEYS[5], 0)
    local reply = redis.call('HGET', KEYS[4], old)
    if reply and tonumber(string.match(reply, ' (%-?%d+) ')) >= at_ms - ARGV[9] then break end
    redis.call('LPOP', KEYS[5])
    redis.call('HDEL', KEYS[4], old)
    over = over - 1
  end
end
local held = meta[4]
if ARGV[5] == '1' and not held then
  held = meta[2]
  redis.call('HSET', KEYS[2], 'shown', held)
end
if held then return 'held ' .. first_at end
redis.call(ARGV[1], ARGV[2], table.concat(words, ' ') .. '\\n' .. table.concat(bodies))
return 'told ' .. first_at
""")

# ARGV: command, channel, term, epoch, news, seq up to which all is durable.
SHOW = Script("""
redis.call(ARGV[1], ARGV[2], ARGV[5])
local term = redis.call('HGET', KEYS[1], 'term')
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'shown')
if term == ARGV[3] and meta[1] == ARGV[4] and meta[3] then
  if tonumber(ARGV[6]) >= tonumber(meta[2]) then
    redis.call('HDEL', KEYS[2], 'shown')
  elseif tonumber(ARGV[6]) > tonumber(meta[3]) then
    redis.call('HSET', KEYS[2], 'shown', ARGV[6])
  end
end
return {'shown'}
""")

# ARGV: command, channel, node, time, term to follow or "", "1" for anew, an epoch nobody had.
# A log of which Redis kept a part only is begun anew: what is left of it tells nobody the truth.
CLAIM = Script("""
local own = redis.call('HMGET', KEYS[1], 'node', 'term')
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'floor', 'at', 'shown')
local known, whole = own[2] or meta[1], own[2] and meta[1]
if whole and meta[2] ~= meta[3] then
  local newest = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
  whole = newest and newest[1] == meta[2] .. '-0'
end
if own[2] and ARGV[5] ~= '' and ARGV[5] ~= own[2] then
  return {'owned', own[1], own[2]}
end
local term = own[2] or '0'
if not whole or ARGV[6] == '1' then
  term = string.format('%d', term + 1)
  redis.call('HSET', KEYS[1], 'node', ARGV[3], 'term', term) -- a full memory refuses it here
  redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
  meta = {ARGV[7], '0', '0', ARGV[4]}
  redis.call('HSET', KEYS[2], 'epoch', meta[1], 'seq', '0', 'floor', '0', 'at', meta[4])
  if known then redis.call(ARGV[1], ARGV[2], meta[1]) end
elseif own[1] ~= ARGV[3] then
  term = string.format('%d', term + 1)
  redis.call('HSET', KEYS[1], 'node', ARGV[3], 'term', term)
end
for i = 1, #KEYS do redis.call('PERSIST', KEYS[i]) end
if meta[5] then
  redis.call('HDEL', KEYS[2], 'shown')
  redis.call(ARGV[1], ARGV[2], meta[1])
end
return {'claimed', term, meta[1], meta[2], meta[3], meta[4]}
""")

# ARGV: command, channel, term, for how many ms the log is kept if nobody claims it.
RELEASE = Script("""
local own = redis.call('HMGET', KEYS[1], 'node', 'term')
local epoch = redis.call('HGET', KEYS[2], 'epoch')
if own[2] ~= ARGV[3] or own[1] == '' or not epoch then return {'none'} end
redis.call('HSET', KEYS[1], 'node', '')
redis.call('HDEL', KEYS[2], 'shown')
for i = 1, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[4]) end
redis.call(ARGV[1], ARGV[2], epoch .. ' R')
return {'released'}
""")

# ARGV: command, channel.
DROP = Script("""
local epoch = redis.call('HGET', KEYS[2], 'epoch')
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
if epoch then redis.call(ARGV[1], ARGV[2], epoch) end
return {'dropped'}
""")

# ARGV: command, channel, seq after which, most entries, "1" for the owner, who sees what is held.
READ = Script("""
local upto = '+'
if ARGV[5] ~= '1' then
  local shown = redis.call('HGET', KEYS[2], 'shown')
  if shown then
    if tonumber(shown) <= tonumber(ARGV[3]) then return {} end
    upto = shown
  end
end
return redis.call('XRANGE', KEYS[3], '(' .. ARGV[3] .. '-0', upto, 'COUNT', ARGV[4])
""")

# ARGV: command, channel, "1" for the owner.
HEAD = Script("""
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'shown')
if not meta[1] then return {} end
if ARGV[3] ~= '1' and meta[3] then return {meta[1], meta[3]} end
return {meta[1], meta[2]}
""")

REPLIES = Script("""
local found, ids = {}, redis.call('LRANGE', KEYS[5], 0, -1)
for i, id in ipairs(ids) do
  local reply = redis.call('HGET', KEYS[4], id)
  if reply then
    found[#found + 1] = id
    found[#found + 1] = reply
  end
end
return found
""")

# ARGV: command, channel, seq up to which, ids kept, for how many ms.
TRIM = Script("""
local meta = redis.call('HMGET', KEYS[2], 'seq', 'floor', 'at')
if not meta[1] then return {'none'} end
local floor = math.min(tonumber(ARGV[3]), tonumber(meta[1]))
if floor > tonumber(meta[2]) then
  redis.call('XTRIM', KEYS[3], 'MINID', string.format('%d', floor + 1) .. '-0')
  redis.call('HSET', KEYS[2], 'floor', string.format('%d', floor))
end
local over = redis.call('LLEN', KEYS[5]) - ARGV[4]
while over > 0 do
  local old = redis.call('LINDEX', KEYS[5], 0)
  local reply = redis.call('HGET', KEYS[4], old)
  local at = reply and tonumber(string.match(reply, ' (%-?%d+) '))
  if at and at >= tonumber(meta[3]) - ARGV[5] then break end
  redis.call('LPOP', KEYS[5])
  redis.call('HDEL', KEYS[4], old)
  over = over - 1
end
return {'trimmed'}
""")

"""The server's atomic operations: Lua scripts on one key, without commands newer than Redis 2.6."""

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum

_ENTRY = """
local found = redis.pcall('GET', KEYS[1])
if type(found) == 'table' and found.err then
  if not string.find(found.err, 'WRONGTYPE', 1, true) then return found end
  found = ''
end
local stands = found and #found >= 81 and string.sub(found, 1, 4) == 'ILR1'
local stamp = stands and string.sub(found, 53, 68)

local function tell(channel, message)
  if channel ~= '' then redis.call('PUBLISH', channel, message) end
end
"""

_PUT = """
local value, ttl, channel, message, useless = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

-- A Lua number is exact up to 2^53 and strings compare by locale, so bytes are compared.
local function above(first, last)
  for i = first, last do
    local theirs, ours = string.byte(found, i), string.byte(value, i)
    if theirs ~= ours then return theirs > ours end
  end
  return false
end

for i = 6, #ARGV do
  if stamp == ARGV[i] then stands = false end
end
if stands and string.sub(found, 5, 44) == useless then stands = false end
local same = stands and stamp == string.sub(value, 53, 68)
local kept = 0
if stands and string.sub(found, 77, 81) == string.sub(value, 77, 81) then
  if above(45, 52) then kept = 1
  elseif same and above(69, 76) then kept = 2
  end
end
if kept ~= 0 and string.sub(found, 5, 44) == redis.sha1hex(string.sub(found, 45)) then
  return {kept, found}
end
if not same then tell(channel, message) end
if ttl == '' then
  redis.call('SET', KEYS[1], value)
else
  redis.call('SET', KEYS[1], value, 'PX', ttl)
end
return {0, ''}
"""

_REMOVE = """
local wanted, channel, message = ARGV[1], ARGV[2], ARGV[3]
if found and wanted ~= '' and stamp ~= wanted then return 0 end
tell(channel, message)
return redis.call('DEL', KEYS[1])
"""


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and the hash by which a server knows it once it was sent."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", digest)


class Outcome(IntEnum):
    """The answers of `PUT`, each with the entry that it left."""

    STORED = 0
    NEWER_STANDS = 1
    VERIFIED_LATER_STANDS = 2


PUT = Script(_ENTRY + _PUT)
"""Arguments: entry, milliseconds to live or "", channel or "", message, checksum or "", stamps.

An entry with this checksum gives way, and one with any of these stamps.
"""

REMOVE = Script(_ENTRY + _REMOVE)
"""Arguments: stamp or "", channel or "", message."""

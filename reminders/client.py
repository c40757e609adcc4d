"""For other programs: take the events of reminders from the Redis list, and say what became of them.

Stands alone: copy this file; it needs the package ``redis`` (8 or newer) and a Redis server from 6.2 on.

    events = Events("redis://127.0.0.1:6379/0", consumer="mailer-1")
    while True:
        if event := events.take(wait=5):
            try:
                send_mail(event.payload)
            except Exception as error:
                events.nack(event, str(error))  # again after a while
            else:
                events.ack(event)

Whoever takes an event has it for 60 seconds, longer with ``extend``. Without an acknowledgement it comes again after
10 s, 1 min, 5 min and 30 min with the same ``event_id``, then it is given up. It may come twice: do what must be done
once by its ``event_id``. An acknowledgement is good whenever it comes.

Each verb is one Lua script, so a program that dies between two commands loses nothing:

    <queue>             the list: JSON texts, pushed left, taken right
    <queue>:waiting     sorted set: the ids in the list, since when (ms)
    <queue>:processing  hash: id → the event's text, of what was taken
    <queue>:leases      sorted set: id → until when it is taken (ms)
    <queue>:gone        sorted set: ids that are done or withdrawn; a copy of them is not handed out
    <queue>:news        stream: what was taken, acknowledged, refused; Sekretar reads it
    <queue>:newer       hash: id → the text of a later attempt, handed out in place of the one in the list
"""

import json
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import redis
import redis.asyncio

QUEUE = "queue:to_assistant"
LEASE_SECONDS = 60
# Seconds for which an id that is done is remembered in Redis.
GONE_SECONDS = 3600
# How many ids that it acknowledged a client remembers.
REMEMBERED = 10_000
# Seconds of one wait for the server; the package gives a server up that says nothing for 5.
LONGEST_WAIT = 2.0
# Less than a millisecond is for ever to older servers.
SHORTEST_WAIT = 0.01

NOW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""
# KEYS: those of keys_of. ARGV: consumer, seconds. The text of an event, or nothing.
TAKE = (
    NOW
    + """
while true do
  local text = redis.call('RPOP', KEYS[1])
  if not text then return false end
  local sound, event = pcall(cjson.decode, text)
  if sound and type(event) == 'table' and type(event.event_id) == 'string' then
    local id, attempt = event.event_id, tonumber(event.attempt) or 1
    redis.call('ZREM', KEYS[2], id)
    local newer = redis.call('HGET', KEYS[7], id)
    if newer then
      redis.call('HDEL', KEYS[7], id)
      text, attempt = newer, tonumber(cjson.decode(newer).attempt) or attempt
    end
    if not redis.call('ZSCORE', KEYS[5], id) and redis.call('HEXISTS', KEYS[3], id) == 0 then
      local untl = now + tonumber(ARGV[2]) * 1000
      redis.call('HSET', KEYS[3], id, text)
      redis.call('ZADD', KEYS[4], untl, id)
      local said = {'what', 'take', 'id', id, 'attempt', attempt, 'consumer', ARGV[1], 'until', untl}
      redis.call('XADD', KEYS[6], '*', unpack(said))
      return text
    end
  end
end
"""
)
# ARGV: id, consumer, result. 1, or 0 when that was known.
ACK = (
    NOW
    + f"""
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
if redis.call('ZSCORE', KEYS[5], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[5], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - {GONE_SECONDS * 1000})
redis.call('XADD', KEYS[6], '*', 'what', 'ack', 'id', ARGV[1], 'consumer', ARGV[2], 'text', ARGV[3])
return 1
"""
)
# Whether this attempt is the one that is taken. ARGV: id, attempt, …
HELD = """
local held = redis.call('HGET', KEYS[3], ARGV[1])
if not held or (tonumber(cjson.decode(held).attempt) or 1) ~= tonumber(ARGV[2]) then return 0 end
"""
# ARGV: id, attempt, consumer, error.
NACK = (
    HELD
    + """
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
local said = {'what', 'nack', 'id', ARGV[1], 'attempt', ARGV[2], 'consumer', ARGV[3], 'text', ARGV[4]}
redis.call('XADD', KEYS[6], '*', unpack(said))
return 1
"""
)
# ARGV: id, attempt, consumer, seconds.
EXTEND = (
    NOW
    + HELD
    + """
local untl = now + tonumber(ARGV[4]) * 1000
redis.call('ZADD', KEYS[4], untl, ARGV[1])
local said = {'what', 'extend', 'id', ARGV[1], 'attempt', ARGV[2], 'consumer', ARGV[3], 'until', untl}
redis.call('XADD', KEYS[6], '*', unpack(said))
return 1
"""
)


def keys_of(queue: str = QUEUE) -> list[str]:
    """The keys that the scripts get, in their order."""
    return [queue, *(f"{queue}:{name}" for name in ("waiting", "processing", "leases", "gone", "news", "newer"))]


@dataclass(frozen=True)
class Event:
    """A reminder that came due. ``payload`` holds reminder_id, user_id, reminder_type, payload, triggered_at,
    created_at; ``attempt`` counts from 1."""

    event_id: str
    attempt: int
    assistant_id: str | None
    payload: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> "Event":
        found = json.loads(text)
        return cls(
            found["event_id"], int(found.get("attempt", 1)), found.get("assistant_id"), found.get("payload") or {}
        )


def _bounded(wait: float) -> float:
    return max(SHORTEST_WAIT, min(wait, LONGEST_WAIT))


class _Consumer:
    """What both kinds of client share. ``consumer`` names this program in the record: up to 60 characters."""

    def __init__(self, consumer: str, queue: str, lease: int) -> None:
        self.consumer, self.queue, self.lease = consumer[:60], queue, lease
        self._keys = keys_of(queue)
        self._done: OrderedDict[str, None] = OrderedDict()

    def _remember(self, event_id: str) -> None:
        self._done[event_id] = None
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)


class Events(_Consumer):
    """The blocking client. ``server``: an address, or a ``redis.Redis`` with ``decode_responses``."""

    def __init__(
        self, server: "str | redis.Redis", *, consumer: str, queue: str = QUEUE, lease: int = LEASE_SECONDS
    ) -> None:
        super().__init__(consumer, queue, lease)
        self.redis: Any = redis.Redis.from_url(server, decode_responses=True) if isinstance(server, str) else server
        self._take, self._ack, self._nack, self._extend = map(self.redis.register_script, (TAKE, ACK, NACK, EXTEND))

    def take(self, wait: float = 0.0) -> Event | None:
        """The next event, now ours for ``lease`` seconds; None when there is none within ``wait`` seconds."""
        until = time.monotonic() + wait
        while (found := self._next()) is None and (left := until - time.monotonic()) > 0:
            # Nothing is moved: this waits for the list to hold something.
            self.redis.blmove(self.queue, self.queue, _bounded(left), "RIGHT", "RIGHT")
        return found

    def _next(self) -> Event | None:
        while text := self._take(self._keys, [self.consumer, self.lease]):
            event = Event.read(text)
            if event.event_id not in self._done:
                return event
            self.ack(event)  # a copy of what this program has done
        return None

    def ack(self, event: Event | str, result: str = "") -> bool:
        """It is done; ``result`` is kept with it. False when that was known. By its id also later than the lease."""
        event_id = event if isinstance(event, str) else event.event_id
        self._remember(event_id)
        return bool(self._ack(self._keys, [event_id, self.consumer, result[:500]]))

    def nack(self, event: Event, error: str = "") -> bool:
        """It could not be done: it comes again after a while. False when it is not ours any more."""
        return bool(self._nack(self._keys, [event.event_id, event.attempt, self.consumer, error[:500]]))

    def extend(self, event: Event, seconds: int = LEASE_SECONDS) -> bool:
        """Keep it for ``seconds`` from now on. False when it is not ours any more."""
        return bool(self._extend(self._keys, [event.event_id, event.attempt, self.consumer, seconds]))


class AsyncEvents(_Consumer):
    """The same for asyncio. ``server``: an address, or a ``redis.asyncio.Redis`` with ``decode_responses``."""

    def __init__(
        self, server: "str | redis.asyncio.Redis", *, consumer: str, queue: str = QUEUE, lease: int = LEASE_SECONDS
    ) -> None:
        super().__init__(consumer, queue, lease)
        self.redis: Any = (
            redis.asyncio.Redis.from_url(server, decode_responses=True) if isinstance(server, str) else server
        )
        self._take, self._ack, self._nack, self._extend = map(self.redis.register_script, (TAKE, ACK, NACK, EXTEND))

    async def take(self, wait: float = 0.0) -> Event | None:
        until = time.monotonic() + wait
        while (found := await self._next()) is None and (left := until - time.monotonic()) > 0:
            await self.redis.blmove(self.queue, self.queue, _bounded(left), "RIGHT", "RIGHT")
        return found

    async def _next(self) -> Event | None:
        while text := await self._take(self._keys, [self.consumer, self.lease]):
            event = Event.read(text)
            if event.event_id not in self._done:
                return event
            await self.ack(event)
        return None

    async def ack(self, event: Event | str, result: str = "") -> bool:
        event_id = event if isinstance(event, str) else event.event_id
        self._remember(event_id)
        return bool(await self._ack(self._keys, [event_id, self.consumer, result[:500]]))

    async def nack(self, event: Event, error: str = "") -> bool:
        return bool(await self._nack(self._keys, [event.event_id, event.attempt, self.consumer, error[:500]]))

    async def extend(self, event: Event, seconds: int = LEASE_SECONDS) -> bool:
        return bool(await self._extend(self._keys, [event.event_id, event.attempt, self.consumer, seconds]))

    async def close(self) -> None:
        await self.redis.aclose()

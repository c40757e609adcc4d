"""The Redis list: events out, and what consumers say of them back into the rows.

    outbox rows ─▶ drain ─▶ PUSH ─▶ list ─▶ a consumer's take (reminders/client.py) ─▶ …:news ─▶ run ─▶ services

The rows hold the truth. Redis may be away (rows wait), lose what it had, or come back as it was an hour ago: a marker
names the server's run and is set anew after all open events were pushed again. A push of what is in the list, is taken
at this attempt, or is done changes nothing, so pushing too often is harmless.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
import structlog
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from core.db import in_db
from reminders import events
from reminders.client import GONE_SECONDS, NOW, QUEUE, keys_of
from reminders.models import Occurrence
from reminders.services import firing
from reminders.services.sinks import REDIS, sinks_of
from reminders.sinks import news

log = structlog.get_logger(__name__)

LANE = f"event:{REDIS}"
MOST = 250  # events in one go
LONGEST_PAUSE = 30.0  # seconds between two attempts to reach a server that is away
SAY_AGAIN = 300.0  # seconds between two lines in the log about the same trouble
LOOK_SECONDS = 1.0
BLOCK_MS = 500
LATE_NEWS = 2.0  # seconds; less than events.GRACE
MOST_LOOKED_AT = 1000
MOST_SEARCHED = 10_000  # texts in the list, while the server waits
MARKER = f"{QUEUE}:filled"
AWAY = (RedisError, OSError)

# KEYS as the client's. ARGV: id, attempt, text for each event. How many were new. A copy that waits may be of an
# attempt that somebody refused over REST: it cannot be found in a long list, so this one is handed out in its place.
PUSH = (
    NOW
    + """
local pushed = 0
for i = 1, #ARGV, 3 do
  local id, attempt = ARGV[i], tonumber(ARGV[i + 1])
  local held = redis.call('HGET', KEYS[3], id)
  local working = held and (tonumber(cjson.decode(held).attempt) or 1) >= attempt
  if not working and not redis.call('ZSCORE', KEYS[5], id) then
    if held then
      redis.call('HDEL', KEYS[3], id)
      redis.call('ZREM', KEYS[4], id)
    end
    if not redis.call('ZSCORE', KEYS[2], id) then
      redis.call('LPUSH', KEYS[1], ARGV[i + 2])
      redis.call('ZADD', KEYS[2], now, id)
      pushed = pushed + 1
    elseif attempt > 1 then
      redis.call('HSET', KEYS[7], id, ARGV[i + 2])
    end
  end
end
return pushed
"""
)
# ARGV: ids that are done or withdrawn. They are not handed out any more, and what they say does not stay: how many left
# the list. In a long one they cannot be looked for; there a consumer throws them away.
FORGET = (
    NOW
    + f"""
local waiting = {{}}
for i = 1, #ARGV do
  redis.call('ZADD', KEYS[5], now, ARGV[i])
  redis.call('HDEL', KEYS[3], ARGV[i])
  redis.call('ZREM', KEYS[4], ARGV[i])
  redis.call('HDEL', KEYS[7], ARGV[i])
  if redis.call('ZSCORE', KEYS[2], ARGV[i]) then waiting[ARGV[i]] = true end
end
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - {GONE_SECONDS * 1000})
if not next(waiting) or redis.call('LLEN', KEYS[1]) > {MOST_SEARCHED} then return 0 end
local left = 0
for place, text in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local id = string.match(text, '"event_id":"([^"]+)"')
  if id and waiting[id] then
    redis.call('LSET', KEYS[1], place - 1, '')
    redis.call('ZREM', KEYS[2], id)
    left = left + 1
  end
end
redis.call('LREM', KEYS[1], 0, '')
return left
"""
)
# Programs that pop the list themselves, without the script, have taken what is not in it any more. ARGV: lease (s).
STRAYS = (
    NOW
    + """
local length = redis.call('LLEN', KEYS[1])
if length >= redis.call('ZCARD', KEYS[2]) or length > 10000 then return 0 end
local there, strays = {}, 0
for _, text in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local sound, event = pcall(cjson.decode, text)
  if sound and type(event) == 'table' and type(event.event_id) == 'string' then there[event.event_id] = true end
end
local untl = now + tonumber(ARGV[1]) * 1000
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, 9999)) do
  if not there[id] then
    redis.call('ZREM', KEYS[2], id)
    redis.call('HDEL', KEYS[7], id)
    redis.call('XADD', KEYS[6], '*', 'what', 'take', 'id', id, 'attempt', '', 'consumer', '?', 'until', untl)
    strays = strays + 1
  end
end
return strays
"""
)


@dataclass
class Patience:
    """How long a server that does not answer is left alone: 1, 2, 4 … 30 s."""

    pause: float = 0.0
    until: float = 0.0

    @property
    def is_short(self) -> bool:
        """True when it is too early to ask again."""
        return time.monotonic() < self.until

    def lose(self) -> None:
        self.pause = min(LONGEST_PAUSE, max(1.0, self.pause * 2))
        self.until = time.monotonic() + self.pause

    def regain(self) -> None:
        self.pause = self.until = 0.0


class Server:
    """The Redis server as one event loop knows it, and whether it is away."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.redis: Any = redis.asyncio.Redis.from_url(
            url,
            decode_responses=True,
            encoding_errors="replace",
            socket_connect_timeout=2,
            socket_timeout=10,
            # Once more at once: a server that was started anew broke the lines that were open.
            retry=Retry(NoBackoff(), 1),
        )
        self.push, self.forget, self.strays = map(self.redis.register_script, (PUSH, FORGET, STRAYS))
        self.keys = keys_of()
        self.out, self.back = Patience(), Patience()
        self._said_at: float | None = None
        self._offset = 0

    def failed(self, patience: Patience, error: Exception) -> None:
        """Told rarely, and not in the library's words, which may hold the address."""
        patience.lose()
        if self._said_at is None or time.monotonic() - self._said_at >= SAY_AGAIN:
            self._said_at = time.monotonic()
            log.warning("Redis does not answer, events wait", error=_kind(error), again_in=patience.pause)

    def answered(self, patience: Patience) -> None:
        patience.regain()
        if self._said_at is not None:
            self._said_at = None
            log.info("Redis answers again")

    def next_ids(self, waiting: int) -> tuple[int, int]:
        """Which part of the ``waiting`` ids is looked at this time; over time all are."""
        start = self._offset if self._offset < waiting else 0
        self._offset = start + MOST_LOOKED_AT
        return start, self._offset - 1

    def moved_up(self, by: int) -> None:
        """So many of the waiting ids are gone: those behind them stand where they stood."""
        self._offset = max(0, self._offset - by)


def _kind(error: Exception) -> str:
    """The error's name; of the server's own errors also their code: OOM, WRONGTYPE, NOAUTH …"""
    name = type(error).__name__
    return f"{name} {str(error).split(' ')[0][:30]}" if isinstance(error, ResponseError) else name


_servers: "WeakKeyDictionary[asyncio.AbstractEventLoop, Server]" = WeakKeyDictionary()


def server() -> Server:
    loop = asyncio.get_running_loop()
    known = _servers.get(loop)
    if known is None or known.url != settings.REDIS_URL:
        known = _servers[loop] = Server(settings.REDIS_URL)
    return known


async def close() -> None:
    """Let this loop's connections go."""
    known = _servers.pop(asyncio.get_running_loop(), None)
    if known is not None:
        await known.redis.aclose()


# --- out ------------------------------------------------------------------------------------------------------------


async def drain(lane: str) -> bool:
    """Push the next few events; False when there are none, or the server is away."""
    there = server()
    if there.out.is_short:
        return False
    batch = await in_db(events.claim, lane, MOST, timezone.now())
    if not batch:
        return False
    try:
        await push(there, [(event.id, event.attempt, event.text) for event in batch])
    except AWAY as error:
        there.failed(there.out, error)
        await in_db(events.put_back, batch, there.out.pause, timezone.now())
        return False
    there.answered(there.out)
    await in_db(events.sent, batch, timezone.now())
    return True


async def push(there: Server, found: Iterable[tuple[str, int, str]]) -> int:
    pushed: int = await there.push(there.keys, [part for one in found for part in one])
    return pushed


# --- back -----------------------------------------------------------------------------------------------------------


async def run(stop: asyncio.Event) -> None:
    """Carry what consumers say into the rows, and keep the list as the rows say, until ``stop``."""
    looked_at = 0.0
    try:
        while not stop.is_set():
            there = server()
            if there.back.is_short:
                await _rest(stop)
                continue
            if time.monotonic() - looked_at >= LOOK_SECONDS:
                looked_at = time.monotonic()
                await _attend(there, look(there))
            if not there.back.is_short:
                await _attend(there, carry(there, block=BLOCK_MS))
    finally:
        await close()


async def _attend(there: Server, work: Coroutine[Any, Any, Any]) -> None:
    try:
        await work
    except AWAY as error:
        there.failed(there.back, error)
    except DatabaseError as error:
        there.back.lose()
        log.warning("what consumers say waits for the database", error=type(error).__name__)
    else:
        there.answered(there.back)


async def _rest(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_SECONDS):
            await stop.wait()


async def look(there: Server) -> None:
    """Fill the list when it was lost; take out of it what is withdrawn or done; see what others took."""
    await fill(there)
    await there.strays(there.keys, [firing.LEASE_SECONDS])
    await settle(there)


async def carry(there: Server, *, block: int | None = None) -> int:
    """Write down what consumers took, acknowledged and refused; how many news there were. ``block``: wait so many ms
    for some."""
    found = await there.redis.xread({there.keys[5]: "0-0"}, count=news.MOST, block=block)
    # Redis answers as a list or, in its newer protocol, as a mapping.
    streams = dict(found) if found else {}
    entries = [entry for batch in streams.get(there.keys[5], []) for entry in _flat(batch)]
    if entries:
        seconds, micros = await there.redis.time()
        await in_db(news.write_down, [fields for _id, fields in entries], seconds + micros / 1e6, timezone.now())
        await there.redis.xdel(there.keys[5], *(number for number, _fields in entries))
    return len(entries)


def _flat(batch: Any) -> list[tuple[str, dict[str, str]]]:
    return [batch] if isinstance(batch, tuple) else list(batch)


async def all_told() -> bool:
    """Whether what consumers said until a moment ago is written down. A server that is away tells nothing."""
    there = server()
    if there.back.is_short:
        return True
    try:
        first = await there.redis.xrange(there.keys[5], count=1)
        seconds, _micros = await there.redis.time()
    except AWAY as error:
        there.failed(there.back, error)
        return True
    return not first or int(first[0][0].partition("-")[0]) / 1000 > seconds - LATE_NEWS


async def fill(there: Server) -> int:
    """Push all open events again when the server lost them, or may have: it was emptied, or started anew. How many."""
    marker = await there.redis.get(MARKER)
    run_id = await _run_of(there)
    if marker is not None and marker.partition(":")[0] == run_id:
        return 0
    token = f"filling:{uuid4().hex}"
    await there.redis.set(MARKER, token)
    pushed = await _push_open(there)
    await settle(there, everything=True)
    # Emptied once more meanwhile: then the marker is gone, and all begins anew.
    if await there.redis.get(MARKER) == token:
        await there.redis.set(MARKER, f"{run_id}:{uuid4().hex}")
    if pushed:
        log.warning("Redis had lost events, they were pushed again", events=pushed)
    return pushed


async def _run_of(there: Server) -> str:
    """The name of the server's run. Empty where it may not be asked for (careful operators take INFO away): then only
    a server that was emptied is noticed, not one that came back as it was a while ago."""
    try:
        return str((await there.redis.info("server")).get("run_id", ""))
    except ResponseError:
        return ""


async def _push_open(there: Server) -> int:
    pushed, after = 0, UUID(int=0)
    while keys := await in_db(_out_after, after):
        after = keys[-1]
        pushed += await push(there, await in_db(_as_pushed, keys))
    return pushed


def _out_after(after: UUID) -> list[UUID]:
    """The next occurrences of which consumers must have an event."""
    rows = Occurrence.objects.filter(state=Occurrence.State.QUEUED, awaits_ack=True, pk__gt=after)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:MOST])


def _as_pushed(keys: Sequence[UUID]) -> list[tuple[str, int, str]]:
    found = events.readable(Occurrence.objects.filter(pk__in=keys))
    sinks = sinks_of([row.reminder for row in found])
    ours = [(row, max(row.attempts, 1)) for row in found if REDIS in sinks[row.reminder_id]]
    firing.handed_over({row.pk: attempt for row, attempt in ours})
    return [(str(row.pk), attempt, events.text_of(row, attempt)) for row, attempt in ours]


async def settle(there: Server, *, everything: bool = False) -> int:
    """Take out what is done or withdrawn by now; how many. A part of the waiting ids each time."""
    waiting = await there.redis.zcard(there.keys[1])
    seconds, _micros = await there.redis.time()
    ended = await there.redis.zrangebyscore(there.keys[3], "-inf", seconds * 1000, 0, MOST_LOOKED_AT)
    gone = await _forget_over(there, ended) if ended else 0
    if dead := await in_db(news.given_up, ended) if ended else []:
        await there.redis.hdel(there.keys[2], *dead)
        await there.redis.zrem(there.keys[3], *dead)
    for _part in range(0, waiting if everything else min(waiting, 1), MOST_LOOKED_AT):
        gone += await _forget_over(there, await there.redis.zrange(there.keys[1], *there.next_ids(waiting)))
    return gone


async def _forget_over(there: Server, ids: Sequence[str]) -> int:
    over = await in_db(news.over, ids)
    if over:
        there.moved_up(await there.forget(there.keys, over))
    return len(over)


# --- withdrawn at this moment ---------------------------------------------------------------------------------------

_asked_again_at = 0.0


def forget(keys: Iterable[UUID]) -> None:
    """Take events out of the list at once, from any thread. Where that fails, ``run`` does it within seconds."""
    global _asked_again_at
    if time.monotonic() < _asked_again_at:
        return
    # Of its own, and quick to give up: somebody waits for the verb that withdraws.
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.3, socket_timeout=0.5)
    try:
        client.register_script(FORGET)(keys_of(), [str(key) for key in keys])
    except AWAY as error:
        _asked_again_at = time.monotonic() + LONGEST_PAUSE
        log.debug("not withdrawn at once", error=_kind(error))
    finally:
        client.close()

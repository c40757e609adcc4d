"""Announcements: written, seen, sent to everybody who is in and wants them, and reported.

Lanes ``announce:<id>``: each drain enqueues the next few people after ``Broadcast.reached`` in the transaction that
moves it, so a process that dies leaves nobody out and asks nobody twice; the sweep goes on once a second. Few are
open at any time, each on a lane of its own, so answers to people are not held up. What a dying process may have sent
is left in doubt and told in the report: nobody reads an announcement twice unless an admin says so.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Count, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat, Now
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import Access, User
from core.db import in_db
from core.show import number
from delivery import engine
from delivery import services as delivery
from delivery.models import Delivery, Doubt
from telegram_bot import outgoing
from telegram_bot.access import escaped
from telegram_bot.admin_chat import command
from telegram_bot.incoming import language_of
from telegram_bot.markdown import Part
from telegram_bot.models import Broadcast
from telegram_bot.outgoing import Key, Keyboard, Place, bot_id

SOURCE = "announcement"
LANE = "announce"
# Callback data of the button under each announcement; it holds for whoever presses it, as long as the message lives.
OFF, ON = "announce:off", "announce:on"
# Of the bot's own rate, so that the rest is there for answers.
SHARE = 0.4
BATCH_WITHOUT_LIMIT = 50
WINDOWS = 4  # batches that may be on their way at once
SKEW = timedelta(minutes=1)  # between the clocks of two machines, at most

State = Broadcast.State


def audience() -> QuerySet[User]:
    """Everybody who is in and gets announcements, in the order they are reached."""
    people = User.objects.filter(status=Access.ACTIVE, is_active=True, telegram_id__isnull=False, broadcasts=True)
    return people.order_by("pk")


def draft(text: str, entities: list[dict[str, Any]], *, by: User, place: Place, now: datetime) -> Broadcast:
    return Broadcast.objects.create(
        text=text, entities=entities, created_by=by, created_at=now, chat_id=place.chat_id, thread_id=place.thread
    )


def parts(broadcast: Broadcast) -> list[Part]:
    return [Part(broadcast.text, broadcast.entities)]


def keyboard() -> Keyboard:
    return [[Key(_("🔕 No more announcements"), callback=OFF)]]


@transaction.atomic
def start(broadcast: Broadcast, now: datetime) -> bool:
    """Let a draft leave; False when it left, or was given up, before."""
    drafts = Broadcast.objects.filter(pk=broadcast.pk, state=State.DRAFT)
    if not drafts.update(state=State.SENDING, started_at=now):
        return False
    engine.wake_on_commit(lane_of(broadcast.pk))
    return True


@transaction.atomic
def stop(broadcast: Broadcast, now: datetime) -> bool:
    """Give a draft up, or send no more of what is leaving; False when it is over already."""
    open_ones = Broadcast.objects.filter(pk=broadcast.pk, state__in=(State.DRAFT, State.SENDING))
    if not open_ones.update(state=State.CANCELLED, finished_at=now):
        return False
    for row in deliveries(broadcast).filter(state=Delivery.State.QUEUED):
        delivery.cancel(row, now=now)
    return True


@transaction.atomic
def again(broadcast: Broadcast, now: datetime) -> int:
    """Send once more to those who may not have got it; to how many."""
    doubtful = deliveries(broadcast).filter(state=Delivery.State.UNKNOWN)
    return sum(delivery.retry(row, now=now) for row in doubtful)


def deliveries(broadcast: Broadcast) -> QuerySet[Delivery]:
    """The messages of an announcement, looked for among those of its time: that column has an index everywhere."""
    rows = Delivery.objects.filter(source=SOURCE, key__startswith=f"broadcast:{broadcast.pk}:")
    rows = rows.filter(created_at__gte=broadcast.created_at)
    return rows.filter(created_at__lte=broadcast.finished_at + SKEW) if broadcast.finished_at else rows


def counts(broadcast: Broadcast) -> dict[str, int]:
    """How many were reached, are unreachable, failed otherwise, are in doubt, are on their way."""
    states = Delivery.State
    unreachable = Q(state=states.FAILED, error_kind="forbidden")
    return deliveries(broadcast).aggregate(
        sent=Count("pk", filter=Q(state=states.SENT)),
        unreachable=Count("pk", filter=unreachable),
        failed=Count("pk", filter=Q(state__in=(states.FAILED, states.CANCELLED)) & ~unreachable),
        unknown=Count("pk", filter=Q(state=states.UNKNOWN)),
        open=Count("pk", filter=Q(state__in=Delivery.OPEN)),
    )


def with_counts(rows: QuerySet[Broadcast]) -> QuerySet[Any]:
    """Each with ``sent`` and ``not_sent``; as ``deliveries``, for many at once."""
    ended = (Delivery.State.FAILED, Delivery.State.CANCELLED, Delivery.State.UNKNOWN)
    return rows.annotate(sent=_count_in((Delivery.State.SENT,)), not_sent=_count_in(ended))


def _count_in(states: tuple[Delivery.State, ...]) -> Coalesce:
    prefix = Concat(Value("broadcast:"), Cast(OuterRef("pk"), CharField()), Value(":"))
    until = Coalesce(OuterRef("finished_at"), Now()) + SKEW
    found = Delivery.objects.filter(source=SOURCE, state__in=states, key__startswith=prefix)
    found = found.filter(created_at__gte=OuterRef("created_at"), created_at__lte=until)
    return Coalesce(Subquery(found.values("source").annotate(count=Count("pk")).values("count")), 0)


# --- the lane -------------------------------------------------------------------------------------------------------


def lane_of(pk: int) -> str:
    return f"{LANE}:{pk}"


async def drain(lane: str) -> bool:
    """Enqueue the next few, or report; False: nothing more until the next sweep."""
    await in_db(step, int(lane.partition(":")[2]), timezone.now())
    return False


def waiting_lanes() -> dict[str, int]:
    unfinished = Broadcast.objects.filter(state=State.SENDING).values_list("pk", flat=True)
    return {lane_of(pk): 1 for pk in unfinished}


def recover(*, everything: bool) -> int:
    """Nothing is held: what is not finished goes on with the next sweep."""
    return 0


@transaction.atomic
def step(pk: int, now: datetime) -> int:
    """Enqueue for the next people, as many as may be on their way; how many. At the end, report."""
    broadcast = Broadcast.objects.select_for_update().filter(pk=pk, state=State.SENDING).first()
    if broadcast is None:
        return 0
    on_their_way = deliveries(broadcast).filter(state__in=Delivery.OPEN).count()
    room = min(batch(), batch() * WINDOWS - on_their_way)
    people = list(audience().filter(pk__gt=broadcast.reached)[:room]) if room > 0 else []
    if people:
        delivery.enqueue([_message(broadcast, user) for user in people])
        broadcast.reached, broadcast.enqueued = people[-1].pk, broadcast.enqueued + len(people)
        broadcast.save(update_fields=["reached", "enqueued"])
    elif room > 0 and not on_their_way:
        _finish(broadcast, now)
    return len(people)


def batch() -> int:
    """People a second."""
    return max(1, int(settings.TELEGRAM_RATE_BOT * SHARE)) if settings.TELEGRAM_RATE_BOT else BATCH_WITHOUT_LIMIT


def _message(broadcast: Broadcast, user: User) -> Delivery:
    assert user.telegram_id is not None
    with translation.override(language_of(user)):
        params: dict[str, Any] = {
            "chat_id": user.telegram_id,
            "text": broadcast.text,
            "link_preview_options": {"is_disabled": True},
            "reply_markup": outgoing.markup(keyboard(), [], None, user.telegram_id),
        }
    if broadcast.entities:
        params["entities"] = broadcast.entities
    place = Place(bot_id(), user.telegram_id)
    key = f"broadcast:{broadcast.pk}:{user.telegram_id}"
    row = outgoing.message(key, place, {"method": "sendMessage", "params": params}, SOURCE)
    # Not on the chat's lane: an announcement that must be tried again would hold the person's answers up.
    row.lane = f"out:{place.bot_id}:{LANE}:{place.chat_id}"
    row.on_doubt = Doubt.ASK
    return row


# --- the report -----------------------------------------------------------------------------------------------------


def _finish(broadcast: Broadcast, now: datetime) -> None:
    broadcast.state, broadcast.finished_at, broadcast.reported_at = State.DONE, now, now
    broadcast.save(update_fields=["state", "finished_at", "reported_at"])
    place = Place(bot_id(), broadcast.chat_id, broadcast.thread_id)
    counted = counts(broadcast)
    with translation.override(language_of(broadcast.created_by)):
        said, keys = report(broadcast, counted), ways_on(broadcast, counted)
        outgoing.say(f"announced:{broadcast.pk}", place, said, keys, source="notice")


def ways_on(broadcast: Broadcast, counted: Mapping[str, int]) -> Keyboard:
    """What can be done about an announcement as it stands."""

    def way(label: str, verb: str) -> Key:
        return command.key(label, "broadcast", verb, broadcast.pk)

    if broadcast.state == State.DRAFT:
        return [[way(_("✅ Send"), "send"), way(_("✖️ Cancel"), "cancel")]]
    if broadcast.state == State.SENDING:
        return [[way(_("✖️ Stop"), "cancel")]]
    count = counted["unknown"]
    return [[way(_("↻ Send again to %(count)d") % {"count": count}, "again")]] if count else []


def report(broadcast: Broadcast, counted: Mapping[str, int]) -> str:
    """How far an announcement came, or what became of it."""
    states = {
        State.DRAFT: _("📣 Not sent yet."),
        State.SENDING: _("📣 On its way."),
        State.DONE: _("📣 The announcement is out."),
        State.CANCELLED: _("📣 Stopped."),
    }
    lines = [f"{states[State(broadcast.state)]} «{escaped(broadcast.text[:60])}»"]
    return "\n".join(lines if broadcast.state == State.DRAFT else [*lines, *figures(counted)])


def figures(counted: Mapping[str, int]) -> Iterator[str]:
    """What ``counts`` found, a line for each; those of nobody are left out, but for the first."""
    lines = {
        "sent": _("✅ sent: %(count)s"),
        "unreachable": _("🔇 unreachable (the bot is blocked or was never started): %(count)s"),
        "failed": _("⚠️ failed: %(count)s"),
        "unknown": _("❔ in doubt (it may have arrived): %(count)s"),
        "open": _("⏳ on their way: %(count)s"),
    }
    for name, line in lines.items():
        if counted[name] or name == "sent":
            yield line % {"count": number(counted[name])}

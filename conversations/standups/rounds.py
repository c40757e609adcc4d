"""The verbs of stand-ups: begin a round, ask, take an answer, end it. Each is one short transaction.

Who is asked later, by their own clock, and the end of the round are schedules like all that is planned; what happens
then is in conversations/standups/source.py.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Access, Chat, ChatKind, User
from conversations.models import Leave, Request, StandUp, StandUpMember
from conversations.services.library import zone_of
from conversations.standups import leaves, words
from conversations.standups.plan import BadPlan, Plan, read
from core.privacy import GRACE, contents_stay, delete_in_batches, older_than
from delivery import planning
from delivery import services as delivery
from delivery.models import Delivery, Schedule
from delivery.schedule import Once
from llm.tasks import Task
from telegram_bot import outgoing
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming, language_of
from telegram_bot.lanes import body_of
from telegram_bot.markdown import MESSAGE_UNITS, Part, units
from telegram_bot.models import Update
from telegram_bot.outgoing import Place, bot_id

SOURCE = "standup"
State = StandUpMember.State
# An answer that is none.
PASSES = {"-", "—", "–", "skip", "pass", "пропуск", "пропускаю", "пасс"}
MOST_MESSAGES = 20  # in which one member answers


# --- begin ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def begin(task: Task, now: datetime) -> str:
    """Begin the round of this run; what came of it, for the record. Once, however often the run is tried.

    Raises plan.BadPlan.
    """
    plan = read(task.payload, zone_of(task.user))
    day = plan.day_for(task.planned_at)
    if day is None:
        return _("left out: a day off")
    if (known := StandUp.objects.filter(key=task.key).first()) is not None:
        return words.begun(known, list(members_of(known)))
    moved = day != plan.date_of(task.planned_at)
    if _is_taken(task, day, moved):
        return _("left out: that day has a stand-up already")
    chat = _chat(plan, task.user, task.chat, task.chat.bot_id) or task.chat
    people = _people(plan, chat)
    if not people:
        return _("left out: nobody is there to be asked")
    standup = StandUp(
        key=task.key,
        series=task.reminder_id,
        user=task.user,
        chat=chat,
        thread_id=task.thread if chat.pk == task.chat.pk else 0,
        assistant_id=task.assistant,
        plan=task.payload,
        day=day,
        moved=moved,
        created_at=now,
    )
    on_leave = leaves.on_leave(people, day)
    members = [_member(standup, plan, user, task, now, user.pk in on_leave) for user in people]
    asked = [member.ask_at for member in members if member.state == State.WAITING]
    standup.post_at = plan.post_at(max(now, min(asked, default=now)), max(asked, default=now))
    standup.save(force_insert=True)
    StandUpMember.objects.bulk_create(members)
    _plan_rest(standup, members, now)
    return words.begun(standup, members)


def _is_taken(task: Task, day: date, moved: bool) -> bool:
    """Whether a run that moved there meets another one. A series may well run twice a day."""
    there = StandUp.objects.filter(series=task.reminder_id, day=day)
    return there.exists() if moved else there.filter(moved=True).exists()


def _chat(plan: Plan, user: User, chat: Chat | None, bot: int) -> Chat | None:
    """Where the stand-up of ``user`` belongs that is planned in ``chat``. A program may plan it for a group that its
    person is in. Raises BadPlan."""
    if plan.group is None or (chat is not None and plan.group == chat.telegram_id):
        return chat
    groups = Chat.objects.filter(bot_id=bot, telegram_id=plan.group, status=Access.ACTIVE)
    group = groups.exclude(kind=ChatKind.PRIVATE).first()
    if group is None or not (user.is_bot_admin or user in _writers(group)):
        raise BadPlan(_("This group is not let in, or the person whose stand-up it is has never written there."))
    return group


def wrong_with(user: User, chat: Chat | None, payload: dict[str, Any]) -> str:
    """What is wrong with a stand-up before it is planned (settings.TASK_CHECKS)."""
    try:
        _chat(read(payload, zone_of(user)), user, chat, chat.bot_id if chat is not None else bot_id())
    except BadPlan as error:
        return str(error)
    return ""


def _people(plan: Plan, chat: Chat) -> list[User]:
    """Those who are named, else those who are in and wrote in the group."""
    if plan.members:
        return list(User.objects.filter(telegram_id__in=plan.members, status=Access.ACTIVE, is_active=True))
    return [chat.person] if chat.person is not None else _writers(chat)


def _writers(chat: Chat) -> list[User]:
    """Who may use the bot and has written in the group, as far as it is on record."""
    asked = Request.objects.filter(conversation__chat=chat).values("user")
    wrote = Update.objects.filter(bot_id=chat.bot_id, chat_id=chat.telegram_id, kind="message")
    ids = set(wrote.values_list("raw__message__from__id", flat=True).distinct())
    known = User.objects.filter(status=Access.ACTIVE, is_active=True)
    return list((known.filter(pk__in=asked) | known.filter(telegram_id__in=ids - {None})).distinct())


def _member(standup: StandUp, plan: Plan, user: User, task: Task, now: datetime, on_leave: bool) -> StandUpMember:
    at = max(now, plan.ask_at(standup.day, task.planned_at, zone_of(user)))
    state = State.WAITING
    if on_leave or plan.is_away(user.telegram_id, standup.day):
        state = State.AWAY
    elif plan.privately and _chat_of(user, task.chat.bot_id) is None:
        state = State.UNREACHABLE
    return StandUpMember(standup=standup, user=user, ask_at=at, state=state)


def _chat_of(user: User, bot_id: int) -> Chat | None:
    chats = Chat.objects.filter(bot_id=bot_id, person=user, kind=ChatKind.PRIVATE, unreachable="")
    return chats.first()


def _plan_rest(standup: StandUp, members: Sequence[StandUpMember], now: datetime) -> None:
    """Ask those whose time has come; the others, and the end, are planned."""
    open_ones = [member for member in members if member.state == State.WAITING]
    ask([member for member in open_ones if member.ask_at <= now], now)
    for member in open_ones:
        if member.ask_at > now:
            _schedule(f"ask-{member.pk}", member.ask_at, now)
    _schedule(f"post-{standup.pk}", standup.post_at if open_ones else now, now)


def _schedule(name: str, at: datetime, now: datetime) -> None:
    planning.plan(SOURCE, name, Once(at), "UTC", now=now, catch_up=Schedule.CatchUp.LAST)


# --- ask ------------------------------------------------------------------------------------------------------------


def ask(members: Sequence[StandUpMember], now: datetime) -> None:
    """Ask those members of one round: each in private, or together in the group. Who may not be asked any more is
    left out. Inside a transaction."""
    if not members:
        return
    standup = members[0].standup
    plan, there = read(standup.plan, zone_of(standup.user)), _still_there(members)
    asked = _privately if plan.privately else _in_group
    delivery.enqueue(list(asked(standup, plan, there, now)))
    StandUpMember.objects.filter(pk__in=[member.pk for member in there]).update(state=State.ASKED)
    if not there:
        _end_if_all_answered(standup, now)


def _still_there(members: Sequence[StandUpMember]) -> list[StandUpMember]:
    """Without those who went on leave, or may not use the bot, since the round began."""
    away = leaves.on_leave([member.user for member in members], members[0].standup.day)
    gone = [member.pk for member in members if not member.user.may_use]
    left = [member.pk for member in members if member.user_id in away and member.pk not in gone]
    StandUpMember.objects.filter(pk__in=gone).update(state=State.UNREACHABLE)
    StandUpMember.objects.filter(pk__in=left).update(state=State.AWAY)
    return [member for member in members if member.pk not in {*gone, *left}]


def _privately(standup: StandUp, plan: Plan, members: Sequence[StandUpMember], now: datetime) -> Iterator[Delivery]:
    """With a reply begun for each, so that what they write is an answer."""
    for member in members:
        with translation.override(language_of(member.user)):
            text = words.question(standup, plan, zone_of(member.user), now)
            hint = _("Your answer")
        markup = {"force_reply": True, "input_field_placeholder": hint}
        place = Place(standup.chat.bot_id, member.user.telegram_id or 0)
        yield _message(standup, place, Part(text), f"ask:{member.pk}", markup)


def _in_group(standup: StandUp, plan: Plan, members: Sequence[StandUpMember], now: datetime) -> Iterator[Delivery]:
    """As many at once as a message can call by name."""
    place = Place(standup.chat.bot_id, standup.chat.telegram_id, standup.thread_id)
    with translation.override(language_of(standup.user)):
        text = words.question(standup, plan, plan.zone, now)
    for part in words.called(members, MESSAGE_UNITS - units(text)):
        calling = words.calling(text, [member.user for member in part])
        yield _message(standup, place, calling, f"ask:{part[0].pk}")


def _message(standup: StandUp, place: Place, part: Part, what: str, markup: dict[str, Any] | None = None) -> Delivery:
    params: dict[str, Any] = {"chat_id": place.chat_id, "text": part.text}
    params |= {"entities": part.entities} if part.entities else {}
    params |= {"message_thread_id": place.thread} if place.thread else {}
    params |= {"reply_markup": markup} if markup else {}
    content = {"method": "sendMessage", "params": params}
    return outgoing.message(f"{SOURCE}:{standup.pk}:{what}", place, content, SOURCE)


# --- answers --------------------------------------------------------------------------------------------------------


@transaction.atomic
def answer(incoming: Incoming, text: str, now: datetime) -> bool:
    """Take words that reply to a question of a round. False when they do not, or it is none of the person's."""
    member = _asked_by(incoming)
    if member is None:
        return False
    standup = member.standup
    if standup.state == StandUp.State.OPEN:
        _confirm(incoming, _note(member, str(body_of(incoming.update.raw).get("message_id")), text.strip()))
        _end_if_all_answered(standup, now)
    else:
        _confirm(incoming, words.called_off() if standup.state == StandUp.State.OFF else words.too_late())
    inbox.finish(incoming.ids, now)
    incoming.finished = True
    return True


def _note(member: StandUpMember, message_id: str, text: str) -> str:
    """Put an answer on record; what is said to it."""
    if len({*member.said, message_id}) > MOST_MESSAGES:
        return words.enough()
    passes = text.lower() in PASSES
    member.said = {} if passes else {**member.said, message_id: text}
    member.state = State.PASSED if passes else State.ANSWERED
    member.save(update_fields=["said", "state"])
    return words.passed() if passes else words.noted()


def _asked_by(incoming: Incoming) -> StandUpMember | None:
    """Whose question the message replies to, locked."""
    if incoming.replied_to is None:
        return None
    rows = Delivery.objects.filter(bot_id=incoming.bot_id, chat_id=incoming.chat_id, message_id=incoming.replied_to)
    key = rows.filter(source=SOURCE, key__contains=":ask:").values_list("key", flat=True).first()
    if key is None:
        return None
    StandUp.objects.select_for_update().filter(pk=int(key.split(":")[1])).first()
    members = StandUpMember.objects.select_for_update(of=("self",)).select_related("standup__chat")
    return members.filter(standup=int(key.split(":")[1]), user=incoming.user).first()


def _confirm(incoming: Incoming, text: str) -> None:
    body = body_of(incoming.update.raw)
    reply_to = None if incoming.chat.is_private else body.get("message_id")
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread, reply_to=reply_to)
    outgoing.say(f"{SOURCE}:{incoming.key}", place, [Part(text)], source=SOURCE)


def _end_if_all_answered(standup: StandUp, now: datetime) -> None:
    """Nobody is waited for any more: the summary comes at once."""
    if members_of(standup).filter(state__in=StandUpMember.OPEN).exists():
        return
    row = Schedule.objects.filter(source=SOURCE, object_id=f"post-{standup.pk}", state=Schedule.State.ACTIVE).first()
    if row is not None:
        planning.reschedule(row, Once(now), "UTC", now=now)


# --- the end --------------------------------------------------------------------------------------------------------


def members_of(standup: StandUp) -> "QuerySet[StandUpMember]":
    return StandUpMember.objects.filter(standup=standup).select_related("user").order_by("pk")


def close(key: int) -> tuple[StandUp, list[StandUpMember]] | None:
    """Take no more answers, or one that comes while they are summed up would be lost: the round and its members. None
    when it is over."""
    StandUp.objects.filter(pk=key, state=StandUp.State.OPEN).update(state=StandUp.State.CLOSED)
    standup = StandUp.objects.select_related("user", "chat").filter(pk=key, state=StandUp.State.CLOSED).first()
    return (standup, list(members_of(standup))) if standup is not None else None


@transaction.atomic
def end(standup: StandUp, text: str, now: datetime) -> None:
    """The round is over. ``text``: what is said when no assistant said it. Answers go where contents do not stay."""
    unfinished = StandUp.objects.filter(pk=standup.pk, state__in=StandUp.UNFINISHED)
    if not unfinished.update(state=StandUp.State.POSTED):
        return
    if text:
        place = Place(standup.chat.bot_id, standup.chat.telegram_id, standup.thread_id)
        outgoing.say(f"{SOURCE}:{standup.pk}:post", place, text, source=SOURCE)
    if not contents_stay():
        erase(members_of(standup))


@transaction.atomic
def call_off(series: UUID, now: datetime) -> int:
    """Who planned the series wants it no more: its open rounds end without a word, and nobody is asked. How many."""
    rounds = list(StandUp.objects.select_for_update().filter(series=series, state__in=StandUp.UNFINISHED))
    for standup in rounds:
        members = members_of(standup)
        names = [f"post-{standup.pk}", *(f"ask-{member.pk}" for member in members)]
        for row in Schedule.objects.filter(source=SOURCE, object_id__in=names):
            planning.remove(row, now=now)
        delivery.withdraw(delivery.named(f"{SOURCE}:{standup.pk}"), now)
        if not contents_stay():
            erase(members)
    StandUp.objects.filter(pk__in=[standup.pk for standup in rounds]).update(state=StandUp.State.OFF)
    return len(rounds)


def erase(members: "QuerySet[StandUpMember]") -> int:
    """Empty them of what was said."""
    return members.update(said={})


def forget_old(now: datetime) -> int:
    """Remove rounds past KEEP_REMINDERS_DAYS, and schedules that are done with; housekeeping calls it."""
    done = Schedule.objects.filter(source=SOURCE, state__in=Schedule.FINAL, next_at=None, last_at__lt=now - GRACE)
    before = older_than(settings.KEEP_REMINDERS_DAYS, now)
    old = StandUp.objects.filter(created_at__lt=before).defer("plan") if before else StandUp.objects.none()
    over = Leave.objects.filter(last__lt=before.date()) if before else Leave.objects.none()
    _leave_stuck(now)
    return delete_in_batches(done) + delete_in_batches(old) + delete_in_batches(over)


def _leave_stuck(now: datetime) -> None:
    """A round whose end failed for good takes no more answers, and keeps none where contents do not stay."""
    stuck = StandUp.objects.filter(state__in=StandUp.UNFINISHED, post_at__lt=now - GRACE)
    if not contents_stay():
        erase(StandUpMember.objects.filter(standup__in=stuck))
    stuck.update(state=StandUp.State.OFF)


@transaction.atomic
def forget(user: User) -> int:
    """Erase what they said and the rounds that they planned."""
    gone, _rows = StandUpMember.objects.filter(user=user).delete()
    Leave.objects.filter(user=user).delete()
    StandUp.objects.filter(user=user).defer("plan").delete()  # its key may be gone
    return gone

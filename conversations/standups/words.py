"""What people read of a stand-up."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from conversations.models import StandUp, StandUpMember
from conversations.standups.plan import Plan
from telegram_bot.access import escaped
from telegram_bot.markdown import Part, units

State = StandUpMember.State


def title(plan: Plan, standup: StandUp) -> str:
    usual = _("Stand-up") if standup.chat.is_private else _("Stand-up of %(team)s") % {"team": standup.chat}
    return plan.title or usual


def question(standup: StandUp, plan: Plan, zone: ZoneInfo, now: datetime) -> str:
    """``zone``: by whose clock the end is told; with its day, when that is another one than today."""
    numbered = [f"{number}. {one}" for number, one in enumerate(plan.questions, start=1)]
    asked = numbered if len(numbered) > 1 else plan.questions
    until = standup.post_at.astimezone(zone)
    at = f"{until:%H:%M}" if until.date() == now.astimezone(zone).date() else f"{_day(until.date())}, {until:%H:%M}"
    end = _("Reply to this message by %(time)s. To pass, reply with “-”.") % {"time": at}
    if plan.privately and not standup.chat.is_private:
        end += " " + _("The summary is posted in %(team)s.") % {"team": standup.chat}
    return "\n".join([f"🧍 {title(plan, standup)}", *asked, "", end])


def called(members: Sequence[StandUpMember], room: int) -> Iterator[list[StandUpMember]]:
    """``members`` in as many parts as it takes for their names to fit into ``room`` units."""
    part, left = list[StandUpMember](), room
    for member in members:
        needed = units(f"{member.user.name}, ")
        if part and needed > left:
            yield part
            part, left = [], room
        part.append(member)
        left -= needed
    if part:
        yield part


def calling(text: str, users: Sequence[User]) -> Part:
    """``text`` under the names of ``users``, who are told of it."""
    names, entities = "", []
    for user in users:
        name, start = user.name, units(names)
        person = {"id": user.telegram_id, "is_bot": False, "first_name": user.first_name or name}
        entities.append({"type": "text_mention", "offset": start, "length": units(name), "user": person})
        names += f"{name}, "
    return Part(f"{names.rstrip(', ')}!\n{text}", entities)


def noted() -> str:
    return "👍 " + _("Noted. To add something, reply to the question once more.")


def passed() -> str:
    return "👍 " + _("Good, not this time.")


def too_late() -> str:
    return _("This stand-up has been summed up already. Tell it at the next one.")


def called_off() -> str:
    return _("This stand-up was called off, so there is nothing to answer.")


def enough() -> str:
    return _("Thank you, that is all I can note this time.") + " " + _("To change something, edit an earlier answer.")


def begun(standup: StandUp, members: Sequence[StandUpMember]) -> str:
    """For the record of the run."""
    asked = sum(member.state not in (State.AWAY, State.UNREACHABLE) for member in members)
    said = [_("asked: %(count)d") % {"count": asked}]
    for state, label in ((State.AWAY, _("on leave")), (State.UNREACHABLE, _("cannot be asked"))):
        if names := _names(members, state):
            said.append(f"{label}: {names}")
    return f"{standup.day}, " + "; ".join(said)


def head(plan: Plan, standup: StandUp) -> str:
    return f"🧍 **{escaped(title(plan, standup))} · {_day(standup.day)}**"


def _day(day: date) -> str:
    return date_format(day, "j E")


def answers(members: Sequence[StandUpMember]) -> str:
    """Everybody's own words, for a summary that no assistant made."""
    said = [f"**{escaped(member.user.name)}**\n{escaped(spoken(member))}" for member in members if member.said]
    return "\n\n".join(said) or _("Nobody has answered.")


def spoken(member: StandUpMember) -> str:
    """All that a member said, in the order of the messages."""
    return "\n".join(member.said[key] for key in sorted(member.said, key=int))


def by_name(members: Sequence[StandUpMember]) -> dict[str, str]:
    """What each said, for a model; two of one name are told apart by their Telegram ids."""
    said = dict[str, str]()
    for member in members:
        if member.said:
            name = member.user.name
            said[f"{name} ({member.user.telegram_id})" if name in said else name] = spoken(member)
    return said


def foot(members: Sequence[StandUpMember]) -> str:
    """Who is missing, and why."""
    labels = {
        State.PASSED: _("Pass"),
        State.AWAY: _("On leave"),
        State.UNREACHABLE: _("Could not be asked"),
    }
    silent = [member.user.name for member in members if member.state in StandUpMember.OPEN]
    lines = [f"{label}: {names}" for state, label in labels.items() if (names := _names(members, state))]
    if silent and any(member.said for member in members):
        lines.insert(0, _("No answer: %(names)s") % {"names": ", ".join(silent)})
    return escaped("\n".join(lines))


def _names(members: Sequence[StandUpMember], state: str) -> str:
    return ", ".join(member.user.name for member in members if member.state == state)

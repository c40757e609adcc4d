"""What a person may ask now: their questions per minute, and the budgets that the answer counts against.

Called in the transactions that begin and save a turn, so what is set aside and the request it is for are one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import translation

from accounts.models import Chat, ChatKind, User
from conversations import context, words_budget
from conversations.models import Request
from llm import budgets
from llm.budgets import Refusal
from llm.models import Budget, Spending
from llm.services import Target, cost_of
from llm.types import Usage
from telegram_bot import outgoing
from telegram_bot.notices import admin_place
from telegram_bot.outgoing import Key, Place, bot_id

if TYPE_CHECKING:
    from conversations.services.turns import Turn

MINUTE = timedelta(seconds=60)
# Request.error_kind of a question that no model was asked; "file": because it can take none of the files.
KINDS = BUDGET, TOO_MANY, FILE = "budget", "too_many", "file"
# How an answer may end without a word of it having come although the model was at work.
WORKED = ("timeout", "empty")


@dataclass(frozen=True)
class Refused:
    """Why no model is asked, and what the person reads instead."""

    kind: str
    text: str
    keyboard: list[list[Key]]


def check(turn: "Turn", user: User, chat: Chat, now: datetime) -> Refused | None:
    """Count the question and set aside what its answer may cost; or say why it is not answered."""
    return too_many(turn.request, user, now) or set_aside(turn, user, chat, now)


def set_aside(turn: "Turn", user: User, chat: Chat, now: datetime) -> Refused | None:
    """Set aside what the turn's answer may cost; or say which budget has no room for it."""
    if turn.target is None or not budgets.any_enabled():
        return None
    tokens, cost = budgets.foreseen(turn.target.model, turn.context_tokens, turn.call.max_output)
    refusal = budgets.reserve(turn.request.update_key, user, chat, tokens, cost, now)
    return refused_by(refusal, user) if refusal else None


def refused_by(refusal: Refusal, user: User) -> Refused:
    """What the person reads of a budget without room."""
    return Refused(BUDGET, words_budget.refused(refusal, user), words_budget.ways_on(refusal))


def more(turn: "Turn", target: Target, spent: Usage | None, asker: User) -> str:
    """Set aside what another round costs, or another model; else the words that tell why there is no room for it.

    ``spent``: what the rounds before took.
    """
    before = spent or Usage()
    read = (before.input or turn.context_tokens) if turn.rounds else 0
    reading = read + context.tokens_of(turn.call)
    tokens, cost = budgets.foreseen(target.model, reading, turn.call.max_output, before.output or 0)
    refusal = budgets.raise_to(turn.request.update_key, tokens, cost)
    return words_budget.refused(refusal, asker) if refusal else ""


def too_many(request: Request, user: User, now: datetime) -> Refused | None:
    """Whether the person asked too much to be answered ``request``, which is on record already; one that is begun
    anew after a crash was counted then."""
    return None if request.attempts > 1 else hurried(user, now, but=request)


def hurried(user: User, now: datetime, but: Request | None = None) -> Refused | None:
    """Whether the person asked REQUESTS_PER_MINUTE questions already, beside ``but``.

    A question that was refused for this counts no further.
    """
    most = settings.REQUESTS_PER_MINUTE
    if not most:
        return None
    # Two questions at once in two processes look one after the other.
    User.objects.select_for_update(no_key=True).only("pk").get(pk=user.pk)
    mine = Request.objects.filter(user=user, kind=Request.Kind.ANSWER, created_at__gt=now - MINUTE)
    earlier = mine.exclude(error_kind=TOO_MANY).exclude(pk__in=[but.pk] if but else [])
    times = list(earlier.order_by("-created_at").values_list("created_at", flat=True)[:most])
    if len(times) < most:
        return None
    wait = max(1, ceil((times[-1] + MINUTE - now).total_seconds()))
    return Refused(TOO_MANY, words_budget.too_many(most, wait), [])


def charge(turn: "Turn", values: Mapping[str, Any], now: datetime) -> None:
    """Settle what was set aside with ``values``, the columns of the request as they are saved; warn who is due.

    Models that were at work although no word of theirs came have read the question: that is estimated.
    """
    if turn.refused is not None or not budgets.any_enabled():
        return
    tokens = (values["input_tokens"] or 0) + (values["output_tokens"] or 0)
    cost, estimated = values["cost"], values["estimated"]
    unheard: list[Target | None] = [target for target, error in turn.failed if error.kind in WORKED]
    if not tokens and (values["state"] == Request.State.STOPPED or values["error_kind"] in WORKED):
        unheard, cost = [*unheard, turn.target], Decimal(0)
    for target in unheard:
        reading = cost_of(target.model if target else None, Usage(input=turn.context_tokens, output=0))
        tokens, estimated = tokens + turn.context_tokens, True
        cost = None if cost is None or reading is None else cost + reading
    settle(turn.request, turn.request.update_key, tokens, cost, estimated, now)


def settle(request: Request, key: str, tokens: int, cost: Decimal | None, estimated: bool, now: datetime) -> None:
    """Settle what was set aside under ``key``, and warn whose budget is nearly used up."""
    spendings = budgets.settle(key, tokens, cost, estimated, now)
    if spendings:
        dialog = request.conversation
        warn(spendings, dialog.chat, dialog.thread_id, request.user)


def warn(spendings: Iterable[Spending], chat: Chat, thread: int, user: User | None) -> None:
    """Tell whoever these budgets are for that they are nearly used up; ``chat`` is where that happened."""
    for spending in spendings:
        _warn(spending, chat, thread, user)


def _warn(spending: Spending, chat: Chat, thread: int, user: User | None) -> None:
    """The bot's own budget concerns the admins."""
    is_admins = spending.budget.scope == Budget.Scope.BOT
    place = admin_place() if is_admins else _place_of(spending, chat, thread, user)
    if place is None:
        return
    with translation.override(settings.LANGUAGE_CODE if is_admins else translation.get_language()):
        text = words_budget.warning(spending, None if is_admins else user)
        outgoing.say(f"budget:{spending.pk}:warning", place, text, source="budgets")


def _place_of(spending: Spending, chat: Chat, thread: int, user: User | None) -> Place:
    """This chat, unless the budget is a person's and others read here."""
    here = Place(chat.bot_id, chat.telegram_id, thread)
    if chat.is_private or spending.budget.scope == Budget.Scope.CHAT or user is None:
        return here
    own = Chat.objects.filter(bot_id=bot_id(), person=user, kind=ChatKind.PRIVATE, unreachable="").first()
    return Place(own.bot_id, own.telegram_id) if own else here

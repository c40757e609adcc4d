"""What the admins ask of ``/admin`` about requests and dialogs: figures, errors, one person's requests.

Never what somebody wrote or read: that is a permission of its own, in the admin.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Access, User
from conversations import error_words, limits
from conversations.models import Request
from core import show
from delivery.models import Delivery
from telegram_bot.access import described, escaped
from telegram_bot.admin_chat.command import Asked, Command, View, key

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
MOST = 5
MOST_ERRORS = 20
MOST_REQUESTS = 10
MOST_PEOPLE = 8

State = Request.State
# No model was asked: nothing failed.
REFUSED = Q(error_kind__in=limits.KINDS)


# --- figures --------------------------------------------------------------------------------------------------------


def stats(asked: Asked) -> View | None:
    """A day and a week in figures."""
    if asked.words:
        return None
    lines = [*_people(), "", *_span(_("**Last 24 hours**"), asked.now - DAY)]
    lines += ["", *_span(_("**Last 7 days**"), asked.now - WEEK), *_top(asked.now - WEEK)]
    return View("\n".join(lines), [[key(_("🔄 Look again"), "stats")]])


def _people() -> Iterator[str]:
    people = User.objects.filter(telegram_id__isnull=False)
    counted = people.aggregate(
        active=Count("pk", filter=Q(status=Access.ACTIVE)),
        waiting=Count("pk", filter=Q(status=Access.PENDING, requested_at__isnull=False)),
    )
    yield _("👥 in: %(active)d, waiting: %(waiting)d") % counted


def _span(title: str, since: datetime) -> Iterator[str]:
    found = Request.objects.filter(created_at__gte=since).aggregate(
        count=Count("pk"),
        people=Count("user", distinct=True),
        failed=Count("pk", filter=Q(state=State.FAILED) & ~REFUSED),
        refused=Count("pk", filter=REFUSED),
        stopped=Count("pk", filter=Q(state=State.STOPPED)),
        tokens_in=Sum("input_tokens", default=0),
        tokens_out=Sum("output_tokens", default=0),
        money=Sum("cost"),
        unpriced=Count("pk", filter=Q(cost__isnull=True, state=State.DONE)),
    )
    yield title
    yield _("💬 requests: %(count)d, people: %(people)d, failed: %(failed)d, stopped: %(stopped)d") % found
    if found["refused"]:
        yield _("🪫 no model was asked (budgets, limits, files): %(refused)d") % found
    sums = {"tokens_in": number_format(found["tokens_in"], force_grouping=True)}
    sums["tokens_out"] = number_format(found["tokens_out"], force_grouping=True)
    yield _("🔤 tokens in: %(tokens_in)s, out: %(tokens_out)s") % sums
    yield "💵 " + _money(found["money"], found["unpriced"])


def _money(cost: Decimal | None, unpriced: int) -> str:
    known = show.money(cost) if cost is not None else _("cost unknown")
    return known + (" " + _("(answers of unknown price: %(count)d)") % {"count": unpriced} if unpriced else "")


def _top(since: datetime) -> Iterator[str]:
    models = _most(Request.objects.filter(created_at__gte=since).exclude(model_ref=""), "model_ref")
    if models:
        yield "🧠 " + ", ".join(f"{escaped(name)} · {count}" for name, count in models)


def _most(rows: "QuerySet[Request]", column: str) -> list[tuple[str, int]]:
    return list(rows.values_list(column).annotate(count=Count("pk")).order_by("-count", column)[:MOST])


# --- errors ---------------------------------------------------------------------------------------------------------


def errors(asked: Asked) -> View | None:
    """The last 24 hours by provider, model and kind; and messages that did not leave."""
    if asked.words:
        return None
    since = asked.now - DAY
    ended = Request.objects.filter(created_at__gte=since).exclude(error_kind="")
    rows = ended.exclude(REFUSED).values_list("model_ref", "error_kind").annotate(count=Count("pk"))
    lines = list(_by_provider(rows.order_by("model_ref", "-count")[:MOST_ERRORS]))
    lines += [*_refused(ended), *_undelivered(since)]
    title = _("**Errors of the last 24 hours**")
    return View("\n".join([title, *(lines or [_("None. ✨")])]), [[key(_("🔄 Look again"), "errors")]])


def _by_provider(rows: Iterable[tuple[str, str, int]]) -> Iterator[str]:
    last = None
    for ref, kind, count in rows:
        provider, _colon, name = ref.partition(":")
        if provider != last:
            last = provider
            yield f"**{escaped(provider or '—')}**"
        yield f"• {escaped(name or '—')} · {escaped(error_words.say(kind))}: {count}"


def _refused(ended: "QuerySet[Request]") -> Iterator[str]:
    for kind, count in ended.filter(REFUSED).values_list("error_kind").annotate(count=Count("pk")).order_by("-count"):
        yield f"🪫 {escaped(error_words.say(kind))}: {count}"


def _undelivered(since: datetime) -> Iterator[str]:
    states = (Delivery.State.FAILED, Delivery.State.UNKNOWN)
    rows = Delivery.objects.filter(created_at__gte=since, state__in=states)
    for kind, count in rows.values_list("error_kind").annotate(count=Count("pk")).order_by("-count")[:MOST]:
        yield "📤 " + _("not sent, %(kind)s: %(count)d") % {"kind": escaped(kind), "count": count}


# --- one person -----------------------------------------------------------------------------------------------------


def requests(asked: Asked) -> View | None:
    """``requests <telegram id>``: the newest, without what was asked or answered; without an id, whose."""
    if not asked.words:
        return _whose(asked.now)
    if asked.number is None or len(asked.words) != 1:
        return None
    user = User.objects.by_telegram(asked.number)
    if user is None:
        return View(_("I do not know anybody with the id %(id)d.") % {"id": asked.number}, back="requests")
    rows = list(Request.objects.filter(user=user).order_by("-created_at")[:MOST_REQUESTS])
    lines = [f"👤 {described(user)}", *map(_row, rows)] if rows else [f"👤 {described(user)}", _("No requests yet.")]
    return View("\n".join(lines), back="requests")


def _whose(now: datetime) -> View:
    """Those who asked most in a week, as buttons."""
    week = Request.objects.filter(created_at__gte=now - WEEK, user__telegram_id__isnull=False)
    rows = week.values_list("user").annotate(count=Count("pk")).order_by("-count", "user")[:MOST_PEOPLE]
    counted = dict(rows)
    people = User.objects.in_bulk(list(counted))
    keys = [[key(f"{people[pk].name[:40]} · {count}", "requests", people[pk].telegram_id)] for pk, count in rows]
    return View(_("Whose requests? Write `/admin requests <id>`, or choose."), keys)


def _row(request: Request) -> str:
    at = date_format(timezone.localtime(request.created_at), "SHORT_DATETIME_FORMAT")
    said = error_words.say(request.error_kind) or request.get_state_display()
    facts = [at, request.model_ref or "—", said]
    if request.input_tokens is not None or request.output_tokens is not None:
        facts.append(
            " → ".join(
                number_format(count or 0, force_grouping=True)
                for count in (request.input_tokens, request.output_tokens)
            )
        )
    facts.append(show.money(request.cost) if request.cost is not None else _("cost unknown"))
    if request.total_ms is not None:
        facts.append(_("%(seconds)s s") % {"seconds": show.seconds(request.total_ms)})
    return "• " + escaped(" · ".join(facts))


COMMANDS = (
    Command("stats", "stats", gettext_lazy("A day and a week in figures"), stats, button=gettext_lazy("📊 Stats")),
    Command("errors", "errors", gettext_lazy("Errors of the last 24 hours"), errors, button=gettext_lazy("🐞 Errors")),
    Command(
        "requests",
        "requests <id>",
        gettext_lazy("A person's newest requests, without their content"),
        requests,
        button=gettext_lazy("💬 Requests"),
    ),
)

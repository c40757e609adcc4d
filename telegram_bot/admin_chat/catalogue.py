"""The catalogue of models: what each provider offers, offer and hide, and a refresh that shows how it goes."""

from collections import Counter

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import services as accounts
from llm import services as llm
from llm.models import Availability, Model, SyncRun
from telegram_bot.access import escaped
from telegram_bot.admin_chat import refreshing
from telegram_bot.admin_chat.command import Asked, View, key, pages
from telegram_bot.admin_chat.people import VIA
from telegram_bot.model_news import toggle

PAGE = 8


def models(asked: Asked) -> View | None:
    """``models``: the providers; ``models <provider> [page]``: one's models, each with its button."""
    if not asked.words:
        return _providers()
    provider, *rest = asked.words
    known = Model.objects.filter(provider=provider.lower())
    if len(rest) > 1 or (rest and not rest[0].isdecimal()) or not known.exists():
        return None
    return _models_of(provider.lower(), list(known), int(rest[0]) if rest else 1)


def _providers() -> View:
    rows = list(Model.objects.exclude(state=Availability.RETIRED).values_list("provider_id", "enabled"))
    offered, hidden = Counter(name for name, on in rows if on), Counter(name for name, on in rows if not on)
    lines = [
        _("**%(provider)s** · offered: %(offered)d, hidden: %(hidden)d")
        % {"provider": name, "offered": offered[name], "hidden": hidden[name]}
        for name in sorted(offered | hidden)
    ]
    run = SyncRun.objects.exclude(finished_at=None).first()
    lines.append(refreshing.when(run) if run else _("The list was never fetched yet."))
    keys = [key(name, "models", name) for name in sorted(offered | hidden)]
    return View("\n".join(lines), [keys, [key(_("🔄 Refresh"), "refresh", "models")]])


def _models_of(provider: str, rows: list[Model], page: int) -> View:
    rows.sort(key=lambda row: (row.state == Availability.RETIRED, row.title.casefold(), row.name))
    most = max(1, -(-len(rows) // PAGE))
    page = min(max(1, page), most)
    shown = rows[(page - 1) * PAGE : page * PAGE]
    lines = [f"**{provider}**", *(f"{_mark(row)} {escaped(row.title)} · `{row.pk}` · {_price(row)}" for row in shown)]
    keys = [[toggle(row)] for row in shown if row.state != Availability.RETIRED]
    return View("\n".join(lines), [*keys, pages(page, most, "models", provider)], back="models")


def _mark(row: Model) -> str:
    if row.state == Availability.RETIRED:
        return "✖️"
    return "👁" if row.enabled else "🙈"


def _price(row: Model) -> str:
    if row.price_input is None or row.price_output is None:
        return _("price unknown")
    return f"${row.price_input.normalize():f} → ${row.price_output.normalize():f}"


# --- offer and hide -------------------------------------------------------------------------------------------------


def enable(asked: Asked) -> View | None:
    return _set_enabled(asked, enabled=True)


def disable(asked: Asked) -> View | None:
    return _set_enabled(asked, enabled=False)


@transaction.atomic
def _set_enabled(asked: Asked, *, enabled: bool) -> View | None:
    text = " ".join(asked.words)
    if not text:
        return None
    row = _model(text)
    if row is None:
        return View(_("I do not know a model of that name."), back="models")
    if llm.set_enabled(row, enabled, asked.by):
        action = "model.offered" if enabled else "model.hidden"
        accounts.audit(action, by=asked.by, via=VIA, **accounts.target_of(row), now=asked.now)
    said = _("👁 %(model)s is offered now.") if enabled else _("🙈 %(model)s is hidden now.")
    return View(said % {"model": escaped(row.title)}, back=f"models {row.provider_id}")


def _model(text: str) -> Model | None:
    """By the number that the list shows, else by any of its names."""
    if text.isdecimal() and (row := Model.objects.filter(pk=int(text)).first()) is not None:
        return row
    return llm.find_model(text)


# --- refresh --------------------------------------------------------------------------------------------------------


def refresh(asked: Asked) -> View | None:
    """``refresh models``: ask for the job; its progress is shown beside the lane."""
    return None if asked.words else refreshing.begin(asked)

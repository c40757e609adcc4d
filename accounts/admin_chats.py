"""What an operator sets for a chat, beside letting it in."""

from datetime import datetime

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.models import Chat, Payer
from accounts.pages import VIA, operator
from core.admin import Verb


def _other_payer(chat: Chat, request: HttpRequest, now: datetime) -> bool:
    payer = Payer.PERSON if chat.payer == Payer.CHAT else Payer.CHAT
    return services.set_chat_options(chat, by=operator(request), via=VIA, now=now, payer=payer)


def _switch_fallbacks(chat: Chat, request: HttpRequest, now: datetime) -> bool:
    return services.set_chat_options(chat, by=operator(request), via=VIA, now=now, fallbacks=not chat.fallbacks)


OPTIONS = (
    Verb(
        "other_payer",
        _("Change who pays"),
        _("Answers here count against the group's budget instead of the person's, or the other way round."),
        _other_payer,
        "payments",
    ),
    Verb(
        "switch_fallbacks",
        _("Let or forbid another model"),
        _("Whether another model may answer here when the chosen one cannot is turned round."),
        _switch_fallbacks,
        "alt_route",
    ),
)

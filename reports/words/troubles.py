"""What went wrong at Avito, in one sentence for people: what happened, and what to do next. Plain text."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reports.avito.errors import Kind
from reports.metrics import Section

SECTIONS: dict[Section, Promise] = {
    Section.ACCOUNT: gettext_lazy("Account"),
    Section.STATISTICS: gettext_lazy("Statistics"),
    Section.MONEY: gettext_lazy("Wallet and bonuses"),
    Section.ADVANCE: gettext_lazy("Advance"),
    Section.CALLS: gettext_lazy("Calls"),
    Section.ITEMS: gettext_lazy("Listings"),
    Section.MESSENGER: gettext_lazy("Messenger"),
    Section.RATINGS: gettext_lazy("Rating and reviews"),
}


def section_words(section: Section) -> str:
    return str(SECTIONS[section])


def trouble(kind: str, section: Section | None = None) -> str:
    """``kind``: of AvitoError, also one that an older row knows. ``section``: what failed; None: all of it."""
    sentence = _sentence(kind, section)
    return sentence if section is None else f"{section_words(section)}: {sentence}"


def _sentence(kind: str, section: Section | None) -> str:
    match kind:
        case Kind.BAD_CREDENTIALS:
            return _("The keys are not accepted by Avito. Enter new ones: /profiles → the profile → “New keys”.")
        case Kind.NO_ACCESS:
            return _("Access is closed for these keys. Check at Avito the account's tariff and whose keys they are.")
        case Kind.NEEDS_SUBSCRIPTION:
            return _subscription(section)
        case Kind.WRONG_ACCOUNT:
            return _(
                "The keys are of another Avito account. Enter the right ones: /profiles → the profile → “New keys”."
            )
        case Kind.NOT_FOR_ACCOUNT:
            return _("This account does not have it, so there is nothing to do.")
        case Kind.RATE_LIMITED:
            return _("Avito's limit of requests did not let it through in time. Ask again in a few minutes.")
        case Kind.AVITO_DOWN:
            return _("Avito does not answer. Ask again in half an hour; a planned report comes by itself.")
        case _:
            return _("The request was refused by Avito. Ask again later; if it stays so, tell the bot's administrator.")


def _subscription(section: Section | None) -> str:
    if section is Section.MESSENGER:
        return _(
            "A subscription is needed at Avito: for goods and jobs “Максимальный”, for services “Расширенный” or "
            "“Максимальный”. Switch it on there, and try again."
        )
    return _("A higher level of subscription is needed at Avito. Switch it on there, and try again.")

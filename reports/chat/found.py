"""What a look at keys found, in plain words: what works, what does not and why, and what to do next."""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

from reports.avito.errors import AvitoError, Kind
from reports.metrics import Section
from reports.models import Access, AvitoProfile
from reports.probing import Probe
from reports.words.troubles import section_words, trouble

# What says nothing of the keys: it is looked at again.
PASSING = (Kind.RATE_LIMITED, Kind.AVITO_DOWN)


def of_probe(found: Probe) -> list[str]:
    """A line for each section that does not simply work, and one for all that do."""
    lines = of_sections(found.sections)
    if Section.ITEMS in found.empty:
        lines.append(
            "ℹ️ "
            + _(
                "No listings are to be seen. With an employee's keys Avito shows none: take the keys of the account's "
                "owner."
            )
        )
    return lines


def of_sections(kinds: Mapping[Section, str]) -> list[str]:
    """``kinds``: nothing where it works, else the kind of the AvitoError."""
    shown = {section: kind for section, kind in kinds.items() if section != Section.ACCOUNT}
    works = [section for section, kind in shown.items() if not kind]
    later = [section for section, kind in shown.items() if kind in PASSING]
    without = [section for section, kind in shown.items() if kind == Kind.NOT_FOR_ACCOUNT]
    closed = {section: kind for section, kind in shown.items() if section not in (*works, *later, *without)}
    lines = ["✅ " + _("Works: %(sections)s.") % {"sections": named(works)}] if works else []
    lines += [f"🚫 {trouble(kind, section)}" for section, kind in closed.items()]
    if without:
        lines.append("➖ " + _("Not in this account: %(sections)s.") % {"sections": named(without)})
    if later:
        text = _("Not known yet: %(sections)s. I look again by myself.")
        lines.append("⏳ " + text % {"sections": named(later)})
    return lines


def of_profile(profile: AvitoProfile) -> list[str]:
    """As they were last seen (AvitoProfile.sections)."""
    if profile.access == Access.BAD_KEYS:
        return ["🔑 " + trouble(Kind.BAD_CREDENTIALS, None)]
    if profile.access == Access.OTHER_ACCOUNT:
        return ["🔑 " + trouble(Kind.WRONG_ACCOUNT, None)]
    known = {Section(name): told.get("kind", "") for name, told in profile.sections.items() if name in set(Section)}
    ordered = {section: known[section] for section in Section if section in known}
    return of_sections(ordered) or ["⏳ " + _("Not looked at yet.")]


def why_not(error: AvitoError) -> str:
    """Why nothing at all came back, and what to do next."""
    if error.kind == Kind.BAD_CREDENTIALS:
        return _(
            "Avito does not accept these keys. Copy both whole, without blanks around them. If they were renewed at "
            "Avito, only the newest ones work."
        )
    if error.kind in PASSING:
        return _("Avito does not answer at the moment. Your keys are kept, encrypted, for 15 minutes: try again soon.")
    return trouble(error.kind, Section.ACCOUNT)


def named(sections: Iterable[Section]) -> str:
    """In the middle of a sentence."""
    return ", ".join(section_words(section).lower() for section in sections)

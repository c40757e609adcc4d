"""What the owner reads about an export."""

from collections.abc import Sequence

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reports.avito.errors import Kind
from reports.models import Export
from telegram_bot.access import escaped

# Days back from which a chat must have news; 0: all chats.
PERIODS = (0, 7, 30, 90)


def number(count: int) -> str:
    """With thousands apart, as the language does it."""
    return str(formats.number_format(count, use_l10n=True, force_grouping=True))


def period(days: int) -> str:
    if not days:
        return _("All chats")
    text = ngettext("With news in the last %(count)d day", "With news in the last %(count)d days", days)
    return text % {"count": days}


def question(name: str) -> str:
    head = "📥 " + _("**Chats of “%(name)s” as an Excel file.** Which ones?") % {"name": escaped(name)}
    text = _("A thousand chats take some minutes; you can go on with other things. Nothing is marked as read.")
    return f"{head}\n\n{text}"


def only_in_private() -> str:
    return _("Chats hold buyers' words: open the profile in our private chat to export them.")


def gone() -> str:
    return _("This profile is gone. /profiles lists those that are left.")


def not_yours() -> str:
    return _("Only the owner of a profile exports its chats.")


def progress(export: Export) -> str:
    """How far it is."""
    name = export.profile.name
    return "\n".join([_head(name), "", *_lines(export)])


def _head(name: str) -> str:
    return "📥 " + _("**Export of the chats of “%(name)s”**") % {"name": escaped(name)}


def _lines(export: Export) -> list[str]:
    told = export.progress
    chats, wanted = told.get("chats", 0), told.get("wanted")
    if told.get("phase") == "writing":
        return ["📄 " + _("Everything is here: I am putting it into a file…")]
    if wanted is None:
        lines = ["🔎 " + _("Looking for chats: %(chats)s so far…") % {"chats": number(chats)}]
    else:
        names = {"ended": number(told.get("ended", 0)), "wanted": number(wanted), "messages": number(told["messages"])}
        lines = ["💬 " + _("Chats: %(ended)s of %(wanted)s, messages: %(messages)s") % names]
    if seconds := told.get("pause"):
        text = ngettext(
            "⏳ Avito asks for a pause: I go on in %(count)d second.",
            "⏳ Avito asks for a pause: I go on in %(count)d seconds.",
            seconds,
        )
        lines.append(text % {"count": seconds})
    return lines


def goes_on_below(name: str) -> str:
    """In the message that is not edited any more, since it was asked again how far it is."""
    return _head(name) + "\n\n" + _("How far it is stands below.")


def cancelled(name: str) -> str:
    return _head(name) + "\n\n" + _("Cancelled. Nothing of it was kept.")


def done(export: Export, chats: int, messages: int, files: int, notes: Sequence[str]) -> str:
    counted = _("Chats: %(chats)s, messages: %(messages)s.") % {"chats": number(chats), "messages": number(messages)}
    came = "✅ " + (_("Ready: the file comes below.") if files == 1 else _several(files))
    return "\n".join([_head(export.profile.name), "", f"{came} {counted}", *(f"⚠️ {note}" for note in notes)])


def _several(files: int) -> str:
    text = ngettext(
        "Ready: it became %(count)d file, which comes below.",
        "Ready: it became %(count)d files, which come below.",
        files,
    )
    return text % {"count": files}


def nothing(name: str, days: int) -> str:
    if days:
        text = ngettext(
            "No chat had news in the last %(count)d day, so there is no file.",
            "No chat had news in the last %(count)d days, so there is no file.",
            days,
        ) % {"count": days}
    else:
        text = _(
            "There are no chats, so there is no file. With an employee's keys Avito does not show the company's chats: "
            "then enter the keys of the main account."
        )
    return f"{_head(name)}\n\n{text}"


def failed(name: str, kind: str) -> str:
    """What happened, and what to do next."""
    return f"{_head(name)}\n\n⚠️ {_why(kind)}"


def _why(kind: str) -> str:
    return {
        Kind.BAD_CREDENTIALS: _("Avito refuses the keys. Enter new ones: /profiles, this profile, “New keys”."),
        Kind.NEEDS_SUBSCRIPTION: _(
            "For this Avito wants a higher subscription: the messenger's API opens with «Максимальный», for services "
            "with «Расширенный» too. Change it in Avito's cabinet and try again."
        ),
        Kind.NO_ACCESS: _(
            "These keys may not read the chats. Keys of an employee cannot: enter those of the main account "
            "(/profiles, this profile, “New keys”), or look at the subscription in Avito's cabinet."
        ),
        Kind.WRONG_ACCOUNT: _(
            "The keys belong to another Avito account than before. Enter the right ones: /profiles, this profile, "
            "“New keys”."
        ),
        Kind.RATE_LIMITED: _("Avito has held the export up for a whole day with its limits. Try it again tomorrow."),
        Kind.AVITO_DOWN: _("Avito does not answer, though I tried for a long while. Try it again later."),
        "changed": _("The profile has got keys of another Avito account meanwhile. Export its chats anew."),
        "disk": _("The bot could not write to its disk, which may be full. Tell whoever runs the bot; then try again."),
        "lost": _("The file did not get to Telegram. Export the chats again."),
    }.get(kind) or _("Something in the bot broke. Whoever runs it can see what; try again later.")


def notes(*, refused: int, cut: int, listing_cut: bool, part_of_all: bool, items_cut: bool) -> list[str]:
    """What the file does not have, in sentences."""
    found = []
    if listing_cut:
        found.append(
            _(
                "Avito shows no more than 1,100 chats of one list. The rest was looked for listing by listing; chats "
                "about listings that do not exist any more may be missing."
            )
        )
    if part_of_all:
        found.append(_("About one of the listings there are more than 1,100 chats: the others are missing."))
    if items_cut:
        found.append(_("Chats about the first 20,000 listings were looked for: those about the others may be missing."))
    if cut:
        text = ngettext(
            "Of %(count)d chat only the newest 1,100 messages are here: Avito gives no more of one chat.",
            "Of %(count)d chats only the newest 1,100 messages are here: Avito gives no more of one chat.",
            cut,
        )
        found.append(text % {"count": cut})
    if refused:
        text = ngettext(
            "Avito did not let the messages of %(count)d chat be read; it is listed without them.",
            "Avito did not let the messages of %(count)d chats be read; they are listed without them.",
            refused,
        )
        found.append(text % {"count": refused})
    return found


def file_name(profile: str, day: str, part: int, parts: int) -> str:
    """A name that every system takes."""
    safe = "".join(letter if letter.isalnum() or letter in " -_«»()" else "_" for letter in profile).strip() or "Avito"
    number_of = f" {part}-{parts}" if parts > 1 else ""
    what = _("Avito chats")  # gettext does not find what stands inside an f-string
    return f"{what} {safe} {day}{number_of}.xlsx"


def caption(profile: str, part: int, parts: int) -> str:
    if parts == 1:
        return _("Chats of “%(name)s”") % {"name": profile}
    names = {"name": profile, "part": part, "parts": parts}
    return _("Chats of “%(name)s”, file %(part)d of %(parts)d") % names


def cancel() -> str:
    return _("Cancel")

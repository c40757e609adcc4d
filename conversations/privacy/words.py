"""What a person reads about their own data."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations.privacy.forgetting import Holdings
from core.privacy import own_data


def only_in_private() -> str:
    return _("That is between the two of us: write it to me in private.")


def export_comes() -> str:
    return "📦 " + _("I am putting together what is on record about you; it comes as a document.")


def export_came(minutes: int) -> str:
    return ngettext(
        "You have asked for it a moment ago. Once more in %(minutes)d minute.",
        "You have asked for it a moment ago. Once more in %(minutes)d minutes.",
        minutes,
    ) % {"minutes": minutes}


def question(found: Holdings) -> str:
    """What exactly goes, what stays, and that access is not among it."""
    return "\n".join(
        [
            "🗑 " + _("**Shall I erase your data?** This cannot be undone."),
            "",
            _("It goes:"),
            *(f"• {line}" for line in listed(found)),
            "• " + _("the buttons under my older messages to you"),
            "",
            _("It stays: that you have access, what your questions cost in sums, and the record of who did what."),
            _("Your access stays too: you can go on asking at once."),
            _("Messages that Telegram shows in this chat stay there until you delete them yourself."),
        ]
    )


def listed(found: Holdings) -> list[str]:
    """``found`` in lines, without what there is none of."""
    lines = [
        (
            found.dialogs,
            ngettext("%(count)d dialog of ours", "%(count)d dialogs of ours", found.dialogs),
        ),
        (
            found.messages,
            ngettext("%(count)d message in it", "%(count)d messages in them", found.messages),
        ),
        (
            found.group_messages,
            ngettext("%(count)d message of yours in groups", "%(count)d messages of yours in groups",
                     found.group_messages),
        ),
        (
            found.requests,
            ngettext("the text of %(count)d request", "the texts of %(count)d requests", found.requests),
        ),
        (found.files, ngettext("%(count)d file", "%(count)d files", found.files)),
        (
            found.copies,
            ngettext("the copy of %(count)d message as it came in", "the copies of %(count)d messages as they came in",
                     found.copies),
        ),
    ]  # fmt: skip
    said = [line % {"count": count} for count, line in lines if count]
    return [*said, *(own_data()[name].words(count) for name, count in found.others.items() if count)]


def nothing() -> str:
    return "🗑 " + _("There is nothing of yours to erase.")


def kept() -> str:
    return _("Everything stays as it is.")


def erased(found: Holdings) -> str:
    if not found:
        return nothing()
    return "🗑 " + _("Erased:") + "\n" + "\n".join(f"• {line}" for line in listed(found))

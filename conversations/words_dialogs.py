"""What people read of their dialogs' ways. Plain text, no Markdown: titles are people's own words."""

from django.utils.translation import gettext as _


def branched(title: str) -> str:
    if not title:
        return "🌿 " + _("Going on from that answer in a dialog of its own. The earlier one is in /dialogs.")
    text = _("Going on from that answer in a dialog of its own. The earlier one, “%(title)s”, is in /dialogs.")
    return "🌿 " + text % {"title": title}


def went_on(title: str) -> str:
    return "🌿 " + _("Going on with the dialog “%(title)s”.") % {"title": title or untitled()}


def untitled() -> str:
    return _("Without words")


def renamed(title: str) -> str:
    return "✏️ " + _("The dialog is called “%(title)s” now.") % {"title": title}

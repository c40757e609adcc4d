"""What people read about their files: what is wrong with one, which models can take it, what was left out."""

from collections.abc import Iterable, Sequence

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from conversations.pieces import Piece
from files.errors import PARTLY
from llm import services as llm
from telegram_bot.access import escaped

MOST_MODELS = 5
MOST_HEARD = 300


def sorry(kind: str, name: str, limit: int = 0) -> str:
    """The sentence for a kind of files.errors; ``limit`` in bytes, none at all for a role that may send no files."""
    if kind == "too_large" and not limit:
        return _("Files are not open to your role here. An admin can change that.")
    title = {"name": quoted(name)}
    return {
        "empty": _("%(name)s is empty.") % title,
        "too_large": _("%(name)s is too large for me: %(limit)s is the limit.")
        % {**title, "limit": filesizeformat(limit)},
        "lost": _("Telegram did not give me %(name)s. Please send it once more.") % title,
        "encrypted": _("%(name)s is protected by a password. Please send it without one.") % title,
        "broken": _("%(name)s is damaged: I cannot open it.") % title,
        "bomb": _("%(name)s unpacks to far more than it should, so I did not open it.") % title,
        "timeout": _("%(name)s took too long to read. A smaller part of it may work.") % title,
        "no_text": _("There is no text in %(name)s.") % title,
        "unsupported": _(
            "I cannot read %(name)s. I can read pictures, voice messages, PDF, DOCX, XLSX, PPTX, CSV, TXT, MD, HTML "
            "and source code."
        )
        % title,
    }.get(kind, _("I cannot read %(name)s.") % title)


def quoted(name: str) -> str:
    return _("“%(name)s”") % {"name": escaped(name)} if name else _("This file")


def not_heard() -> str:
    """For a recording that the provider who should write it down did not take."""
    return _("I could not make out the recording just now. Please send it once more in a minute.")


def declined(kind: str) -> str:
    """For what is never read: a film, a sticker."""
    if kind == "sticker":
        return "🙂 " + _("I cannot see stickers. Please put it in words.")
    return _("I cannot watch films. Send a picture of it, or put it in words.")


def unable(piece: Piece) -> str:
    """For a file that the chosen model can take in no form."""
    assert piece.shown is not None
    match piece.shown.missing:
        case "image":
            return _("This model cannot see pictures.") + " " + _who_can({"image"})
        case "audio" if piece.file.text_error == "no_text":
            return _("I heard no words in this recording.")
        case "audio":
            return _("This model cannot listen.") + " " + _who_can({"audio"})
        case "document":
            sentence = _("There is no text in %(name)s, only pictures of pages.") % {"name": quoted(piece.title)}
            return sentence + " " + _who_can({"document"})
        case "room":
            return _("%(name)s is too large for this model.") % {"name": quoted(piece.title)}
        case "gone":
            return sorry("lost", piece.file.name)
    return sorry(piece.file.text_error or "unsupported", piece.file.name)


def _who_can(kinds: Iterable[str]) -> str:
    able = [escaped(model.title) for model in llm.offered_models() if llm.can_take(model, kinds)]
    if not able:
        return _("No model that can is set up here.")
    more = "…" if len(able) > MOST_MODELS else ""
    return _("These can: %(models)s.") % {"models": ", ".join(able[:MOST_MODELS]) + more}


def left_out(pieces: Sequence[Piece]) -> str:
    """What stands under an answer when not all of the files was told to the model; an empty string if all was."""
    return "\n".join(f"📎 {line}" for piece in pieces if (line := _left_out(piece)))


def _left_out(piece: Piece) -> str:
    if piece.shown is None:
        return ""
    title = {"name": quoted(piece.title)}
    if piece.shown.missing:
        return unable(piece)
    if piece.shown.share < 1:
        title["share"] = str(max(1, round(piece.shown.share * 100)))
        return _("Only the first %(share)s %% of %(name)s fitted into the model's window.") % title
    if piece.file.text_error == "too_many_pages" and piece.shown.part.kind == "text":
        return _("%(name)s has too many pages: only its beginning was read.") % title
    if piece.file.text_error in PARTLY and piece.shown.part.kind == "text":
        return _("Only the beginning of %(name)s was read.") % title
    return ""


def heard(words: str) -> str:
    """A voice message's words, shown to the person who said them."""
    short = words if len(words) <= MOST_HEARD else words[:MOST_HEARD].rstrip() + "…"
    return "> 🎤 " + escaped(" ".join(short.split()))


def pictured(number: int) -> str:
    """What stands above pictures that come without a word; an empty string if there are none."""
    return "🖼" if number else ""

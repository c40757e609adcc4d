"""What operators read in place of ``Request.error_kind``; a kind without words stands as it is."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from llm import error_words

KINDS: Mapping[str, Promise] = {
    **error_words.KINDS,
    "no_model": _("there is no model to ask"),
    "empty": _("an answer without a word"),
    "bug": _("an error of ours"),
    "crash": _("the process died"),
    "budget": _("a budget is used up"),
    "too_many": _("too many questions in a minute"),
    "file": _("the model can take none of the files"),
}


def say(kind: str) -> str:
    return str(KINDS.get(kind, kind))

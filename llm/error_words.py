"""What operators read in place of the kinds of errors.py; a kind without words stands as it is."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

KINDS: Mapping[str, Promise] = {
    "auth": _("the key was refused"),
    "billing": _("the account is out of money"),
    "forbidden_region": _("the provider refuses our region"),
    "model_not_found": _("there is no such model"),
    "bad_request": _("the provider did not take the question"),
    "context_too_long": _("the dialog is too long for the model"),
    "too_large": _("too large"),
    "blocked": _("the provider refuses the subject"),
    "rate_limited": _("too many questions at once"),
    "quota_daily": _("the quota of the day is used up"),
    "overloaded": _("the provider is overloaded"),
    "server": _("the server failed"),
    "timeout": _("it took too long"),
    "network": _("no connection"),
}


def say(kind: str) -> str:
    return str(KINDS.get(kind, kind))

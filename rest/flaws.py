"""What is wrong with what was sent, in our words: everything at once, with steady codes."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import ValidationError, ValidationErrorContext

from core.problem import Flaw
from rest.bodies import CLOCK, DATE, TIME, Body
from rest.times import unreadable

SENTENCES: dict[str, tuple[str, Callable[[], str]]] = {
    "missing": ("missing", lambda: _("This is needed.")),
    "extra_forbidden": ("unknown-field", lambda: _("There is no such field. Look for a typing error.")),
    "union_tag_not_found": ("missing", lambda: _("This is needed.")),
}
# The same for what has its code from CODES; by the values of the limit that was passed.
WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "greater_than_equal": lambda limit: _("This must be %(ge)s or more.") % limit,
    "less_than_equal": lambda limit: _("This must be %(le)s or less.") % limit,
    "less_than": lambda limit: _("This must be less than %(lt)s.") % limit,
    "string_too_long": lambda limit: _("This is too long: %(max_length)s characters at most.") % limit,
    "string_pattern_mismatch": lambda limit: FORMS.get(limit["pattern"], lambda: _("This has another form."))(),
    "too_short": lambda limit: _("Name at least %(min_length)s.") % limit,
    "too_long": lambda limit: _("Name %(max_length)s at most.") % limit,
    "literal_error": lambda limit: _one_of(limit["expected"]),
    "union_tag_invalid": lambda limit: _one_of(limit["expected_tags"]),
    **dict.fromkeys(("uuid_parsing", "uuid_type"), lambda _limit: _("Write a UUID.")),
    "int_type": lambda _limit: _("Write a whole number."),
    "bool_type": lambda _limit: _("Write true or false."),
    "string_type": lambda _limit: _("Write a text, in quotes."),
    "list_type": lambda _limit: _("Write a list."),
    **dict.fromkeys(("model_attributes_type", "model_type", "dict_type"), lambda _limit: _("Write a JSON object.")),
}
FORMS: dict[str, Callable[[], str]] = {
    TIME: unreadable,
    CLOCK: lambda: _("Write hours and minutes, like 09:30."),
    DATE: lambda: _("Write a day, like 2026-04-06."),
}
CODES = {
    "greater_than_equal": "out-of-range",
    "less_than_equal": "out-of-range",
    "less_than": "out-of-range",
    "string_too_long": "too-long",
}


class Unsound(ValidationError):
    """What was sent is not what the route takes."""

    def __init__(self, flaws: list[Flaw]) -> None:
        super().__init__([])
        self.flaws = flaws


class StrictAPI(NinjaAPI):
    def validation_error_from_error_contexts(self, error_contexts: list[ValidationErrorContext[Any]]) -> Unsound:
        """What ninja and pydantic found, as ours."""
        return Unsound([flaw for context in error_contexts for flaw in self._flaws(context)])

    def _flaws(self, context: ValidationErrorContext[Any]) -> list[Flaw]:
        found = super().validation_error_from_error_contexts([context]).errors
        return [_flaw(error, _body_of(context, error["loc"])) for error in found]


def _body_of(context: ValidationErrorContext[Any], place: tuple[Any, ...]) -> type[Body]:
    """The class that reads the body, of an error in it."""
    field = context.model.model_fields.get(str(place[1])) if place[0] == "body" and len(place) > 1 else None
    named = (field.annotation, *get_args(field.annotation)) if field else ()
    return next((one for one in named if isinstance(one, type) and issubclass(one, Body)), Body)


def _flaw(error: Mapping[str, Any], body: type[Body]) -> Flaw:
    kind, field = str(error["type"]), _field(error["loc"], body)
    if kind == "extra_forbidden" and field in body.READ_ONLY:
        return Flaw(field, "read-only", _("This cannot be changed."))
    own = body.WORDS.get(kind)
    if kind in SENTENCES:
        code, sentence = SENTENCES[kind]
        return Flaw(field, code, (own or sentence)())
    code = CODES.get(kind, "wrong-type" if kind.endswith("_type") else kind if "-" in kind else "bad-value")
    if own:
        return Flaw(field, code, own())
    words = WORDS.get(kind)
    return Flaw(field, code, words(error.get("ctx", {})) if words else str(error["msg"]))


def _one_of(names: str) -> str:
    """``names`` as pydantic writes them: 'a', 'b' or 'c'."""
    return _("Write one of these: %(names)s.") % {"names": names.replace(" or ", ", ")}


def _field(place: tuple[Any, ...], body: type[Body]) -> str:
    """``rule.at`` of ("body", "wish", "rule", "daily", "at"); ``page`` of ("query", "page")."""
    names = [str(name) for name in place[2 if place[0] == "body" else 1 :]]
    if names and names[0] in body.TAGGED and len(names) > 2:
        del names[1]  # the kind, which pydantic tells along
    return ".".join(names)

"""Error bodies of every shape, and what they mean."""

from typing import Any

import pytest

from reports.avito import methods
from reports.avito.errors import AvitoError, Kind
from reports.avito.failures import Reply, complaint_in, sentence, value_of
from reports.avito.methods import ADVANCE, BALANCE, CHATS, ITEMS, RATING, SELF, STATISTICS, Method
from reports.metrics import Section


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"code": 401, "message": "Unauthorized"}}, "Unauthorized"),
        ({"error": {"code": 400, "message": "Validation error", "fields": {"a": "b"}}}, "Validation error"),
        ({"code": "x", "message": "y"}, "y"),
        ({"error": {"code": 429}}, ""),
        ({"result": {"error": {"code": 1001, "message": "нет даты"}}}, "нет даты"),
        ({"result": {"status": False, "message": "invalid access token"}}, "invalid access token"),
        ({"errors": ["Тариф", "не найден"]}, "Тариф не найден"),
        ({"result": {"status": "error", "messages": ["раз", "два"]}}, "раз два"),
        (
            {"error": "invalid_client", "error_description": "Client authentication failed"},
            "Client authentication failed",
        ),
        ({"error": "invalid_client"}, "invalid_client"),
        ({"message": "a\n  b\x00"}, "a b�"),
        ({"error": None}, ""),
        ({"errors": [7, None]}, ""),
        ([], ""),
        (None, ""),
        ("<html>", ""),
    ],
    ids=str,
)
def test_every_shape_says_its_sentence(body: Any, expected: str) -> None:
    assert sentence(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": 404, "message": "x"}},
        {"error": {"message": "x"}},
        {"error": "x"},
        {"code": "x", "message": "y"},
        {"errors": ["x"]},
        {"result": {"error": {"code": 1001}}},
        {"result": {"status": False, "message": "x"}},
        {"result": {"status": "error", "messages": ["x"]}},
    ],
    ids=str,
)
def test_complaint_inside_an_answer_is_found(body: Any) -> None:
    assert complaint_in(body) is not None


@pytest.mark.parametrize(
    "body",
    [
        {"calls": [], "error": {"code": 0, "message": ""}},
        {"error": None, "result": {}},
        {"error": {}},
        {"error": ""},
        {"result": {"items": []}, "errors": {"5": "unknown"}},
        {"result": {"items": []}, "errors": ["5 is unknown"]},
        {"result": {"status": True}},
        {"real": 1, "bonus": 2},
        {"code": 1, "message": "x", "more": 1},
        [{"error": "x"}],
        7,
        None,
    ],
    ids=str,
)
def test_answer_is_no_complaint(body: Any) -> None:
    assert complaint_in(body) is None


def error_of(method: Method, status: int, body: str = "{}") -> AvitoError:
    with pytest.raises(AvitoError) as caught:
        value_of(method, Reply(status, {}, body.encode()))
    return caught.value


@pytest.mark.parametrize(
    ("method", "status", "kind"),
    [
        (BALANCE, 404, Kind.WRONG_ACCOUNT),
        (STATISTICS, 404, Kind.WRONG_ACCOUNT),
        (CHATS, 404, Kind.WRONG_ACCOUNT),
        (ADVANCE, 404, Kind.NOT_FOR_ACCOUNT),
        (ADVANCE, 403, Kind.NOT_FOR_ACCOUNT),
        (ADVANCE, 401, Kind.NO_ACCESS),
        (RATING, 404, Kind.NOT_FOR_ACCOUNT),
        (RATING, 403, Kind.NO_ACCESS),
        (ITEMS, 404, Kind.BAD_REQUEST),
        (methods.MESSAGES, 404, Kind.BAD_REQUEST),
        (methods.TARIFF, 404, Kind.NOT_FOR_ACCOUNT),
        (CHATS, 402, Kind.NEEDS_SUBSCRIPTION),
        (SELF, 401, Kind.NO_ACCESS),
        (SELF, 408, Kind.AVITO_DOWN),
        (SELF, 425, Kind.AVITO_DOWN),
        (SELF, 429, Kind.RATE_LIMITED),
        (SELF, 418, Kind.BAD_REQUEST),
        (SELF, 302, Kind.AVITO_DOWN),
        (SELF, 500, Kind.AVITO_DOWN),
        (SELF, 599, Kind.AVITO_DOWN),
    ],
    ids=lambda one: one.name if isinstance(one, Method) else str(one),
)
def test_status_has_its_meaning_by_method(method: Method, status: int, kind: Kind) -> None:
    error = error_of(method, status)
    assert (error.kind, error.status, error.section) == (kind, status, method.section)


@pytest.mark.parametrize(
    ("code", "kind", "status"),
    [
        (1000, Kind.BAD_REQUEST, 400),
        (1001, Kind.BAD_REQUEST, 400),
        (1002, Kind.NO_ACCESS, 401),
        (1003, Kind.AVITO_DOWN, 500),
        (1004, Kind.NOT_FOR_ACCOUNT, 404),
        (42, Kind.NOT_FOR_ACCOUNT, 42),
        (503, Kind.AVITO_DOWN, 503),
        (429, Kind.RATE_LIMITED, 429),
    ],
)
def test_number_inside_an_answer_has_its_meaning(code: int, kind: Kind, status: int) -> None:
    error = error_of(ADVANCE, 200, f'{{"error": {{"code": {code}, "message": "x"}}}}')
    assert (error.kind, error.status) == (kind, status)


@pytest.mark.parametrize("body", ["", "<html>", "{", "null and void", "\xff", "[NaN]"])
def test_what_is_no_json_is_avitos_failure(body: str) -> None:
    assert error_of(SELF, 200, body).kind is Kind.AVITO_DOWN


def test_no_content_is_an_answer() -> None:
    assert value_of(SELF, Reply(204, {}, b"")) == ("", None)


def test_byte_order_mark_is_no_content() -> None:
    assert value_of(SELF, Reply(200, {}, b'\xef\xbb\xbf{"id": 1}'))[1] == {"id": 1}


def test_reply_shows_nothing_of_its_content() -> None:
    assert repr(Reply(200, {"set-cookie": "s3cret"}, b"tK-s3cret")) == "<Reply 200, 9 bytes>"


# --- the error itself


@pytest.mark.parametrize("kind", list(Kind))
def test_only_waiting_helps_against_limits_and_failures(kind: Kind) -> None:
    assert AvitoError(kind).permanent == (kind not in (Kind.RATE_LIMITED, Kind.AVITO_DOWN))


def test_error_keeps_what_it_knows_when_told_of_a_section() -> None:
    error = AvitoError(Kind.RATE_LIMITED, "x", status=429, retry_after=5.0).of(Section.CALLS)
    assert (error.kind, error.message, error.status, error.retry_after) == (Kind.RATE_LIMITED, "x", 429, 5.0)
    assert error.section is Section.CALLS


@pytest.mark.parametrize("form", ["a b+c%", "a%20b%2Bc%25", "a+b%2Bc%25"])
def test_secret_is_hidden_in_whatever_form(form: str) -> None:
    assert AvitoError(Kind.BAD_REQUEST, f"no {form}!").hiding("a b+c%").message == "no ***!"


def test_secret_at_the_cut_is_hidden_first() -> None:
    message = AvitoError(Kind.BAD_REQUEST, "x" * 295 + "s3cret-of-nobody").hiding("s3cret-of-nobody").message
    assert (len(message), "s3" in message) == (298, False)


def test_kind_is_one_of_those_there_are() -> None:
    with pytest.raises(ValueError, match="not a valid Kind"):
        AvitoError("broken")  # type: ignore[arg-type]

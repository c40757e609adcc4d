"""No secret gets into a log line, whatever way it came."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import structlog
from django.conf import settings as project

from config.env import SECRETS
from config.logging import crash, hide, logging_config, mask, mask_event

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
ODD = 'p@ss/w"rd ы 100%'  # it looks different in an address, in JSON and in repr


@pytest.fixture
def configured() -> Iterator[None]:
    """An installation whose secrets look like nothing."""
    hide({ODD, "1000:sandbox-token", "abcdefgh", "abcdefgh-longer", "short"})
    yield
    hide(SECRETS)


@pytest.fixture(params=["json", "console"])
def lines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What the logger ``sample`` wrote, in both styles."""
    monkeypatch.setenv("NO_COLOR", "1")
    described = dict(logging_config("DEBUG", request.param)["formatters"]["structured"])
    handler = logging.StreamHandler(stream := StringIO())
    handler.setFormatter(described.pop("()")(**described))
    logger = logging.getLogger("sample")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield stream.getvalue
    logger.removeHandler(handler)


LOOKS = [
    (f"GET https://api.telegram.org/bot{TOKEN}/getMe", "GET https://api.telegram.org/bot123456789:***/getMe"),
    (f"bot{TOKEN.replace(':', '%3A')}/getMe", "bot123456789%3A***/getMe"),
    ("postgres://anna:hunter22@db:5432/x", "postgres://***@db:5432/x"),
    ("redis://:p@ss@redis/0", "redis://***@redis/0"),
    ("Authorization: Bearer abc.def-ghi_jkl", "Authorization: Bearer ***"),
    ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "{'Authorization': 'Basic ***'}"),
    ("(b'authorization', b'Bearer abc')", "(b'authorization', b'Bearer ***')"),
    ("invalid key sk-proj-0123456789abcdefXYZ!", "invalid key sk-***!"),
    ("AIzaSyD-0123456789abcdefghijklmnopqrs", "AIza***"),
    ("/v1/models?alt=sse&key=abc123&x=1", "/v1/models?alt=sse&key=***&x=1"),
    ("x-api-key=abc, host=db", "x-api-key=***, host=db"),
    ("host=db password='abc' user=anna", "host=db password='***' user=anna"),
    ('{"client_secret": "abc", "a": 1}', '{"client_secret": "***", "a": 1}'),
    ("Set-Cookie='sessionid'", "Set-Cookie='***'"),
    ("no\nDETAIL:  Key (a)=(my diary) is there.\nHINT", "no\nDETAIL:  ***\nHINT"),
    ('no\nCONTEXT:  JSON data, line 1: {"text": "my diary \\u0000...', "no\nCONTEXT:  ***"),
]


@pytest.mark.parametrize(("text", "masked"), LOOKS)
def test_what_looks_like_a_secret_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


PLAIN = [
    "Answered in 0.53 s at 2026-11-21T03:04:05.123456Z; 1532 tokens in, 220 out",
    "skipped_because_of_a_very_long_identifier keyboard_interrupt_handler",
    "chat -1001000000001, user 123456789, model openai:gpt-4.1-mini-2025-04-14",
    "see https://core.telegram.org/bots/api#user or write to anna@example.org",
    "the token is missing; no password was given",
    "postgres://db.internal:5432/sekretar",
]


@pytest.mark.parametrize("text", PLAIN)
def test_plain_words_stay(text: str) -> None:
    assert mask(text) == text


# --- configured secrets ---


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    "text", [f"key {ODD}!", "key p%40ss%2Fw%22rd%20%D1%8B%20100%25!", f"key {json.dumps(ODD)[1:-1]}!"]
)
def test_configured_secret_is_masked_in_every_form(text: str) -> None:
    assert mask(text) == "key ***!"


@pytest.mark.usefixtures("configured")
def test_configured_token_that_looks_like_nothing_is_masked() -> None:
    assert mask("http://127.0.0.1:8081/bot1000:sandbox-token/getMe") == "http://127.0.0.1:8081/bot***/getMe"


@pytest.mark.usefixtures("configured")
def test_longer_secret_leaves_no_tail() -> None:
    assert mask("abcdefgh-longer abcdefgh") == "*** ***"


@pytest.mark.usefixtures("configured")
def test_short_value_does_not_blot_out_words() -> None:
    assert mask("in short") == "in short"


def test_secret_key_of_this_process_is_known(settings: Any) -> None:
    assert settings.SECRET_KEY not in mask(f"signed with {settings.SECRET_KEY}")


# --- events ---


def masked(**event: Any) -> dict[str, Any]:
    return dict(mask_event(None, "info", event))


@pytest.mark.parametrize(
    "name",
    ["token", "bot_token", "X-Telegram-Bot-Api-Secret-Token", "Authorization", "x-goog-api-key", "Cookie", "dsn"],
)
def test_value_is_masked_by_its_name(name: str) -> None:
    assert masked(**{name: "anything"}) == {name: "***"}


def test_names_are_masked_deep_inside() -> None:
    event = masked(calls=[{"headers": {"authorization": ("Basic", "abc")}}])
    assert event == {"calls": [{"headers": {"authorization": "***"}}]}


def test_counts_and_times_stay() -> None:
    when = datetime(2026, 11, 20, tzinfo=UTC)
    event = {"first_token": 0.7, "max_tokens": 100, "secret": None, "token": "", "at": when}
    assert masked(**event) == event


def test_objects_are_masked_as_they_would_be_shown() -> None:
    class Request:
        def __repr__(self) -> str:
            return f"<Request /bot{TOKEN}/getMe>"

    assert masked(request=Request()) == {"request": "<Request /bot123456789:***/getMe>"}


def test_bytes_and_keys_are_masked() -> None:
    assert TOKEN not in str(masked(body=TOKEN.encode(), calls={TOKEN: 1}, seen={TOKEN}))


def test_list_that_holds_itself_is_shown() -> None:
    loop: list[Any] = [TOKEN]
    loop.append(loop)
    assert TOKEN not in str(masked(loop=loop))


# --- whole lines ---


def test_message_with_arguments_is_masked(lines: Callable[[], str]) -> None:
    logging.getLogger("sample").info("GET %s", f"https://api.telegram.org/bot{TOKEN}/getMe")
    assert "123456789:***" in lines()
    assert TOKEN not in lines()


def test_extra_of_a_foreign_library_is_masked(lines: Callable[[], str]) -> None:
    logging.getLogger("sample").info("call", extra={"api_key": "abc", "url": f"/bot{TOKEN}"})
    assert ("abc" in lines(), TOKEN in lines(), "***" in lines()) == (False, False, True)


def test_extra_that_bears_a_name_of_ours_tells_nothing(lines: Callable[[], str]) -> None:
    said = f"/bot{TOKEN}"
    logging.getLogger("sample").info("call", extra={"level": said, "logger": said, "timestamp": said})
    structlog.stdlib.get_logger("sample").warning("call", level=said, logger=said, timestamp=said)
    assert lines().count("call") == 2
    assert TOKEN not in lines()


@pytest.mark.usefixtures("configured")
def test_traceback_is_masked(lines: Callable[[], str]) -> None:
    def fail() -> None:
        raise ValueError(f"the token {TOKEN} was rejected") from RuntimeError("postgres://anna:hunter22@db/x")

    try:
        fail()
    except ValueError:
        logging.getLogger("sample").exception("failed with %s", ODD)
    text = lines()
    assert "the token 123456789:*** was rejected" in text
    assert [secret for secret in (TOKEN, "hunter22", ODD, json.dumps(ODD)[1:-1]) if secret in text] == []


def test_own_event_is_masked_and_formatted(lines: Callable[[], str]) -> None:
    structlog.stdlib.get_logger("sample").warning("call to %s", "Telegram", url=f"/bot{TOKEN}", token="abc")
    text = lines()
    assert ("call to Telegram" in text, TOKEN in text, "abc" in text) == (True, False, False)


def test_own_traceback_is_shown_and_masked(lines: Callable[[], str]) -> None:
    def fail() -> None:
        raise ValueError(f"the token {TOKEN} was rejected")

    try:
        fail()
    except ValueError:
        structlog.stdlib.get_logger("sample").exception("failed")
    text = lines()
    assert ("Traceback" in text, "the token 123456789:*** was rejected" in text, TOKEN in text) == (True, True, False)


def test_bound_trace_stands_in_lines_of_foreign_libraries(lines: Callable[[], str]) -> None:
    with structlog.contextvars.bound_contextvars(trace="ab12cd34ef56"):
        logging.getLogger("sample").info("hello")
    assert "ab12cd34ef56" in lines()


def test_json_line_is_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    described = dict(logging_config("DEBUG", "json")["formatters"]["structured"])
    formatter = described.pop("()")(**described)
    line = formatter.format(logging.LogRecord("sample", logging.INFO, "", 0, "Привет\n%s", ("мир",), None))
    found = json.loads(line)
    assert (found["event"], found["level"], found["logger"]) == ("Привет\nмир", "info", "sample")
    assert "\n" not in line


# --- crashes ---


def test_last_words_of_a_process_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    error = ValueError(f"the token {TOKEN} was rejected")
    crash(type(error), error, None)
    assert capsys.readouterr().err == "ValueError: the token 123456789:*** was rejected\n"


def test_processes_and_threads_say_their_last_words_through_the_mask() -> None:
    code = (
        "import django, threading; django.setup()\n"
        f"def fail(): raise ValueError('{TOKEN[:20]}' + '{TOKEN[20:]}')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join(); fail()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.count("ValueError: 123456789:***"), TOKEN in done.stderr) == (1, 2, False)

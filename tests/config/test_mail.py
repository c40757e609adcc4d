"""EMAIL_URL and EMAIL_FROM: what Django makes of them, and what is said of mistakes."""

from pathlib import Path

import pytest
from pytest_django import Settings

from config import env
from config.checks import settings_problems


def read(monkeypatch: pytest.MonkeyPatch, address: str) -> tuple[dict[str, object], list[env.Problem]]:
    monkeypatch.setenv("EMAIL_URL", address)
    problems: list[env.Problem] = []
    return env.Env(Path("/none"), problems).mail("EMAIL_URL"), problems


@pytest.mark.parametrize(
    ("address", "host", "port", "tls", "ssl"),
    [
        ("smtp://mail.example.org", "mail.example.org", 25, False, False),
        ("smtp+tls://u:p@mail.example.org", "mail.example.org", 587, True, False),
        ("smtps://u:p@mail.example.org", "mail.example.org", 465, False, True),
        ("smtp+ssl://u:p@mail.example.org:2465", "mail.example.org", 2465, False, True),
    ],
)
def test_an_address_says_where_and_how(
    monkeypatch: pytest.MonkeyPatch, address: str, host: str, port: int, tls: bool, ssl: bool
) -> None:
    found, problems = read(monkeypatch, address)

    assert problems == []
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == (host, port)
    assert (bool(found.get("EMAIL_USE_TLS")), bool(found.get("EMAIL_USE_SSL"))) == (tls, ssl)


def test_a_password_with_signs_is_read_and_hidden_from_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _problems = read(monkeypatch, "smtp+tls://reports:p%40ss%2Fw@mail.example.org:587")

    assert found["EMAIL_HOST_PASSWORD"] == "p@ss/w"
    assert {"p@ss/w", "p%40ss%2Fw"} <= env.SECRETS


@pytest.mark.parametrize("address", ["imap://mail.example.org", "smtp://", "mail.example.org", "smtp://a b"])
def test_what_is_no_mail_server_is_said_without_the_address(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    found, problems = read(monkeypatch, address)

    assert found == {}
    [(name, sentence)] = problems
    assert name == "EMAIL_URL"
    assert "Write for example smtp+tls://" in sentence


@pytest.mark.parametrize(("sender", "ids"), [("", ["sekretar.E024"]), ("Reports <a@example.org>", [])])
def test_with_a_server_there_must_be_a_sender(settings: Settings, sender: str, ids: list[str]) -> None:
    settings.EMAIL_HOST, settings.EMAIL_FROM = "mail.example.org", sender

    assert [problem.id for problem in settings_problems() if problem.id == "sekretar.E024"] == ids

"""The web side: what it refuses to start with, its logs, its static files, its language switch."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User

SERVER = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", "0"]
STYLE = "/static/admin/css/base.css"


def environment(**changed: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "SEKRETAR_IGNORE_DOTENV": "1", "SECRET_KEY": "s" * 50, "LOG_FORMAT": "json", **changed}


@dataclass
class Served:
    """What a web side answered while it lived, and what it wrote."""

    style: HTTPResponse
    login: HTTPResponse
    lines: list[str]


def get(port: int, path: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A real server with its own handlers of logs, on nothing but a secret key; stopped before its lines are read."""
    folder = tmp_path_factory.mktemp("web")
    env = environment(DATABASE_URL=f"sqlite:///{folder}/web.sqlite3", PYTHONWARNINGS="always::Warning:django")
    with subprocess.Popen(SERVER, cwd=settings.BASE_DIR, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        lines = []
        try:
            for line in process.stderr:
                lines.append(line)
                if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                    break
            assert found, lines
            answers = get(int(found[1]), STYLE), get(int(found[1]), "/admin/login/")
        finally:
            process.terminate()
        yield Served(*answers, [*lines, *process.stderr])


@pytest.mark.acceptance
def test_servers_own_lines_go_through_our_logs(served: Served) -> None:
    events = [json.loads(line) for line in served.lines]
    assert "Application startup complete." in [event["event"] for event in events]
    assert {event["logger"] for event in events} == {"uvicorn.error"}
    assert not any("color_message" in event for event in events)


@pytest.mark.acceptance
def test_style_comes_without_collected_files_and_without_a_warning(served: Served) -> None:
    assert (served.style.status, served.login.status) == (200, 200)
    assert [line for line in served.lines if "Warning" in line] == []


# What is set wrong -> how the sentence begins.
WRONG = {
    ("SECRET_KEY", ""): "sekretar.E004: SECRET_KEY is missing.",
    ("SECRET_KEY", "short"): "sekretar.E005: SECRET_KEY has only 5 characters",
    ("MAX_FILE_MB", "many"): "sekretar.E003: MAX_FILE_MB",
}


@pytest.mark.acceptance
@pytest.mark.parametrize(("setting", "sentence"), WRONG.items())
def test_web_side_refuses_to_start_half_configured(setting: tuple[str, str], sentence: str) -> None:
    env = environment(**dict([setting]))
    done = subprocess.run(
        SERVER, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


# --- static files ---


def test_static_file_is_whole_with_its_type(client: Client) -> None:
    answer = client.get(STYLE)
    assert not answer.streaming
    assert answer["Content-Type"] == 'text/css; charset="utf-8"'
    assert len(answer.content) == int(answer["Content-Length"]) > 1000


def test_known_static_file_is_not_sent_again(client: Client) -> None:
    seen = client.get(STYLE)["Last-Modified"]
    answer = client.get(STYLE, headers={"If-Modified-Since": seen})
    assert (answer.status_code, answer.content, "Content-Type" in answer) == (304, b"", False)


def test_piece_of_a_static_file_can_be_had(client: Client) -> None:
    whole = client.get(STYLE).content
    piece = client.get(STYLE, headers={"Range": "bytes=10-19"})
    assert (piece.status_code, piece.content) == (206, whole[10:20])


# --- pages ---


def test_site_begins_with_the_overview(client: Client) -> None:
    assert client.get("/")["Location"] == "/admin/"


def test_who_logs_in_without_a_destination_comes_to_the_overview(admin_user: User) -> None:
    answer = Client().post("/admin/login/", {"username": admin_user.username, "password": "password"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


@pytest.mark.parametrize("language", ["ru", "en"])
def test_language_of_the_site_can_be_switched(admin_client: Client, language: str) -> None:
    assert 'action="/i18n/setlang/"' in admin_client.get("/admin/").content.decode()
    admin_client.post("/i18n/setlang/", {"language": language, "next": "/admin/"})
    assert f'<html lang="{language}"' in admin_client.get("/admin/").content.decode()

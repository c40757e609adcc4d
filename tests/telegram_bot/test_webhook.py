"""Receiving by webhook: nobody without the secret, nothing but updates, and no 200 before the row is there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from telegram_bot.models import Update

pytestmark = pytest.mark.django_db

UPDATE = {"update_id": 5, "message": {"chat": {"id": 7, "type": "private"}, "text": "hi"}}

Post = Callable[..., Any]


@pytest.fixture
def post(settings: Settings, tmp_path: Path) -> Post:
    settings.WEBHOOK_SECRET, settings.BOT_TOKEN = "s3cret", "1000:token"
    settings.STATIC_ROOT = tmp_path  # WhiteNoise warns of a folder that is not there

    def call(body: Any = UPDATE, secret: str | None = "s3cret", **more: Any) -> Any:
        headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        client = Client(raise_request_exception=False)
        return client.post("/telegram/webhook", content, "application/json", headers=headers, **more)

    return call


def test_update_is_stored_before_the_answer(post: Post) -> None:
    answer = post()

    assert (answer.status_code, answer.content) == (200, b"")
    update = Update.objects.get()
    assert (update.bot_id, update.update_id, update.lane, update.state) == (1000, 5, "in:1000:7:0", "new")
    assert update.raw == UPDATE


def test_update_that_telegram_repeats_is_stored_once(post: Post) -> None:
    assert [post().status_code for _time in range(3)] == [200, 200, 200]
    assert Update.objects.count() == 1


@pytest.mark.parametrize("secret", [None, "", "S3cret", "s3cre", "s3crets", "ü" * 6])
def test_wrong_secret_is_refused(post: Post, secret: str | None) -> None:
    assert post(secret=secret).status_code == 403
    assert not Update.objects.exists()


def test_without_a_secret_of_ours_nobody_comes_in(post: Post, settings: Settings) -> None:
    settings.WEBHOOK_SECRET = ""

    assert post(secret="").status_code == 403
    assert post(secret=None).status_code == 403


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[]", b"7", b'"x"', b"null", {}, {"update_id": "5"}, {"update_id": None},
     {"update_id": True}, {"update_id": 5.5}],
)  # fmt: skip
def test_what_is_no_update_is_refused(post: Post, body: Any) -> None:
    assert post(body).status_code == 400
    assert not Update.objects.exists()


def test_only_post_is_taken(post: Post) -> None:
    assert Client().get("/telegram/webhook").status_code == 405


def test_no_cookie_and_no_token_of_a_form_is_asked(post: Post, settings: Settings) -> None:
    client = Client(enforce_csrf_checks=True)
    headers = {"X-Telegram-Bot-Api-Secret-Token": "s3cret"}

    answer = client.post("/telegram/webhook", json.dumps(UPDATE), "application/json", headers=headers)
    assert answer.status_code == 200
    assert not answer.cookies


def test_database_that_fails_is_no_200_so_telegram_repeats(post: Post) -> None:
    def down(*_query: Any) -> Any:
        raise OperationalError("the database went away")

    with connection.execute_wrapper(down):
        assert post().status_code == 500
    assert not Update.objects.exists()

    assert post().status_code == 200
    assert Update.objects.count() == 1


def test_update_that_fits_no_column_is_kept_dead_and_not_asked_for_again(post: Post) -> None:
    assert post({"update_id": 6, "message": {"chat": {"id": 10**40}}}).status_code == 200
    assert Update.objects.get().state == "dead"

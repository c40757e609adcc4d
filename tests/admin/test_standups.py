"""Operators see who was asked and who answered, never what was said."""

from django.test import Client

from conversations.models import StandUp
from tests.admin.conftest import url


def test_page_shows_who_answered_and_not_what(site: Client, rows: dict[type, object]) -> None:
    standup = rows[StandUp]
    assert isinstance(standup, StandUp)

    page = site.get(url(StandUp, "change", standup.pk)).content.decode()

    assert standup.user.name in page
    assert "answered" in page
    assert "I made tea" not in page

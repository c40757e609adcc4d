"""Posts on the operator's pages in Chromium: written with a preview, planned in a dialog, found in the calendar."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from accounts.models import Access, User
from posts.models import Post, PostTarget
from tests.admin.browsing import operators_page
from tests.admin.test_posts_writing import png
from tests.chromium import needs_chromium
from tests.house import BOT
from tests.posts.making import channel, editor, make_post

# The id of a post with many words.
LONG = UUID(int=1)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    needs_chromium,
]


@pytest.fixture
def operator(transactional_db: None, settings: Settings, tmp_path: Path) -> User:
    """She may do everything; there is a channel to post in."""
    settings.BOT_TOKEN, settings.FILES_DIR = f"{BOT}:test-token", tmp_path
    channel(title="News")
    long = channel(-1007, "A channel with a long name " * 3)
    post = make_post(editor(), long, text="Word " * 300)
    PostTarget.objects.all().delete()
    Post.objects.filter(pk=post.pk).update(id=LONG, planned_at=timezone.now(), state="error")
    PostTarget.objects.create(post_id=LONG, chat=long, state="failed", error_kind="forbidden")
    return User.objects.create_superuser("root", password="long enough 1", first_name="Rita", status=Access.ACTIVE)


@pytest.fixture
def page(live_server: Any, operator: User) -> Iterator[Page]:
    with operators_page(live_server.url, operator) as opened:
        yield opened


def test_post_is_written_looked_at_saved_and_planned(page: Page) -> None:
    page.goto("/admin/posts/post/add/")
    page.get_by_label("Text", exact=True).fill("**Tea** at five")
    page.get_by_label("Buttons").fill("More — https://a.example")
    look = page.locator("#po-look")
    expect(look.locator("strong")).to_have_text("Tea")
    expect(look.get_by_role("link", name="More")).to_be_visible()
    page.get_by_label("News").check()
    page.get_by_role("button", name="Save as a draft").click()

    page.get_by_text("It is saved. Choose its time, or publish it now.").wait_for()
    page.get_by_role("link", name="Choose the time").click()
    dialog = page.locator("#dialog")
    day = timezone.localdate() + timedelta(days=2)
    dialog.get_by_label("Day").fill(f"{day:%Y-%m-%d}")
    dialog.get_by_label("Time", exact=False).first.fill("10:00")
    dialog.get_by_role("button", name="Choose the time").click()
    page.get_by_text("It is planned.").wait_for()
    expect(page.locator(".po-facts")).to_contain_text(f"{day:%Y-%m-%d}\N{NO-BREAK SPACE}10:00")

    page.goto(f"/admin/posts/post/calendar/?month={day:%Y-%m}")
    page.get_by_role("link", name="Tea at five").click()
    expect(page.get_by_role("heading", name="Tea at five")).to_be_visible()


def test_form_shows_the_fields_of_what_is_written(page: Page) -> None:
    page.goto("/admin/posts/post/add/")
    expect(page.get_by_label("Question")).to_be_hidden()
    page.get_by_label("Poll or quiz").check()
    expect(page.get_by_label("Text", exact=True)).to_be_hidden()
    page.get_by_label("Question").fill("Coffee or tea?")
    page.get_by_label("Answers", exact=True).fill("+ Tea\nCoffee")
    page.get_by_label("It is a quiz").check()
    expect(page.locator("#po-look .tg-right")).to_have_text("Tea")


def test_chosen_picture_is_shown_before_it_is_uploaded(page: Page, tmp_path: Path) -> None:
    (tmp_path / "tea.png").write_bytes(png())
    page.goto("/admin/posts/post/add/")
    page.get_by_label("Add files").set_input_files(tmp_path / "tea.png")
    picture = page.locator("#po-look img")
    expect(picture).to_have_attribute("alt", "tea.png")
    page.wait_for_function("document.querySelector('#po-look img').naturalWidth === 32")


def test_uploaded_file_can_be_taken_out_after_a_refusal(page: Page, tmp_path: Path) -> None:
    (tmp_path / "tea.png").write_bytes(png())
    page.goto("/admin/posts/post/add/")
    page.get_by_label("Add files").set_input_files(tmp_path / "tea.png")
    page.get_by_label("Delete after, minutes").fill("-1")
    page.get_by_role("button", name="Save as a draft").click()
    kept = page.locator(".po-kept")
    expect(kept).to_contain_text("tea.png")
    kept.get_by_label("take out").check()
    expect(page.locator("#po-look")).to_contain_text("There is nothing in it yet.")


def test_calendar_turns_by_the_arrow_keys(page: Page) -> None:
    page.goto("/admin/posts/post/calendar/?month=2026-11")
    for key, heading in (
        ("ArrowRight", "December 2026"),
        ("ArrowLeft", "November 2026"),
        ("ArrowLeft", "October 2026"),
    ):
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        page.wait_for_load_state()  # a page is seen before it listens to keys


@pytest.mark.parametrize("address", ["", "calendar/", "add/", f"{LONG}/change/", f"{LONG}/edit/"])
def test_no_page_of_posts_scrolls_sideways_on_a_phone(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/admin/posts/post/{address}")
    assert page.get_by_text("News").count() or page.get_by_text("Word").count()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

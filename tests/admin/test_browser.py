"""The site in Chromium: charts are drawn, a dialog decides, and nothing is fetched from elsewhere."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import Access, User
from conversations.models import Request
from tests.admin.browsing import operators_page
from tests.admin.conftest import one_of_each
from tests.chromium import needs_chromium

PAINTED = """canvas => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.some((value, place) => place % 4 === 3 && value > 0);
}"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    needs_chromium,
]


@pytest.fixture
def people(transactional_db: None) -> tuple[User, User]:
    """An operator and a person who waits; there are requests of some days."""
    operator = User.objects.create_superuser("root", password="long enough 1", status=Access.ACTIVE)
    now = timezone.now()
    for number in range(3):
        waiting = one_of_each(number * 2, now)[User]
        Request.objects.filter(update_key=f"1:{number * 2}").update(created_at=now - timedelta(days=number))
    assert isinstance(waiting, User)
    return operator, waiting


@pytest.fixture
def page(live_server: Any, people: tuple[User, User]) -> Iterator[Page]:
    with operators_page(live_server.url, people[0]) as opened:
        yield opened


def test_charts_are_drawn(page: Page) -> None:
    page.goto("/admin/")
    page.wait_for_load_state("networkidle")

    assert page.locator("canvas").count() == 3
    until = time.monotonic() + 60
    while not all(canvas.evaluate(PAINTED) for canvas in page.locator("canvas").all()):
        assert time.monotonic() < until, "a chart stays empty"
        page.wait_for_timeout(50)


def test_record_of_a_reminder_does_not_make_a_phones_page_scroll_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    address = f"/admin/reminders/reminder/{UUID(int=2)}/change/"
    page.goto(address)
    page.goto(address)  # that it was opened is on record now
    assert page.get_by_text("content.read").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_person_is_let_in_through_the_dialog(page: Page, people: tuple[User, User]) -> None:
    page.goto(f"/admin/accounts/user/{people[1].pk}/change/")
    page.get_by_role("link", name="Let in").click()
    page.locator("#dialog").get_by_text(str(people[1]), exact=True).wait_for()
    page.locator("#dialog").get_by_role("button", name="Let in").click()
    page.get_by_text("Let in: 1 row.").wait_for()

    page.get_by_text("active", exact=True).first.wait_for()


@pytest.fixture
def anna(people: tuple[User, User]) -> User:
    """She waits no longer."""
    User.objects.filter(pk=people[1].pk).update(status=Access.ACTIVE)
    return people[1]


def test_reminder_is_looked_at_before_it_is_saved(anna: User, page: Page) -> None:
    page.goto("/admin/reminders/reminder/add/")
    page.locator(".select2-selection").first.click()
    page.locator(".select2-search__field").fill(anna.first_name)
    page.locator(".select2-results__option", has_text=anna.first_name).click()
    page.get_by_label("What").fill("Drink tea")
    page.get_by_label("When").fill("every weekday at 9:30")
    page.get_by_role("button", name="Show when it runs").click()
    page.get_by_text("It would run:").wait_for()
    assert page.url.endswith("/add/")

    page.get_by_role("button", name="Save").click()
    page.get_by_text("It is saved.").wait_for()
    page.get_by_text("every weekday at 09:30").wait_for()

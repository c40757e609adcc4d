"""What the measurements of posts make of what they see, and the rows that they measure on."""

import time
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from benchmarks import post_rows, posts
from benchmarks.lab import FIRST
from benchmarks.processes import FailedError
from delivery import tick
from delivery.models import Delivery
from posts import services
from posts.models import Post, PostTarget

pytestmark = pytest.mark.django_db(transaction=True)


def call(n: int, chat: int = posts.CHANNEL, *, at: float = 0.0, ok: bool = True) -> dict[str, Any]:
    return {"ok": ok, "time": at, "params": {"chat_id": chat, "text": f"no{n}"}}


@pytest.fixture
def authors(now: Any) -> list[User]:
    return [User.objects.create(telegram_id=FIRST + n, username=f"tg{n}", status="active") for n in range(2)]


def test_order_counts_within_a_chat_only() -> None:
    other = posts.CHANNEL - 1
    assert posts._disorder([call(0), call(1, other), call(2), call(3, other)]) == 0
    assert posts._disorder([call(2, other), call(0), call(1, other), call(3)]) == 1


def test_only_what_reached_a_channel_counts() -> None:
    arrived = [call(0, at=3.0), call(1, at=5.0)]
    others = [call(2, ok=False), call(3, chat=FIRST)]

    assert posts._of_posts(arrived + others) == arrived
    assert posts._last(arrived) == 5.0


def test_post_that_went_out_twice_is_no_figure() -> None:
    told = {"late": [0.0] * posts.POSTS, "states": {}}
    calls = [call(n) for n in range(posts.POSTS)]
    posts._check(told, calls)
    with pytest.raises(FailedError):
        posts._check(told, [*calls[:-1], call(0)])


def test_numbers_of_channels_are_the_same_on_both_sides() -> None:
    assert posts.CHANNEL == post_rows.CHANNEL


def test_what_is_planned_is_fired_once_in_its_chats(authors: list[User]) -> None:
    post_rows.plan(3, 2, 7, time.time() - 5)
    while tick.tick().more:
        pass

    told = post_rows.fired()
    assert (len(told["late"]), told["states"]) == (7, {"publishing": 7})
    assert all(5 <= late < 60 for late in told["late"])
    lanes = Delivery.objects.filter(source="post").order_by("id").values_list("chat_id", flat=True)
    assert list(lanes) == [post_rows.CHANNEL - n % 3 for n in range(7)]


def test_old_posts_stand_in_the_lists_and_change_no_plan(authors: list[User]) -> None:
    post_rows.old(250)
    post_rows.plan(2, 1, 3, time.time() + 3600)

    stats = services.get_scheduler_stats(timezone.now())
    assert (stats["published"], stats["error"], stats["scheduled"], stats["overdue"]) == (247, 3, 3, 0)
    assert PostTarget.objects.filter(sent_at__isnull=False).count() == 247
    assert Post.objects.filter(author=authors[0]).count() == 253


def test_each_figure_is_timed(authors: list[User]) -> None:
    post_rows.old(20)
    took = post_rows.figures(2)["took"]

    assert set(took) == set(post_rows.FIGURES)
    assert all(len(times) == 2 for times in took.values())

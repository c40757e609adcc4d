"""Answers that serve others too: for how long, to whom, and who asks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.conf import settings

from reports.avito import answers
from reports.avito.answers import Found, Question, Turn, forget_old_answers, keep, look, question, release
from reports.models import Answer

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ASKED = question("account:7", "stats_v2", "/stats/v2/accounts/7/items", {"limit": 1, "offset": 0})


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def taken(state: Found | Turn | None) -> Turn:
    assert isinstance(state, Turn)
    return state


@pytest.mark.django_db
def test_first_asks_and_the_next_waits_for_it() -> None:
    assert isinstance(look(ASKED, NOW, 600), Turn)
    assert look(ASKED, after(1), 600) is None
    keep(ASKED, "{}", after(2))
    assert look(ASKED, after(3), 600) == Found("{}")


@pytest.mark.django_db
def test_answer_serves_while_it_is_fresh() -> None:
    keep(ASKED, "{}", NOW)
    assert look(ASKED, after(599), 600) == Found("{}")
    assert isinstance(look(ASKED, after(600), 600), Turn)


@pytest.mark.django_db
def test_answer_without_a_content_is_an_answer() -> None:
    keep(ASKED, "", NOW)
    assert look(ASKED, after(1), 600) == Found("")


@pytest.mark.django_db
def test_answer_that_is_old_does_not_serve_while_a_new_one_is_fetched() -> None:
    keep(ASKED, "{}", NOW)
    look(ASKED, after(700), 600)
    assert look(ASKED, after(701), 600) is None


@pytest.mark.parametrize(
    "other",
    [
        question("account:8", "stats_v2", "/stats/v2/accounts/7/items", {"limit": 1, "offset": 0}),
        question("account:7", "spendings", "/stats/v2/accounts/7/items", {"limit": 1, "offset": 0}),
        question("account:7", "stats_v2", "/stats/v2/accounts/7/items", {"limit": 1, "offset": 1}),
        question("account:7", "stats_v2", "/stats/v2/accounts/7/items", None),
        question("account:7", "stats_v2", "/elsewhere", {"limit": 1, "offset": 0}),
    ],
    ids=["account", "method", "body", "no body", "path"],
)
@pytest.mark.django_db
def test_another_question_has_another_answer(other: Question) -> None:
    keep(ASKED, "{}", NOW)
    assert isinstance(look(other, NOW, 600), Turn)


def test_order_of_a_questions_fields_does_not_matter() -> None:
    assert question("a", "m", {"x": 1, "y": 2}) == question("a", "m", {"y": 2, "x": 1})


@pytest.mark.django_db
def test_failure_lets_the_next_ask() -> None:
    turn = taken(look(ASKED, NOW, 600))
    release(ASKED, turn)
    assert isinstance(look(ASKED, after(1), 600), Turn)


@pytest.mark.django_db
def test_late_failure_does_not_end_anothers_turn() -> None:
    first = taken(look(ASKED, NOW, 600))
    later = after(answers.LEASE.total_seconds())
    look(ASKED, later, 600)
    release(ASKED, first)
    assert look(ASKED, later, 600) is None


@pytest.mark.django_db
def test_who_died_while_asking_is_waited_for_no_longer_than_the_lease() -> None:
    look(ASKED, NOW, 600)
    lease = answers.LEASE.total_seconds()
    assert look(ASKED, after(lease - 1), 600) is None
    assert isinstance(look(ASKED, after(lease), 600), Turn)


@pytest.mark.django_db
def test_who_asked_in_a_process_that_has_ended_is_not_waited_for(ended_process: str) -> None:
    look(ASKED, NOW, 600)
    Answer.objects.update(fetching_by=ended_process)
    assert isinstance(look(ASKED, after(1), 600), Turn)
    assert look(ASKED, after(2), 600) is None


@pytest.mark.django_db(transaction=True)
def test_of_those_who_ask_together_one_asks_avito(at_once: Callable[..., list[object]]) -> None:
    found = at_once(*[partial(look, ASKED, NOW, 600) for _ in range(6)])
    assert [state is None for state in found].count(False) == 1


@pytest.mark.django_db
def test_housekeeping_forgets_what_serves_nobody() -> None:
    old, fresh, asking, dead = (question("account:7", "m", n) for n in range(4))
    keep(old, "{}", NOW)
    keep(fresh, "{}", after(3000))
    look(asking, after(3590), 600)
    look(dead, NOW, 600)
    assert forget_old_answers(after(3600)) == 2
    left = set(Answer.objects.values_list("digest", flat=True))
    assert left == {fresh.digest, asking.digest}


def test_housekeeping_is_called() -> None:
    assert "reports.avito.answers.forget_old_answers" in settings.HOUSEKEEPING

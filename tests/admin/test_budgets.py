"""The operator's pages of budgets: which target belongs to which scope, and what is shown of a period."""

from datetime import datetime
from decimal import Decimal
from typing import Any, get_args

import pytest
from django.test import Client
from django.utils import translation
from django.utils.formats import date_format

from accounts.models import AuditEntry, Chat, User
from conversations import error_words, limits
from conversations.models import Request, RequestSum
from conversations.services import OWN_KINDS
from llm import budgets
from llm.errors import Kind
from llm.models import Budget, Spending
from llm.periods import starts_on
from tests.admin.conftest import person, url

EMPTY = {"role": "", "user": "", "chat": "", "period": "month", "tokens": "", "money": "", "enabled": "on"}


@pytest.fixture
def targets(db: None, now: datetime) -> dict[str, Any]:
    anna = person(1, now)
    group = Chat.objects.create(bot_id=1, telegram_id=-1, kind="group", title="Team")
    private = Chat.objects.create(bot_id=1, telegram_id=501, kind="private", title="Anna", person=anna)
    return {"role": "member", "user": anna.pk, "chat": group.pk, "private": private.pk}


def add(site: Client, **values: Any) -> int:
    """Send the form; how many budgets there are then."""
    site.post(url(Budget, "add"), {**EMPTY, **values})
    return Budget.objects.count()


@pytest.mark.parametrize(
    ("scope", "given", "taken"),
    [
        ("bot", [], True),
        ("role", ["role"], True),
        ("person", ["user"], True),
        ("chat", ["chat"], True),
        ("bot", ["user"], False),
        ("role", [], False),
        ("person", ["role"], False),
        ("person", ["user", "chat"], False),
        ("chat", ["private"], False),
    ],
)
def test_target_belongs_to_its_scope(
    site: Client, targets: dict[str, Any], scope: str, given: list[str], taken: bool
) -> None:
    chosen = {name.replace("private", "chat"): targets[name] for name in given}
    assert add(site, scope=scope, tokens=1000, **chosen) == int(taken)


@pytest.mark.parametrize("limits", [{}, {"money": "-1"}, {"tokens": "-1"}])
def test_budget_needs_a_limit_that_makes_sense(site: Client, limits: dict[str, str]) -> None:
    assert add(site, scope="bot", **limits) == 0


def test_same_budget_is_not_made_twice(site: Client) -> None:
    assert add(site, scope="bot", tokens=1) == 1
    assert add(site, scope="bot", tokens=2) == 1


def test_limits_change_and_whose_it_is_stays(site: Client, targets: dict[str, Any]) -> None:
    row = Budget.objects.create(scope="bot", tokens=1000)

    site.post(url(row, "change", row.pk), {"scope": "person", "user": targets["user"], "tokens": "", "money": "2.5"})

    row.refresh_from_db()
    assert (row.scope, row.user, row.tokens, row.money, row.enabled) == ("bot", None, None, Decimal("2.5"), False)
    assert AuditEntry.objects.get().action == "budget.changed"


def test_new_budget_holds_at_once_in_this_process(site: Client) -> None:
    budgets.forget_enabled()
    assert not budgets.any_enabled()
    add(site, scope="bot", tokens=1000)
    assert budgets.any_enabled()


def spending(now: datetime, **values: Any) -> Spending:
    row = Budget.objects.create(scope="bot", tokens=1000, money=1)
    return Spending.objects.create(budget=row, starts_on=starts_on("month", now), **values)


def test_price_that_nobody_knows_is_shown_as_such(site: Client, now: datetime) -> None:
    row = spending(now, tokens=850, unpriced=2)

    page = site.get(url(row, "changelist")).content.decode()

    assert "$0.0000 + ? / $1.0000" in page
    assert "width:85%" in page


@pytest.mark.parametrize(
    ("scope", "target", "name"),
    [
        ("bot", "", "the whole bot · a month"),
        ("role", "role", "each member · a month"),
        ("person", "user", "Anna 1 · a month"),
        ("chat", "chat", "Team · a month"),
    ],
)
def test_budget_is_called_by_whose_it_is(targets: dict[str, Any], scope: str, target: str, name: str) -> None:
    column = target if target in ("", "role") else f"{target}_id"
    row = Budget.objects.create(scope=scope, tokens=1, **({column: targets[target]} if column else {}))
    with translation.override("en"):
        assert str(row) == name


def test_refused_and_failed_questions_are_told_in_words(site: Client, rows: Any) -> None:
    for kind, words in (("budget", "a budget is used up"), ("timeout", "it took too long")):
        Request.objects.update(state="failed", error_kind=kind)
        page = site.get(url(Request, "changelist"), {"error_kind": kind}).content.decode()
        assert page.count(words) >= 2, "in the list and among the filters"
        assert f">{kind}<" not in page


def test_every_kind_of_error_has_words() -> None:
    kinds = {*get_args(Kind), *OWN_KINDS, *limits.KINDS}
    assert kinds <= error_words.KINDS.keys()


@pytest.mark.parametrize(("cost", "unpriced", "shown"), [(0, 2, "unknown"), (1, 2, "$1.0000 + ?"), (1, 0, "$1.0000")])
def test_sum_of_unknown_price_is_no_zero(site: Client, now: datetime, cost: int, unpriced: int, shown: str) -> None:
    RequestSum.objects.create(day=now.date(), model_ref="openai:m", requests=2, cost=cost, unpriced=unpriced)
    page = site.get(url(RequestSum, "changelist")).content.decode()
    assert f">{shown}<" in page


def test_budget_and_its_period_stand_on_one_line_each(site: Client, now: datetime) -> None:
    row = spending(now)

    page = site.get(url(row, "changelist")).content.decode()

    assert f'title="{row.budget}"' in page
    assert date_format(row.starts_on, "SHORT_DATE_FORMAT") in page


def test_operator_gives_more_in_this_period_alone(site: Client, now: datetime) -> None:
    row = spending(now)

    site.post(url(row, "changelist"), {"action": "grant_quarter_selected", "_selected_action": [row.pk]})

    row.refresh_from_db()
    assert (row.extra_tokens, row.extra_money) == (250, Decimal("0.25"))
    assert AuditEntry.objects.get().action == "budget.granted"


def test_list_is_filtered_by_person(site: Client, now: datetime, targets: dict[str, Any]) -> None:
    anna = User.objects.get(pk=targets["user"])
    role = Budget.objects.create(scope="role", role="member", tokens=1)
    own = Budget.objects.create(scope="person", user=anna, tokens=1)
    day = starts_on("month", now)
    for budget, user in ((role, anna), (role, person(2, now)), (own, None)):
        Spending.objects.create(budget=budget, user=user, starts_on=day)

    page = site.get(url(Spending, "changelist"), {"person": anna.pk})

    assert page.context["cl"].result_count == 2

"""Several profiles as one: what adds, what does not, and what is not complete."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.avito.errors import Kind
from reports.figures.periods import Period
from reports.figures.summary import Line, Summary, metrics_of, summarise, total
from reports.metrics import USUAL, Figures, Section

D = Decimal
AS_OF = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)
DAYS = Period(date(2026, 3, 2), date(2026, 3, 3))
BEFORE = Period(date(2026, 2, 28), date(2026, 3, 1))
MONDAY, TUESDAY = DAYS.dates()


def account(
    uid: int | None,
    days: Mapping[date, Figures] | None = None,
    *,
    name: str = "",
    standing: Figures | None = None,
    gaps: Mapping[Section, str] | None = None,
    names: tuple[str, ...] = USUAL,
    period: Period = DAYS,
    as_of: datetime = AS_OF,
    partial: bool = False,
) -> Summary:
    return summarise(
        name or f"№{uid}",
        uid,
        period,
        BEFORE,
        days or {},
        standing or {},
        metrics_of(names),
        gaps or {},
        as_of,
        partial,
    )


def day(views: int, contacts: int, spent: int, active: int = 5) -> dict[str, Decimal]:
    return {"views": D(views), "contacts": D(contacts), "allSpending": D(spent), "activeItems": D(active)}


def line_of(summary: Summary, name: str) -> Line:
    found = summary.line(name)
    assert found is not None
    return found


# Two shops, by hand:
#                 Север                     Ремонт                together
#          before  Mon  Tue  sum     before  Mon  Tue  sum      before    sum
# views       100   60   90  150        200  100   50  150         300    300
# contacts      5    3    4    7         10    2    1    3          15     10
# spent ₽     500  300  340  640       1000  400  410  810        1500   1450
# active        9   10   11   11          4    3    2    2          13     13
SEVER = {BEFORE.last: day(100, 5, 500, 9), MONDAY: day(60, 3, 300, 10), TUESDAY: day(90, 4, 340, 11)}
REMONT = {BEFORE.last: day(200, 10, 1000, 4), MONDAY: day(100, 2, 400, 3), TUESDAY: day(50, 1, 410, 2)}


@pytest.mark.parametrize(
    ("name", "value", "before"),
    [
        ("views", D(300), D(300)),
        ("contacts", D(10), D(15)),
        ("allSpending", D(1450), D(1500)),
        ("costPerContact", D(145), D(100)),  # 1450 / 10, not the mean of 91.43 and 270
        ("viewsToContactsConversion", D("3.33"), D(5)),  # 10 / 300
        ("activeItems", D(13), D(13)),
    ],
)
def test_two_shops_together_are_as_computed_by_hand(name: str, value: Decimal, before: Decimal) -> None:
    line = line_of(total([account(1, SEVER), account(2, REMONT)]), name)
    assert line.value is not None
    assert line.before is not None
    assert (round(line.value, 2), line.before, line.incomplete) == (value, before, False)


def test_money_of_now_adds_over_accounts() -> None:
    found = total([
        account(1, SEVER, standing={"wallet": D("250000.50"), "advance": D(-5000)}),
        account(2, REMONT, standing={"wallet": D("0.50"), "advance": D(100)}),
    ])  # fmt: skip
    assert line_of(found, "wallet").value == D("250001.00")
    assert line_of(found, "advance").value == -4900


def test_an_account_with_two_profiles_is_counted_once() -> None:
    found = total([account(1, SEVER, name="Север"), account(1, SEVER, name="Север 2"), account(2, REMONT)])
    assert line_of(found, "views").value == 300
    assert found.accounts == 2


def test_of_two_profiles_of_an_account_the_fuller_one_counts() -> None:
    lean = account(1, {MONDAY: SEVER[MONDAY]}, gaps={Section.MONEY: Kind.NO_ACCESS})
    found = total([lean, account(1, SEVER, standing={"wallet": D(7)})])
    assert line_of(found, "views").value == 150
    assert line_of(found, "wallet").value == 7
    assert found.gaps == {}


def test_profiles_of_unknown_accounts_are_not_taken_for_one() -> None:
    assert line_of(total([account(None, SEVER), account(None, REMONT)]), "views").value == 300


def test_a_figure_that_one_lacks_is_summed_over_the_others_and_called_incomplete() -> None:
    silent = {when: {"views": figures["views"]} for when, figures in REMONT.items()}
    found = total([account(1, SEVER), account(2, silent)])
    assert (line_of(found, "contacts").value, line_of(found, "contacts").incomplete) == (D(7), True)
    assert (line_of(found, "views").value, line_of(found, "views").incomplete) == (D(300), False)


def test_the_total_ratio_takes_only_those_that_tell_both() -> None:
    silent = {when: {"contacts": figures["contacts"]} for when, figures in REMONT.items()}
    line = line_of(total([account(1, SEVER), account(2, silent)]), "costPerContact")
    assert line.value is not None
    assert (round(line.value, 2), line.incomplete) == (D("91.43"), True)  # 640 / 7, Ремонт's 3 contacts left out


def test_an_account_without_an_advance_leaves_the_total_complete() -> None:
    none = account(2, REMONT, gaps={Section.ADVANCE: Kind.NOT_FOR_ACCOUNT})
    found = total([account(1, SEVER, standing={"advance": D(100)}), none])
    assert (line_of(found, "advance").value, line_of(found, "advance").incomplete) == (D(100), False)
    assert found.gaps == {}


def test_a_section_that_is_closed_somewhere_is_a_gap_of_the_total() -> None:
    found = total([account(1, SEVER), account(2, REMONT, gaps={Section.CALLS: Kind.NO_ACCESS})])
    assert found.gaps == {Section.CALLS: Kind.NO_ACCESS}


def test_nothing_told_by_anybody_stays_none() -> None:
    assert line_of(total([account(1, SEVER), account(2, REMONT)]), "calls").value is None


def test_ratings_are_not_added() -> None:
    names = (*USUAL, "score", "reviews")
    shops = [account(n, SEVER, standing={"score": D("4.8"), "reviews": D(10)}, names=names) for n in (1, 2)]
    found = total(shops)
    assert found.line("score") is None
    assert line_of(found, "reviews").value == 20


def test_figures_that_one_alone_shows_are_of_all() -> None:
    found = total([account(1, SEVER, names=("views",)), account(2, REMONT, names=("contacts",))])
    assert [line.metric.name for line in found.lines] == ["views", "contacts"]
    assert [line.value for line in found.lines] == [300, 10]


def test_a_day_that_one_did_not_tell_is_no_day_of_the_total() -> None:
    short = {when: figures for when, figures in REMONT.items() if when != TUESDAY}
    found = total([account(1, SEVER), account(2, short)])
    assert found.days[MONDAY]["views"] == 160
    assert "views" not in found.days[TUESDAY]


def test_the_total_is_as_fresh_as_the_oldest_of_it() -> None:
    found = total([account(1, SEVER), account(2, REMONT, as_of=AS_OF - timedelta(hours=5), partial=True)])
    assert found.as_of == AS_OF - timedelta(hours=5)
    assert found.partial


def test_a_figure_that_only_one_of_two_profiles_of_an_account_shows_is_in_the_total() -> None:
    fuller = account(1, SEVER, names=("views",), standing={"wallet": D(5)})
    other = account(1, SEVER, names=("contacts",))
    for order in ([fuller, other], [other, fuller]):
        assert {line.metric.name: line.value for line in total(order).lines} == {"views": 150, "contacts": 7}


def test_different_days_make_no_total() -> None:
    with pytest.raises(ValueError, match="same days"):
        total([account(1, SEVER), account(2, REMONT, period=Period(MONDAY, MONDAY))])
    with pytest.raises(ValueError, match="same days"):
        total([])


SHOPS = st.lists(
    st.tuples(st.sampled_from([1, 2, 3, None]), st.lists(st.integers(0, 10_000), min_size=3, max_size=3)),
    min_size=1, max_size=6,
)  # fmt: skip


def shops_of(rows: list[tuple[int | None, list[int]]]) -> list[Summary]:
    return [
        account(uid, {MONDAY: {"views": D(v), "contacts": D(c), "allSpending": D(s)}}, name=f"{n}")
        for n, (uid, (v, c, s)) in enumerate(rows)
    ]


@given(SHOPS, st.randoms(use_true_random=False))
def test_the_order_of_profiles_does_not_matter(rows: list[tuple[int | None, list[int]]], random: "object") -> None:
    shops = shops_of(rows)
    shuffled = list(shops)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert total(shops) == total(shuffled)


@given(st.lists(st.lists(st.integers(0, 10_000), min_size=3, max_size=3), min_size=1, max_size=6))
def test_the_total_is_the_sum_of_its_parts(rows: list[list[int]]) -> None:
    shops = shops_of([(n, figures) for n, figures in enumerate(rows)])
    found = total(shops)
    for name in ("views", "contacts", "allSpending"):
        assert line_of(found, name).value == sum(line_of(shop, name).value or 0 for shop in shops)


def test_a_total_of_one_is_that_one() -> None:
    alone = account(1, SEVER, standing={"wallet": D(5)})
    found = total([alone])
    assert [(line.value, line.before) for line in found.lines] == [(line.value, line.before) for line in alone.lines]

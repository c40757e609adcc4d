"""A report in words: what stands there, what is honest about it, and that it fits into Telegram."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import translation

from reports.avito.errors import Kind
from reports.figures.periods import Period, ending
from reports.figures.summary import Days, Summary, metrics_of, summarise, total
from reports.metrics import BY_NAME, METRICS, USUAL, Figures, Section
from reports.words.report import as_json, plain, report_text, stats_texts, subject
from reports.words.text import literal
from reports.words.troubles import trouble
from telegram_bot.markdown import parts, units

D = Decimal
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
YESTERDAY = date(2026, 11, 21)
DAY = timedelta(days=1)
ZONE = "Europe/Moscow"
SPACES = str.maketrans({"\N{NARROW NO-BREAK SPACE}": " ", "\N{NO-BREAK SPACE}": " "})
NASTY = ["a_b", "*звёзды*", "[x](http://y)", "<b>", "a < b", "`код`", "1. Север", "# один", "$x$", "~~x~~", "&lt;"]


def figures(views: int = 120, contacts: int = 6, spent: str = "1542.05") -> dict[str, Decimal]:
    return {"views": D(views), "contacts": D(contacts), "allSpending": D(spent), "activeItems": D(18), "calls": D(2)}


USUAL_DAYS: Days = {YESTERDAY: figures(), YESTERDAY - DAY: figures(100, 5, "1500")}
STANDING = {"wallet": D("250000.50"), "bonus": D(0), "advance": D("-5000")}


def summary(
    days: Days = USUAL_DAYS,
    name: str = "Север",
    uid: int = 1,
    *,
    period: Period | None = None,
    before: Period | None = None,
    compared: bool = True,
    standing: Figures = STANDING,
    gaps: Mapping[Section, str] | None = None,
    names: tuple[str, ...] = USUAL,
    partial: bool = False,
) -> Summary:
    period = period or ending(YESTERDAY, 1)
    before = before or (period.before() if compared else None)
    return summarise(name, uid, period, before, days, standing, metrics_of(names), gaps or {}, NOW, partial)


def read(markdown: str) -> str:
    """As it stands in Telegram, with ordinary spaces."""
    return "\n".join(part.text for part in parts(markdown)).translate(SPACES)


def said(one: Summary, zone: str = ZONE) -> str:
    with translation.override("en"):
        return read(report_text(one, zone=zone, now=NOW))


def test_a_whole_report() -> None:
    assert (
        said(summary())
        == """\
📊 Север
Yesterday, 21 November, Saturday
Compared with: 20 November, Friday

Interest
Views: 120  🟢 ▲ +20.0 %
Contacts: 6  🟢 ▲ +20.0 %
Views → contacts: 5.0 %  = 0 pp
Active listings: 18  = 0 %
Calls: 2  = 0 %

Money
All spending, bonuses too: 1,542.05 ₽  ▲ +2.8 %
Cost of a view: 12.85 ₽  🟢 ▼ −14.3 %
Cost of a contact: 257.01 ₽  🟢 ▼ −14.3 %

Now
Wallet: 250,000.50 ₽
Bonuses: 0 ₽
Advance: −5,000 ₽

🕘 Data as of 22.11, 09:00"""
    )


def test_the_moment_is_the_readers() -> None:
    assert "Data as of 22.11, 16:00" in said(summary(), "Asia/Vladivostok")


def test_zero_is_written_and_what_was_not_told_is_no_data() -> None:
    text = said(summary({YESTERDAY: {"views": D(0), "contacts": D(0)}}))
    assert "Views: 0" in text
    assert "All spending, bonuses too: no data" in text
    assert "Views → contacts: —" in text  # nothing to divide by
    assert "Cost of a contact: no data" in text


def test_an_account_without_an_advance_has_a_dash_and_no_warning() -> None:
    text = said(summary(standing={"wallet": D(5)}, gaps={Section.ADVANCE: Kind.NOT_FOR_ACCOUNT}))
    assert "Advance: —" in text
    assert "⚠️" not in text


def test_a_closed_section_has_a_dash_and_says_what_to_do() -> None:
    text = said(summary(standing={}, gaps={Section.MONEY: Kind.NO_ACCESS}))
    assert "Wallet: —" in text
    assert "⚠️ Wallet and bonuses: Access is closed for these keys. Check" in text


def test_a_section_that_nobody_chose_is_not_complained_about() -> None:
    text = said(summary(names=("views",), gaps={Section.CALLS: Kind.AVITO_DOWN}))
    assert "⚠️" not in text


def test_what_was_put_together_of_listings_is_called_so() -> None:
    assert "put together of single listings" in said(summary(partial=True))


def test_days_without_data_are_counted() -> None:
    days = {YESTERDAY - n * DAY: figures() for n in range(7) if n not in (2, 3)}
    week = ending(YESTERDAY, 7)
    assert "Avito told nothing of 2 days out of 7, so they are not in the sums." in said(summary(days, period=week))


def test_today_is_said_not_to_be_over() -> None:
    today = ending(YESTERDAY + DAY, 1)
    text = said(summary({YESTERDAY + DAY: figures()}, period=today))
    assert text.split("\n")[1] == "Today, 22 November, Sunday"
    assert "Today is not over, so the figures still grow." in text
    assert "Today is not over" not in said(summary())


def test_a_period_without_one_before_says_why() -> None:
    text = said(summary(compared=False))
    assert "Compared" not in text
    assert "There is nothing to compare with: Avito remembers only the last 270 days." in text


@pytest.mark.parametrize("name", NASTY)
def test_a_name_stands_as_it_was_chosen(name: str) -> None:
    one = summary(name=name)
    first = parts(report_text(one, zone=ZONE, now=NOW))[0]
    assert first.text.startswith(f"📊 {name}\n")
    title = next(entity for entity in first.entities if entity["type"] == "bold")
    assert (title["offset"], title["length"]) == (3, units(name))
    assert {entity["type"] for entity in first.entities} == {"bold"}


@pytest.mark.parametrize("name", NASTY)
def test_a_name_is_literal_wherever_it_stands(name: str) -> None:
    assert read(f"{literal(name)}\n\n**{literal(name)}**: {literal(name)}") == f"{name}\n\n{name}: {name}"


def test_every_figure_fits_into_one_message() -> None:
    whole = {metric.name: D("1234567.89") for metric in METRICS}
    text = report_text(summary({YESTERDAY: whole, YESTERDAY - DAY: whole}, names=tuple(BY_NAME)), zone=ZONE, now=NOW)
    assert len(parts(text)) == 1


# --- of a chat ------------------------------------------------------------------------------------------------------


def stats(summaries: list[Summary], failed: list[tuple[str, str]] | None = None) -> list[str]:
    with translation.override("en"):
        return stats_texts(summaries, failed or [], total(summaries) if summaries else None, ZONE, now=NOW)


def test_a_single_profile_has_no_total_and_says_how_fresh_it_is() -> None:
    with translation.override("en"):
        [text] = stats_texts([summary()], [], None, ZONE, now=NOW)
    assert "Total" not in text
    assert read(text).split("\n")[-1].startswith("🕘 Data as of ")


def test_each_profile_then_the_total() -> None:
    [text] = stats([summary(), summary(name="Ремонт", uid=2)])
    lines = read(text).split("\n")
    assert lines[0] == "📊 2 profiles at Avito"
    order = [lines.index(line) for line in ("▪️ Север", "▪️ Ремонт", "Σ Total")]
    assert order == sorted(order)
    assert "Views: 240  🟢 ▲ +20.0 %" in lines[order[2] :]


def test_one_that_failed_is_named_with_what_to_do_and_the_total_called_incomplete() -> None:
    [text] = stats([summary(), summary(name="Ремонт", uid=2)], [("Полка_1", Kind.BAD_CREDENTIALS)])
    text = read(text)
    assert "📊 3 profiles at Avito" in text
    assert "❌ Полка_1\nThe keys are not accepted by Avito. Enter new ones: /profiles" in text
    assert "⚠️ The total is incomplete, without: Полка_1" in text
    assert "Views: 240" in text


def test_all_that_failed_are_still_named() -> None:
    [text] = stats([], [("Север", Kind.AVITO_DOWN), ("Полка", Kind.BAD_CREDENTIALS)])
    assert "❌ Север\nAvito does not answer." in read(text)
    assert "❌ Полка" in read(text)


def test_a_figure_that_one_lacks_is_marked_in_the_total() -> None:
    silent = {when: {"views": told["views"]} for when, told in USUAL_DAYS.items()}
    text = read(stats([summary(), summary(silent, name="Ремонт", uid=2)])[0])
    assert "Contacts: 6*  🟢 ▲ +20.0 %" in text
    assert "* Not all accounts told this figure, so there may be more." in text


def test_one_account_with_two_profiles_is_said_to_be_counted_once() -> None:
    text = read(stats([summary(), summary(name="Север 2")])[0])
    assert "Profiles of the same account are counted once." in text
    assert "counted once" not in read(stats([summary(), summary(uid=2)])[0])


@pytest.mark.parametrize("count", [4, 20, 50])
def test_many_profiles_go_into_messages_that_fit(count: int) -> None:
    many = [summary(name=f"Профиль_*[< № {n} " + "ш" * 40, uid=n, partial=n % 3 == 0) for n in range(count)]
    texts = stats(many, [("Сломан_ный", Kind.NO_ACCESS)])
    for text in texts:
        assert units(text) <= 4096
        [part] = parts(text)  # none is cut again
        assert len(part.entities) < 100
    together = "\n".join(read(text) for text in texts)
    assert [f"№ {n} ш" in together for n in range(count)] == [True] * count
    assert len(texts) <= 1 + count // 6


def test_the_words_of_fifty_profiles_are_the_short_ones() -> None:
    many = [summary(name=f"{n}", uid=n) for n in range(50)]
    block = next(block for block in stats(many)[0].split("\n\n") if block.startswith("▪️"))
    assert "Wallet" not in block
    assert "Views" in block


# --- elsewhere ------------------------------------------------------------------------------------------------------


def test_an_email_holds_no_marks() -> None:
    with translation.override("en"):
        text = plain(summary(name="a_*b\n<c>"), ZONE, now=NOW)
    assert "**" not in text
    assert "&#" not in text
    assert text.startswith("📊 a_*b <c>\n")


def test_a_subject_is_one_line() -> None:
    with translation.override("en"):
        assert subject(summary(name="Север\nBcc: x"), now=NOW) == (
            "Avito · Север Bcc: x: yesterday, 21 November, Saturday"
        )


def test_a_program_gets_figures_as_text_with_units() -> None:
    with translation.override("en"):
        told = as_json(summary(gaps={Section.ADVANCE: Kind.NOT_FOR_ACCOUNT}, standing={"wallet": D("250000.5")}))
    assert json.loads(json.dumps(told)) == told
    assert told["period"] == {"from": "2026-11-21", "to": "2026-11-21"}
    assert told["compared_with"] == {"from": "2026-11-20", "to": "2026-11-20"}
    assert told["as_of"] == "2026-11-22T06:00:00+00:00"
    assert told["gaps"] == {"advance": "not_for_account"}
    by_name = {metric["name"]: metric for metric in told["metrics"]}
    assert by_name["allSpending"] == {
        "name": "allSpending", "label": "All spending, bonuses too", "unit": "money",
        "value": "1542.05", "before": "1500.00", "change_percent": "2.8",
    }  # fmt: skip
    assert by_name["views"]["value"] == "120"
    assert by_name["wallet"]["value"] == "250000.50"
    assert by_name["advance"]["value"] is None
    assert told["days"] == [
        {"date": "2026-11-21", "views": "120", "contacts": "6", "allSpending": "1542.05", "activeItems": "18",
         "calls": "2"},
    ]  # fmt: skip


def test_round_numbers_keep_their_zeros_for_programs() -> None:
    told = as_json(summary({YESTERDAY: {"views": D("1E+3")}}, names=("views",)))
    assert told["metrics"][0]["value"] == "1000"


# --- troubles -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("section", [None, Section.MONEY, Section.MESSENGER])
def test_each_trouble_is_a_sentence_that_says_what_to_do(kind: Kind, section: Section | None) -> None:
    with translation.override("en"):
        text = trouble(kind, section)
    assert text.endswith(".")
    assert str(kind) not in text
    assert section is None or text.startswith(("Wallet and bonuses: ", "Messenger: "))


def test_the_messenger_names_the_levels_of_subscription() -> None:
    with translation.override("en"):
        text = trouble(Kind.NEEDS_SUBSCRIPTION, Section.MESSENGER)
    assert "A subscription is needed" in text
    assert "Максимальный" in text
    assert "Расширенный" in text


def test_an_unknown_kind_is_no_crash() -> None:
    with translation.override("en"):
        assert trouble("of-tomorrow", None).startswith("The request was refused by Avito.")

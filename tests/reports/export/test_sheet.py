"""The workbook: what it shows of chats and messages, how it looks, and when it becomes several."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from django.utils import translation

from reports.export import job, sheet, spool
from reports.export.sheet import About, Limits, Stopped
from reports.export.spool import Row, Spool
from tests.reports.export.doing import rows

US = 90_000_001
ABOUT = About("Север", US, "Магазин", datetime(2026, 11, 20, 9, tzinfo=UTC), ZoneInfo("Europe/Moscow"), "All chats")


@pytest.fixture
def journal(files: Path) -> Iterator[Spool]:
    with spool.opened(uuid4()) as opened:
        yield opened


def chat(key: str = "a", updated: int = 1_772_400_000, **facts: Any) -> Row:
    users = [{"id": US, "name": "Магазин"}, {"id": 7, "name": "Анна"}]
    item = {"id": 7_000_000_001, "title": "Кровать", "price": "30 000 ₽", "url": "https://avito.ru/x"}
    return {"id": key, "created": updated - 60, "updated": updated, "item": item, "users": users, **facts}


def said(key: str = "m", created: int = 1_772_400_000, text: str = "Здравствуйте", **facts: Any) -> Row:
    usual = {"author": 7, "direction": "in", "type": "text", "content": {"text": text}}
    return {"id": key, "created": created, **usual, **facts}


def put(journal: Spool, row: Row, *messages: Row, full: bool = False) -> None:
    journal.add_chats("all", [row], 1, None, full=False)
    journal.add_messages(row["id"], messages, len(messages), None, full=full)


def written(journal: Spool, about: About = ABOUT) -> dict[str, list[dict[str, Any]]]:
    path = journal.folder / "1.xlsx"
    sheet.write(path, journal, journal.chats(), about, threading.Event())
    return {one.title: rows(one) for one in openpyxl.load_workbook(path)}


def test_a_chat_and_its_messages_stand_in_rows(journal: Spool) -> None:
    put(journal, chat(), said("m2", 1_772_400_060, "Да", author=US, direction="out"), said("m1"))
    found = written(journal)
    assert found["Chats"] == [
        {
            "Buyer": "Анна", "Listing": "Кровать", "Listing's number": "7000000001", "Price": "30 000 ₽",
            "Listing's address": "https://avito.ru/x", "Begun": datetime(2026, 3, 2, 0, 19),
            "Last news": datetime(2026, 3, 2, 0, 20), "Messages": 2, "Incoming": 1, "Outgoing": 1, "Note": None,
            "Buyer's ID": "7", "Chat ID": "a",
        }
    ]  # fmt: skip
    shown = [(row["Time"], row["Direction"], row["Author"], row["Message"]) for row in found["Messages"]]
    assert shown == [
        (datetime(2026, 3, 2, 0, 20), "incoming", "Анна", "Здравствуйте"),
        (datetime(2026, 3, 2, 0, 21), "outgoing", "Магазин", "Да"),
    ]


def test_chats_with_the_newest_words_come_first_and_messages_are_oldest_first(journal: Spool) -> None:
    put(journal, chat("old", 100), said("m3", 3), said("m2", 2), said("m1", 2))
    put(journal, chat("new", 200))
    found = written(journal)
    assert [row["Chat ID"] for row in found["Chats"]] == ["new", "old"]
    assert [row["Message ID"] for row in found["Messages"]] == ["m1", "m2", "m3"]


def test_a_message_that_came_on_two_pages_stands_once(journal: Spool) -> None:
    journal.add_chats("all", [chat()], 1, None, full=False)
    journal.add_messages("a", [said("m3", 3), said("m2", 2)], 2, 2, full=False)
    journal.add_messages("a", [said("m2", 2), said("m1", 1)], 2, None, full=False)
    assert [row["Message ID"] for row in written(journal)["Messages"]] == ["m1", "m2", "m3"]


def test_an_unknown_buyer_and_no_listing_are_no_trouble(journal: Spool) -> None:
    put(journal, chat(item=None, users=[{"id": US, "name": "Магазин"}]), said(author=99), said("n", author=None))
    found = written(journal)
    assert (found["Chats"][0]["Buyer"], found["Chats"][0]["Listing"]) == ("unknown", None)
    assert [row["Author"] for row in found["Messages"]] == ["unknown", "unknown"]


def test_what_avito_itself_says_is_avitos(journal: Spool) -> None:
    put(journal, chat(), said(author=0, type="system", content={"text": "An offer"}))
    [row] = written(journal)["Messages"]
    assert (row["Author"], row["Kind"], row["Message"]) == ("Avito", "from Avito", "An offer")


def test_a_ceiling_and_a_refusal_are_noted_at_the_chat(journal: Spool) -> None:
    put(journal, chat("full", 2), said(), full=True)
    journal.add_chats("all", [chat("closed", 1)], 1, None, full=False)
    journal.refuse("closed", "no_access")
    assert [row["Note"] for row in written(journal)["Chats"]] == [
        "Only the newest messages: Avito gives no more of one chat.",
        "Avito did not let its messages be read.",
    ]


def test_the_sheet_about_the_file_says_what_is_in_it(journal: Spool) -> None:
    put(journal, chat(), said())
    about = About(**{**vars(ABOUT), "notes": ("Something is missing.",)})
    told = written(journal, about)["About the file"]
    assert told[0] == {
        "Profile": "Север", "Avito account": "Магазин 90000001", "Made": "20.11.2026 12:00 (Europe/Moscow)",
        "Which chats": "All chats", "File": "1", "Chats in this file": "1", "Messages in this file": "1",
        "Times": "All times are by the clock in Europe/Moscow.", "Note": "Something is missing.",
    }  # fmt: skip


def test_heads_stand_still_and_can_be_filtered_by(journal: Spool) -> None:
    put(journal, chat(), said())
    written(journal)
    book = openpyxl.load_workbook(journal.folder / "1.xlsx")
    chats, messages = book["Chats"], book["Messages"]
    assert (chats.freeze_panes, messages.freeze_panes) == ("A2", "A2")
    assert (chats.auto_filter.ref, messages.auto_filter.ref) == ("A1:M2", "A1:J2")
    assert messages["F2"].alignment.wrap_text
    assert messages.column_dimensions["F"].width > 60
    assert (messages["A2"].number_format, messages["H2"].number_format) == ("dd.mm.yyyy hh:mm", "@")


def test_what_the_owner_wrote_is_shaded_in_the_whole_row(journal: Spool) -> None:
    put(journal, chat(), said("m1"), said("m2", direction="out", author=US, type="voice", content={}))
    written(journal)
    sheet = openpyxl.load_workbook(journal.folder / "1.xlsx")["Messages"]
    shades = {line[2].value: {cell.fill.fill_type for cell in line} for line in sheet.iter_rows(min_row=2)}
    assert shades == {"incoming": {None}, "outgoing": {"solid"}}


def test_heads_have_room_for_their_words_and_the_arrow(journal: Spool) -> None:
    put(journal, chat(), said())
    with translation.override("ru"):
        written(journal)
    book = openpyxl.load_workbook(journal.folder / "1.xlsx")
    heads = [(cell, sheet) for sheet in book.worksheets[:2] for cell in sheet[1]]
    room = [(str(cell.value), sheet.column_dimensions[cell.column_letter].width) for cell, sheet in heads]
    assert [title for title, width in room if width < len(title) + 3] == []


def test_the_file_speaks_its_owners_language(journal: Spool) -> None:
    put(journal, chat(users=[]), said())
    with translation.override("ru"):
        found = written(journal)
    assert "Чаты" in found
    assert found["Сообщения"][0]["Автор"] == "неизвестно"


# --- too much for one file ------------------------------------------------------------------------------------------


def fill(journal: Spool, chats: int, messages: int, words: int = 3) -> None:
    """With words that cannot be packed."""
    for n in range(chats):
        texts = [os.urandom(words).hex() for _message in range(messages)]
        put(journal, chat(f"c{n}", 1000 - n), *(said(f"m{n}-{k}", k + 1, text) for k, text in enumerate(texts)))


def test_a_file_that_is_full_leaves_the_other_chats_for_the_next_one(journal: Spool) -> None:
    fill(journal, 6, 3)
    path, stop = journal.folder / "1.xlsx", threading.Event()
    first = sheet.write(path, journal, journal.chats(), ABOUT, stop, Limits(rows=8))
    assert (first.chats, first.messages) == (2, 6)
    rest = sheet.write(path, journal, journal.chats()[2:], ABOUT, stop, Limits(rows=1000))
    assert (rest.chats, rest.messages) == (4, 12)


def test_one_chat_goes_into_a_file_whatever_it_weighs(journal: Spool) -> None:
    fill(journal, 2, 5)
    assert (
        sheet.write(
            journal.folder / "1.xlsx", journal, journal.chats(), ABOUT, threading.Event(), Limits(rows=1, size=1)
        ).chats
        == 1
    )


def test_no_file_is_larger_than_it_may_be_and_each_opens_by_itself(journal: Spool) -> None:
    fill(journal, 40, 10, 400)
    limits, stop = Limits(size=60_000), threading.Event()
    left, number, found = journal.chats(), 0, []
    while left:
        number += 1
        path = journal.folder / f"{number}.xlsx"
        taken = job.fit(path, journal, left, ABOUT, stop, limits)
        assert path.stat().st_size <= limits.size
        found += [row["Chat ID"] for row in rows(openpyxl.load_workbook(path)["Chats"])]
        left = left[taken.chats :]
    assert number > 2
    assert found == journal.chats()


def test_the_weight_of_a_file_is_known_before_it_is_packed(journal: Spool) -> None:
    fill(journal, 30, 20, 100)
    path, stop = journal.folder / "1.xlsx", threading.Event()
    limits = Limits(size=100_000)
    sheet.write(path, journal, journal.chats(), ABOUT, stop, limits)
    assert 0.7 * limits.size < path.stat().st_size < 1.3 * limits.size


def test_who_is_stopped_leaves_no_open_file(journal: Spool) -> None:
    fill(journal, 3, 3)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        sheet.write(journal.folder / "1.xlsx", journal, journal.chats(), ABOUT, stop)
    assert not (journal.folder / "1.xlsx").exists()

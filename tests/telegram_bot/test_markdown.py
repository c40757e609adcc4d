"""A model's Markdown as Telegram shows it: nothing lost, nothing too long, cut at good places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telegram_bot.access import escaped
from telegram_bot.markdown import MESSAGE_UNITS, MOST_ENTITIES, Part, parts, tail, units, whole


def kinds(part: Part) -> list[str]:
    return [entity["type"] for entity in part.entities]


def covered(part: Part, kind: str) -> str:
    """The text under the first entity of ``kind``; offsets are UTF-16 units."""
    entity = next(entity for entity in part.entities if entity["type"] == kind)
    raw = part.text.encode("utf-16-le")
    return raw[entity["offset"] * 2 : (entity["offset"] + entity["length"]) * 2].decode("utf-16-le")


def test_bold_after_an_emoji_covers_the_right_units() -> None:
    (part,) = parts("👨‍👩‍👧 **bold** end")

    assert covered(part, "bold") == "bold"


@pytest.mark.parametrize("text", ["Vec<T>", "<div>", "a < b", "if x<y and y>z", "std::map<int, string>"])
def test_angle_brackets_survive(text: str) -> None:
    assert parts(text) == [Part(text)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"a \<b", "a <b"),
        (r"a \\<b", r"a \<b"),
        (r"a \\\<b", r"a \<b"),
        (r"\<https://example.org>", "<https://example.org>"),
    ],
)
def test_an_angle_bracket_after_backslashes_is_what_markdown_makes_of_it(text: str, shown: str) -> None:
    assert parts(text) == [Part(shown)]


NAMES = [
    "a <b", "<https://example.org>", "R&amp;D", "a&lt;b", "*x*_y_[z](u)", "C:\\<dir>", "- x", "+ x", "# x", "> x",
    "1. x", "|x|", "~~x~~", "`c <d`", "a\\", "![a](b)", "x\n===", "x\n---",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_escaped_name_is_shown_as_it_is(name: str) -> None:
    assert whole(escaped(name)) == Part(name)
    assert whole(f"**{escaped('n')}** {escaped(name)}").text == f"n {name}"


def test_angle_brackets_in_code_are_not_doubled() -> None:
    (part,) = parts("`Vec<T>` and\n```\n<div>\n```")

    assert covered(part, "code") == "Vec<T>"
    assert covered(part, "pre") == "<div>"


def test_code_block_keeps_its_language() -> None:
    (part,) = parts("```python\nprint(1)\n```")

    assert part.text == "print(1)"
    assert part.entities[0]["language"] == "python"


def test_quote_inside_a_quote_is_one_quote() -> None:
    (part,) = parts("> outer\n> > inner")

    assert kinds(part) == ["blockquote"]


def test_long_text_is_cut_between_paragraphs() -> None:
    paragraph = "word " * 300
    found = parts("\n\n".join([paragraph] * 8))

    assert len(found) > 1
    assert all(units(part.text) <= MESSAGE_UNITS for part in found)
    assert all(part.text.startswith("word") and part.text.endswith("word") for part in found)
    assert sum(part.text.count("word") for part in found) == 8 * 300


def test_word_is_not_cut() -> None:
    found = parts("слово " * 2000)

    assert all(word == "слово" for part in found for word in part.text.split())


def test_code_block_that_fits_is_kept_whole() -> None:
    code = "\n".join(f"line {number}" for number in range(200))
    found = parts("word " * 600 + f"\n\n```\n{code}\n```\n\nend")

    assert [covered(part, "pre") for part in found if "pre" in kinds(part)] == [code]


def test_code_block_too_long_is_cut_between_lines_and_stays_code() -> None:
    code = "\n".join(f"line {number}" for number in range(1000))
    found = parts(f"```python\n{code}\n```")

    assert len(found) > 1
    assert all(kinds(part) == ["pre"] for part in found)
    assert "\n".join(part.text for part in found) == code


def test_more_than_a_hundred_entities_go_into_more_messages() -> None:
    found = parts("**b** " * 350)

    assert sum(len(part.entities) for part in found) == 350
    assert all(len(part.entities) <= MOST_ENTITIES for part in found)


def test_nothing_but_blanks_is_no_message() -> None:
    assert parts(" \n\n ") == []


def test_what_telegram_would_refuse_is_taken_out() -> None:
    (part,) = parts("a\x00b \ud83d c")

    assert "\x00" not in part.text
    part.text.encode("utf-8")


def test_tail_shows_the_end_of_a_long_answer() -> None:
    part = tail("start\n\n" + "word " * 2000 + "the end")

    assert part is not None
    assert part.text.endswith("the end")


@pytest.mark.parametrize(
    ("growing", "text"),
    [
        ("```py\nx = 1\n``", "x = 1"),
        ("```py\nx = 1\n`", "x = 1"),
        ("Lists **grow*", "Lists **grow"),
        ("Lists **grow**", "Lists grow"),
        ("See `x`", "See x"),
    ],
)
def test_tail_shows_no_mark_of_which_only_half_has_come(growing: str, text: str) -> None:
    part = tail(growing)

    assert part is not None
    assert part.text == text


SAMPLE = """# Title

Some **bold**, *italic*, ~~gone~~ and `code` with [a link](https://example.com).

- one
- two 👨‍👩‍👧

```python
def f(x: list[int]) -> int:
    return x[0] < 1
```

| a | b |
|---|---|
| 1 | 2 |

> quote
"""


@pytest.mark.parametrize("length", range(0, len(SAMPLE), 7))
def test_every_prefix_of_an_answer_converts(length: int) -> None:
    for part in parts(SAMPLE[:length]):
        total = units(part.text)
        assert part.text.strip()
        assert all(e["offset"] >= 0 and e["length"] > 0 and e["offset"] + e["length"] <= total for e in part.entities)


@given(st.text(max_size=600))
def test_any_text_gives_valid_parts(text: str) -> None:
    for part in parts(text, limit=64):
        total = units(part.text)
        assert 0 < total <= 64 or any(e["type"] == "pre" for e in part.entities)
        assert all(e["offset"] >= 0 and e["offset"] + e["length"] <= total for e in part.entities)


FAMILY = "👨‍👩‍👧‍👦"


def test_code_block_that_would_be_cut_begins_the_next_message() -> None:
    code = "\n".join(f"line {number:04}" for number in range(350))
    first, second = parts("word " * 200 + f"\n\n```\n{code}\n```")

    assert "line" not in first.text
    assert second.text == code


def test_emoji_made_of_several_is_not_cut() -> None:
    first, second = parts("x" * 4090 + FAMILY + "y")

    assert first.text == "x" * 4090
    assert second.text == FAMILY + "y"


def test_nothing_but_emoji_is_cut_all_the_same_and_nothing_lost() -> None:
    found = parts(FAMILY * 1000)

    assert all(units(part.text) <= MESSAGE_UNITS for part in found)
    assert "".join(part.text for part in found) == FAMILY * 1000


def test_entity_across_a_cut_goes_on_in_the_next_message() -> None:
    found = parts("**" + "word " * 1500 + "end**")

    assert len(found) > 1
    assert all(kinds(part) == ["bold"] for part in found)
    assert all(covered(part, "bold") == part.text for part in found)


def test_tail_of_nothing_is_nothing() -> None:
    assert tail(" \n") is None


# --- in one piece ---------------------------------------------------------------------------------------------------


def test_whole_is_neither_cut_nor_bereft_of_formatting() -> None:
    part = whole("**a** " * 3000)
    assert (len(part.text), len(part.entities)) == (5999, 3000)
    assert part.entities[-1] == {"type": "bold", "offset": 5998, "length": 1}


def test_whole_has_no_blank_edges_and_its_formatting_moves_along() -> None:
    assert whole("\n\n  **bold** \n") == Part("bold", [{"type": "bold", "offset": 0, "length": 4}])
    assert whole(" \n ") == Part("")


@given(st.text(alphabet="ab *_`[]()<>#\n😀", max_size=60))
def test_formatting_of_the_whole_lies_in_its_text(markdown: str) -> None:
    part = whole(markdown)
    assert part.text == part.text.strip()
    for entity in part.entities:
        assert 0 <= entity["offset"] < entity["offset"] + entity["length"] <= units(part.text)

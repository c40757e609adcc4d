"""The sentences under answers, and where they may stand."""

import pytest

from conversations import words

FENCED = "Look:\n```python\nx = 1"


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        ("Just words", "Just words"),
        (FENCED, f"{FENCED}\n```"),
        (f"{FENCED}\n```", f"{FENCED}\n```"),
        (f"{FENCED}\n```\nand\n```", f"{FENCED}\n```\nand\n```\n```"),
        ("~~~\ncode", "~~~\ncode\n~~~"),
        ("~~~\n```\ncode", "~~~\n```\ncode\n~~~"),
        ("````md\n```python\nx\n```", "````md\n```python\nx\n```\n````"),
        ("```\ncode\n````", "```\ncode\n````"),
        ("```python\ncode\n```python", "```python\ncode\n```python\n```"),
        ("Say ```this``` and go", "Say ```this``` and go"),
        ("```this``` begins a line", "```this``` begins a line"),
    ],
)
def test_code_block_that_was_cut_is_closed(answer: str, whole: str) -> None:
    assert words.closed(answer) == whole


def test_note_stands_below_the_answer_or_alone() -> None:
    assert words.after("Yes", "Stopped.") == "Yes\n\nStopped."
    assert words.after("", "Stopped.") == "Stopped."


def test_names_of_models_are_shown_as_they_are() -> None:
    assert "my\\_old\\_model" in words.moved("my_old_model", "new*one")
    assert "new\\*one" in words.moved("my_old_model", "new*one")
    assert "my\\_old\\_model" in words.hidden("my_old_model", "")

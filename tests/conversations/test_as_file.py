"""A long answer is offered as a file, and the code in it for download."""

import pytest

from conversations.as_file import blocks, collect, keys
from conversations.models import Message, Request
from delivery.errors import DeliveryError
from tests.house import ANNA, House

LONG = "\n\n".join(f"Paragraph {n}. " + "word " * 150 for n in range(30))


def labels(answer: str) -> list[str]:
    return [key.label for key in keys(1, answer)]


def test_short_answer_is_offered_in_no_other_way() -> None:
    assert labels("Hello") == labels("```py\nprint()\n```") == labels("word " * 900) == []


def test_answer_of_more_than_three_messages_is_offered_as_a_file() -> None:
    assert labels(LONG) == ["📄 As a file"]


def test_long_code_and_code_of_a_split_answer_can_be_downloaded() -> None:
    assert labels("```py\n" + "x = 1\n" * 31 + "```") == ["💾 Code"]
    assert labels("word " * 1000 + "\n```py\nprint()\n```") == ["💾 Code"]
    assert labels(LONG + "\n```py\nprint()\n```") == ["📄 As a file", "💾 Code"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("```py\na\n```\ntext\n~~~sql\nb\n~~~", [("py", "a\n"), ("sql", "b\n")]),
        ("````md\n```\ninside\n```\n````", [("md", "```\ninside\n```\n")]),
        ("```\ncut in the mid", [("", "cut in the mid")]),
        ("```py\n\n```", []),
        ("`inline`", []),
    ],
)
def test_blocks_are_found(answer: str, expected: list[tuple[str, str]]) -> None:
    assert [(block.language, block.code) for block in blocks(answer)] == expected


async def answered(house: House, text: str) -> None:
    house.models.rule(contains="Long one", text=text)
    await house.ask(ANNA, "Long one")


def sent(house: House) -> list[tuple[str, bytes]]:
    """Names and contents of the documents that the bot sent."""
    found = [message["document"] for message in house.messages(ANNA) if "document" in message]
    return [(row["file_name"], house.world.files.by_id[row["file_id"]].content) for row in found]


async def test_pressed_button_brings_the_answer_as_a_file(house: House) -> None:
    await answered(house, LONG)
    house.press(ANNA, "📄 As a file")
    await house.quiet()

    ((name, content),) = sent(house)
    assert name == "answer.md"
    assert content.decode().strip() == LONG.strip()


async def test_pressed_button_brings_each_block_of_code(house: House) -> None:
    code = "x = 1\n" * 40
    await answered(house, f"First:\n```python\n{code}```\nThen:\n```unknown\nsecond\n```")
    house.press(ANNA, "💾 Code")
    await house.quiet()

    assert sent(house) == [("code.py", code.encode()), ("code-2.txt", b"second\n")]


async def test_answer_that_is_erased_is_said_to_be_gone(house: House) -> None:
    await answered(house, LONG)
    await house.db(lambda: (Message.objects.update(content=""), Request.objects.update(answer="")))
    house.press(ANNA, "📄 As a file")
    await house.quiet()

    assert house.heard(ANNA)[-1] == "This answer is not kept any more."


async def test_answer_that_is_erased_before_its_file_is_made_is_not_sent(house: House) -> None:
    await answered(house, "```python\nx = 1\n```")
    request = await house.db(Request.objects.get)
    await house.db(lambda: (Message.objects.update(content=""), Request.objects.update(answer="")))

    with pytest.raises(DeliveryError) as refused:
        await house.db(collect, {"request": request.pk, "block": 0})
    assert refused.value.permanent

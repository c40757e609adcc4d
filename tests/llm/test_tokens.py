import pytest

from llm.tokens import estimate


def test_nothing_has_no_tokens() -> None:
    assert estimate("") == 0


def test_something_has_at_least_one() -> None:
    assert estimate(".") == 1


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("The quick brown fox jumps over the lazy dog and runs away into the forest.", 14, 22),
        ("Съешь же ещё этих мягких французских булок, да выпей чаю, и расскажи мне всё.", 22, 36),
        ("日本語のテキスト", 6, 14),
        ("👍👍👍", 3, 9),
    ],
)
def test_estimate_is_near(text: str, low: int, high: int) -> None:
    assert low <= estimate(text) <= high


def test_twice_the_text_has_twice_the_tokens() -> None:
    text = "Завтра meeting в 10:00. "
    assert estimate(text * 100) == pytest.approx(100 * estimate(text), rel=0.1)

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.providers.sse import MAX_LINE, SSEReader

LINES = st.sampled_from(
    ["", "", ": keep-alive", "data: {}",
     'data: {"text":"при 👋 вет"}', "data:x", "data", "event: ping", "id: 1", "data:  y", "данные: z"]
)  # fmt: skip


def read(*chunks: bytes) -> list[bytes]:
    reader = SSEReader()
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return [*events, *reader.end()]


@given(st.lists(LINES), st.sampled_from(["\n", "\r\n"]), st.lists(st.integers(0, 400)))
def test_any_cut_of_the_bytes_gives_the_same_events(lines: list[str], newline: str, cuts: list[int]) -> None:
    body = newline.join(lines).encode()
    places = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    pieces = [body[start:end] for start, end in pairwise(places)]
    assert read(*pieces) == read(body)


@given(st.lists(LINES))
def test_both_ends_of_lines_give_the_same_events(lines: list[str]) -> None:
    assert read("\n".join(lines).encode()) == read("\r\n".join(lines).encode())


def test_lines_of_one_event_are_joined() -> None:
    assert read(b"data: a\ndata: b\n\n") == [b"a\nb"]


def test_comments_and_blank_lines_are_no_events() -> None:
    assert read(b": keep-alive\n\n\n: keep-alive\n\ndata: a\n\n") == [b"a"]


def test_last_event_needs_no_blank_line() -> None:
    assert read(b"data: a\n\ndata: b") == [b"a", b"b"]


def test_an_event_comes_as_soon_as_it_is_whole() -> None:
    reader = SSEReader()
    assert list(reader.feed("data: п".encode()[:-1])) == []
    assert list(reader.feed("п".encode()[-1:] + b"\n\nda")) == ["п".encode()]


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        list(SSEReader().feed(b"data: " + bytes(MAX_LINE)))

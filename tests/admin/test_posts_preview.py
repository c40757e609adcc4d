"""How a post will look: the formatting of Telegram as HTML, and nothing that was not meant."""

import time
from typing import Any

import pytest

from posts.content import Medium
from posts.models import Post
from posts.preview import html_of, look_of, markdown_of, safe_address
from posts.services.composing import render


def entity(kind: str, offset: int, length: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **more}


SHOWN = [
    ("plain <b> & \"quoted\"", [], "plain &lt;b&gt; &amp; &quot;quoted&quot;"),
    ("bold", [entity("bold", 0, 4)], "<strong>bold</strong>"),
    ("a bc d", [entity("italic", 2, 2)], "a <em>bc</em> d"),
    ("<i>", [entity("code", 0, 3)], "<code>&lt;i&gt;</code>"),
    # Offsets count UTF-16 units: the emoji is two of them.
    ("🎉 yes", [entity("bold", 3, 3)], "🎉 <strong>yes</strong>"),
    ("abc", [entity("bold", 0, 3), entity("italic", 1, 1)], "<strong>a<em>b</em>c</strong>"),
    # They overlap, and HTML's tags may not.
    ("abcd", [entity("bold", 0, 3), entity("italic", 1, 3)], "<strong>a<em>bc</em></strong><em>d</em>"),
    ("x", [entity("bold", 0, 1), entity("italic", 0, 1)], "<strong><em>x</em></strong>"),
    ("q\nrest", [entity("blockquote", 0, 1)], "<blockquote>q</blockquote>rest"),
    ("a #tag", [], 'a <span class="tg-link">#tag</span>'),
    ("see https://a.example/?q=1.", [], 'see <span class="tg-link">https://a.example/?q=1</span>.'),
    ("a@b.example", [], "a@b.example"),
    ("#tag", [entity("code", 0, 4)], "<code>#tag</code>"),
    ("beyond", [entity("bold", 3, 99)], "beyond"),
    ("new", [entity("something_new", 0, 3)], "new"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "entities", "html"), SHOWN)
def test_text_is_shown_with_its_formatting(text: str, entities: list[dict[str, Any]], html: str) -> None:
    assert html_of(text, entities) == html


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "//a.example", "", "http://[", "vbscript:x"],
)
def test_link_that_could_do_harm_leads_nowhere(address: str) -> None:
    assert safe_address(address) == ""
    assert "href" not in html_of("click", [entity("text_link", 0, 5, url=address)])
    assert "href" not in html_of("click", [entity("text_link", 0, 5)])


def test_link_opens_elsewhere_and_tells_nobody_from_where() -> None:
    html = html_of('a"b', [entity("text_link", 0, 3, url='https://a.example/"><script>')])
    assert html.startswith(
        '<a href="https://a.example/&quot;&gt;&lt;script&gt;" target="_blank" rel="noopener noreferrer'
    )
    assert "<script>" not in html


def test_bare_address_and_mail_lead_where_they_say() -> None:
    assert 'href="https://a.example"' in html_of("a.example", [entity("url", 0, 9)])
    assert 'href="mailto:a@b.example"' in html_of("a@b.example", [entity("email", 0, 11)])


WRITTEN = [
    "**bold** and *italic*", "`code` and ~~struck~~", "[link](https://a.example)", "||veiled||", "plain",
    "```python\nprint(1)\n```", "🎉 **party** 🎉",
]  # fmt: skip


@pytest.mark.parametrize("markdown", WRITTEN)
def test_formatting_of_telegram_becomes_markdown_that_means_the_same(markdown: str) -> None:
    text, entities = render(markdown)
    assert render(markdown_of(text, entities)) == (text, entities)


def test_album_is_laid_out_without_a_hole() -> None:
    for count in range(1, 11):
        files = look_of(Post(), [Medium(kind="photo")] * count, [""] * count)["files"]
        spans = {"": 6, "tg-half": 3, "tg-third": 2}
        assert sum(spans[file.width] for file in files) % 6 == 0


def test_quiz_marks_what_is_right_and_a_poll_nothing() -> None:
    poll = {"question": "Which?", "options": [{"text": "a"}, {"text": "b"}], "correct": [1]}
    quiz = look_of(Post(poll=poll | {"quiz": True}), [], [])["poll"]
    assert [right for _html, right in quiz["options"]] == [False, True]
    assert quiz["about"] == "Anonymous quiz"
    plain = look_of(Post(poll=poll | {"anonymous": False}), [], [])["poll"]
    assert [right for _html, right in plain["options"]] == [False, False]
    assert plain["about"] == "Poll"


def test_manner_of_a_post_is_told() -> None:
    row = Post(silent=True, protected=True, pin=True, link_preview=False, delete_after_minutes=120)
    manner = "without a sound; protected from forwarding; will be pinned; no preview of links; deleted after 2 hours"
    assert "; ".join(words for _icon, words in look_of(row, [], [])["flags"]) == manner
    assert look_of(Post(delete_after_minutes=90), [], [])["flags"][0][1] == "deleted after 90 minutes"
    assert look_of(Post(), [], [])["flags"] == []


def test_preview_of_a_text_far_too_long_keeps_nobody_waiting() -> None:
    text = "tea " * 20_000
    spans = [entity("bold", 4 * number, 3) for number in range(20_000)]
    began = time.thread_time()  # of our own work: whoever else is busy here does not count
    assert html_of(text, spans).count("<strong>tea</strong>") == 20_000
    assert time.thread_time() - began < 3  # it took the square of the number of entities

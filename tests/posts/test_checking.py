"""What stands against a post: its words, its files, its poll, its buttons."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Chat, User
from files import services as stored
from files.models import StoredFile
from posts import services
from posts.content import Medium, Problem, Refused
from posts.models import Post, PostTarget
from posts.services import checking, limits, media
from tests.posts import files, making

PHOTO = Medium("photo", telegram_file_id="p", bot_id=making.BOT)
VIDEO = Medium("video", telegram_file_id="v", bot_id=making.BOT)
GIF = Medium("animation", telegram_file_id="g", bot_id=making.BOT)
PAPER = Medium("document", telegram_file_id="d", bot_id=making.BOT)
SONG = Medium("audio", telegram_file_id="a", bot_id=making.BOT)


def check(
    text: str = "Hello",
    entities: Sequence[dict[str, Any]] = (),
    files: Sequence[Medium] = (),
    poll: dict[str, Any] | None = None,
    buttons: Sequence[Sequence[dict[str, str]]] = (),
    **options: Any,
) -> list[Problem]:
    return checking.check_content(text, list(entities), files, poll, buttons, options)


def codes(problems: Sequence[Problem]) -> list[str]:
    return [problem.code for problem in problems]


# --- words ----------------------------------------------------------------------------------------------------------


def test_ordinary_text_has_no_problem() -> None:
    assert check("Hello") == []


@pytest.mark.parametrize("text", ["", "  \n", "\u200b\u2060", "\u200e\u200f", "\u2800", "\u3164", "\u00ad\u200d\ufe0f"])
def test_post_of_nothing_is_refused(text: str) -> None:
    assert codes(check(text)) == ["empty"]


def test_file_needs_no_words() -> None:
    assert check("", files=[PHOTO]) == []


def test_text_of_4096_units_passes_and_one_more_does_not() -> None:
    assert check("a" * 4096) == []
    assert codes(check("a" * 4097)) == ["text-too-long"]


def test_length_counts_as_telegram_does() -> None:
    assert check("😀" * 2048) == []
    (problem,) = check("😀" * 2048 + "a")
    assert "4097, 1 too many" in problem.text


def test_caption_may_have_1024_and_says_how_much_is_too_many() -> None:
    assert check("a" * 1024, files=[PHOTO]) == []
    (problem,) = check("a" * 1100, files=[PHOTO])
    assert (problem.field, problem.code) == ("text", "caption-too-long")
    assert "1100, 76 too many" in problem.text


def test_caption_of_a_later_file_names_the_file() -> None:
    later = Medium("photo", telegram_file_id="q", bot_id=making.BOT, text="a" * 1025)
    (problem,) = check("", files=[PHOTO, later])
    assert (problem.field, problem.code) == ("media.1", "caption-too-long")


def test_words_of_the_first_file_are_the_posts_and_not_lost_silently() -> None:
    first = Medium("photo", telegram_file_id="p", bot_id=making.BOT, text="Mine")
    (problem,) = check("The post's", files=[first, PHOTO])
    assert (problem.field, problem.code) == ("media.0", "words-of-first")
    assert check("Mine", files=[first, PHOTO]) == []


def test_hundred_formatted_places_pass_and_one_more_does_not() -> None:
    bold = [{"type": "bold", "offset": number, "length": 1} for number in range(101)]
    assert check("a" * 200, bold[:100]) == []
    assert codes(check("a" * 200, bold)) == ["too-many-entities"]


def test_what_telegram_finds_itself_does_not_count() -> None:
    tags = [{"type": "hashtag", "offset": number, "length": 1} for number in range(150)]
    assert check("a" * 200, tags) == []


@pytest.mark.parametrize(
    "entity",
    [
        {"type": "bold", "offset": 0, "length": 6},
        {"type": "bold", "offset": -1, "length": 2},
        {"type": "bold", "offset": 0, "length": 0},
        {"type": "bold", "offset": "0", "length": 1},
        {"type": "shout", "offset": 0, "length": 1},
        {"type": "text_link", "offset": 0, "length": 1},
        {"type": "text_mention", "offset": 0, "length": 1},
        {"type": "text_mention", "offset": 0, "length": 1, "user": {"first_name": "Анна"}},
        {"type": "custom_emoji", "offset": 0, "length": 1},
        {"type": "custom_emoji", "offset": 0, "length": 1, "custom_emoji_id": "smile"},
        {"type": "date_time", "offset": 0, "length": 1},
        {"type": ["bold"], "offset": 0, "length": 1},
        {"type": "bold", "offset": 0, "length": True},
        {"offset": 0, "length": 1},
        "bold",
    ],
)
def test_formatting_that_does_not_fit_is_refused(entity: Any) -> None:
    assert codes(check("Hello", [entity])) == ["bad-entities"]


@pytest.mark.parametrize(
    "entity",
    [
        {"type": "text_mention", "offset": 0, "length": 5, "user": {"id": 101, "first_name": "Анна"}},
        {"type": "custom_emoji", "offset": 0, "length": 5, "custom_emoji_id": "5368324170671202286"},
        {"type": "date_time", "offset": 0, "length": 5, "unix_time": 1_647_531_900, "date_time_format": "wDT"},
    ],
)
def test_formatting_that_says_what_its_type_needs_passes(entity: Any) -> None:
    assert check("Hello", [entity]) == []


@pytest.mark.parametrize("url", ["tg://user?id=101", "ftp://example.org/a", "mailto:a@example.org", "tonsite://a.ton"])
def test_link_in_the_text_may_lead_wherever_telegram_leads(url: str) -> None:
    assert check("Hello", [{"type": "text_link", "offset": 0, "length": 1, "url": url}]) == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "example.org/page", "http://localhost:8000", "/page", ""])
def test_link_in_the_text_that_leads_nowhere_is_named(url: str) -> None:
    link = {"type": "text_link", "offset": 0, "length": 1, "url": url}
    (problem,) = check("Hello", [link])
    assert (problem.field, problem.code) == ("entities", "bad-link")
    assert problem.text == f"The link “{url}” leads nowhere. Give its whole address, as in https://example.org."


def test_formatting_may_not_cut_a_character_in_two() -> None:
    assert codes(check("😀a", [{"type": "bold", "offset": 1, "length": 2}])) == ["bad-entities"]
    assert check("😀a", [{"type": "bold", "offset": 0, "length": 2}]) == []


# --- albums ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("album", [[PHOTO, VIDEO], [PAPER, PAPER], [SONG, SONG], [PHOTO] * 10])
def test_album_of_what_goes_together_passes(album: list[Medium]) -> None:
    assert check(files=album) == []


def test_album_of_eleven_is_refused_with_the_way_to_split_it() -> None:
    (problem,) = check(files=[PHOTO] * 11)
    assert problem.code == "album-too-large"
    assert "Split" in problem.text


def test_eleven_files_split_into_albums_as_even_as_can_be() -> None:
    assert [len(part) for part in media.split([PHOTO] * 11)] == [6, 5]
    assert [len(part) for part in media.split([PHOTO] * 25)] == [9, 8, 8]
    assert [len(part) for part in media.split([PHOTO] * 10)] == [10]


@pytest.mark.parametrize("album", [[PHOTO, PAPER], [VIDEO, SONG], [PAPER, SONG]])
def test_album_of_what_does_not_go_together_is_refused(album: list[Medium]) -> None:
    (problem,) = check(files=album)
    assert problem.code == "mixed-album"
    assert "photos and videos, or only files, or only music" in problem.text


def test_gif_in_an_album_is_refused_and_alone_is_not() -> None:
    assert codes(check(files=[PHOTO, GIF])) == ["gif-in-album"]
    assert check(files=[GIF]) == []


# --- polls ----------------------------------------------------------------------------------------------------------


def poll(*options: str, **more: Any) -> dict[str, Any]:
    answers = [{"text": option} for option in options or ("Yes", "No")]
    return {"question": "Shall we?", "options": answers, "quiz": False, "correct": [], **more}


def test_poll_and_quiz_pass() -> None:
    assert check("", poll=poll()) == []
    assert check("", poll=poll(quiz=True, correct=[1], explanation="a\nb\nc")) == []
    assert check("", poll=poll(quiz=True, correct=[0, 1], multiple=True)) == []


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"question": " "}, "poll.question", "question-length"),
        ({"question": "\u200b"}, "poll.question", "question-length"),
        ({"question": "a" * 301}, "poll.question", "question-length"),
        ({"options": [{"text": "Yes"}]}, "poll.options", "number-of-options"),
        ({"options": [{"text": str(number)} for number in range(13)]}, "poll.options", "number-of-options"),
        ({"options": [{"text": "Yes"}, {"text": ""}]}, "poll.options.1", "option-length"),
        ({"options": [{"text": "Yes"}, {"text": "\u2800"}]}, "poll.options.1", "option-length"),
        ({"options": [{"text": "a" * 101}, {"text": "No"}]}, "poll.options.0", "option-length"),
        ({"open_seconds": 4}, "poll.open_seconds", "out-of-range"),
        ({"open_seconds": 2_628_001}, "poll.open_seconds", "out-of-range"),
        ({"correct": [0]}, "poll.quiz", "not-a-quiz"),
        ({"explanation": "Because"}, "poll.quiz", "not-a-quiz"),
        ({"quiz": True}, "poll.correct", "no-right-answer"),
        ({"quiz": True, "correct": [2]}, "poll.correct", "no-right-answer"),
        ({"quiz": True, "correct": [True]}, "poll.correct", "no-right-answer"),
        ({"quiz": True, "correct": [0, 1]}, "poll.multiple", "several-right-answers"),
        ({"quiz": True, "correct": [0], "explanation": "a" * 201}, "poll.explanation", "explanation-length"),
        ({"quiz": True, "correct": [0], "explanation": "a\nb\nc\nd"}, "poll.explanation", "explanation-length"),
        (
            {"question_entities": [{"type": "bold", "offset": 0, "length": 1}]},
            "poll.question",
            "no-formatting",
        ),
    ],
)
def test_poll_against_the_rules_is_refused_at_its_field(wrong: dict[str, Any], field: str, code: str) -> None:
    (problem,) = check("", poll=poll(**wrong))
    assert (problem.field, problem.code) == (field, code)


def test_poll_takes_no_text_and_no_file_beside_it() -> None:
    assert codes(check("Look!", poll=poll())) == ["poll-alone"]
    assert codes(check("", files=[PHOTO], poll=poll())) == ["poll-alone"]


def test_custom_emoji_may_stand_in_a_question() -> None:
    emoji = {"type": "custom_emoji", "offset": 0, "length": 1, "custom_emoji_id": "5"}
    assert check("", poll=poll(question_entities=[emoji])) == []


# --- buttons --------------------------------------------------------------------------------------------------------


def rows(*lengths: int) -> list[list[dict[str, str]]]:
    return [[{"text": "Site", "url": "https://example.org"}] * length for length in lengths]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a?b=c",
        "http://example.org:8080",
        "tg://resolve?domain=x",
        "https://пример.рф/а",
        "https://[::1]/",
    ],
)
def test_button_with_an_address_passes(url: str) -> None:
    assert check(buttons=[[{"text": "Site", "url": url}]]) == []


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "example.org", "https://", "https:///path", "ftp://example.org", "", "http://a b.org",
        "https://nohost", "https://.", "https://a..org", "https://[", "https://example.org:port",
        "mailto:a@example.org",
    ],
)  # fmt: skip
def test_button_without_a_good_address_is_refused_and_named(url: str) -> None:
    good = {"text": "Site", "url": "https://example.org"}
    (problem,) = check(buttons=[[good], [{"text": "Bad", "url": url}]])
    assert (problem.field, problem.code) == ("buttons", "button-url")
    assert problem.text.startswith("Button 2")


@pytest.mark.parametrize("label", ["", " ", "\u200b", "a" * 65])
def test_button_without_a_good_text_is_refused(label: str) -> None:
    assert codes(check(buttons=[[{"text": label, "url": "https://example.org"}]])) == ["button-text"]


def test_hundred_buttons_in_rows_of_eight_pass_and_more_do_not() -> None:
    assert check(buttons=rows(*[8] * 12, 4)) == []
    assert codes(check(buttons=rows(*[8] * 12, 5))) == ["too-many-buttons"]
    assert codes(check(buttons=rows(9))) == ["too-many-buttons"]


def test_album_takes_no_buttons_and_a_poll_and_a_single_file_do() -> None:
    assert codes(check(files=[PHOTO, PHOTO], buttons=rows(1))) == ["buttons-on-album"]
    assert check(files=[PHOTO], buttons=rows(1)) == []
    assert check("", poll=poll(), buttons=rows(1)) == []


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("delete_after_minutes", (1, limits.DELETE_AFTER_MINUTES, None), (0, limits.DELETE_AFTER_MINUTES + 1)),
        ("expire_hours", (1, limits.EXPIRE_HOURS, None), (0, limits.EXPIRE_HOURS + 1)),
    ],
)
def test_option_beyond_its_range_is_refused(name: str, good: tuple[Any, ...], bad: tuple[int, ...]) -> None:
    def checked(value: Any) -> list[Problem]:
        option: dict[str, Any] = {name: value}
        return check(**option)

    assert all(checked(value) == [] for value in good)
    for value in bad:
        (problem,) = checked(value)
        assert (problem.field, problem.code) == (name, "out-of-range")


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = codes(check("a" * 5000, buttons=[[{"text": "", "url": "x"}]], expire_hours=0))
    assert found == ["text-too-long", "button-text", "button-url", "out-of-range"]


# --- edits ----------------------------------------------------------------------------------------------------------


Side = tuple[list[Medium], dict[str, Any] | None]


def edit(before: Side, after: Side) -> list[str]:
    return codes(checking.check_edit(before, after))


def test_text_and_caption_and_file_may_change() -> None:
    assert edit(([], None), ([], None)) == []
    assert edit(([PHOTO], None), ([PAPER], None)) == []
    assert edit(([PHOTO, VIDEO], None), ([VIDEO, PHOTO], None)) == []


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (([], poll()), ([], poll(question="Other?")), "poll-stays"),
        (([], poll()), ([], None), "poll-stays"),
        (([], None), ([], poll()), "poll-stays"),
        (([], None), ([PHOTO], None), "text-or-file"),
        (([], None), ([PHOTO, PHOTO], None), "text-or-file"),
        (([PHOTO], None), ([], None), "text-or-file"),
        (([PHOTO], None), ([PHOTO, PHOTO], None), "number-of-files"),
        (([PHOTO] * 3, None), ([PHOTO] * 2, None), "number-of-files"),
        (([PHOTO, PHOTO], None), ([PHOTO, SONG], None), "kind-in-album"),
        (([PAPER, PAPER], None), ([PAPER, SONG], None), "kind-in-album"),
    ],
)
def test_what_cannot_become_of_a_message_is_refused(before: Side, after: Side, code: str) -> None:
    assert edit(before, after) == [code]


def test_poll_that_stays_may_get_other_buttons() -> None:
    assert edit(([], poll()), ([], poll())) == []


# --- the whole post -------------------------------------------------------------------------------------------------


def test_post_that_may_go_out_has_no_problem(editor: User, news: Chat) -> None:
    assert services.check_post(making.make_post(editor, news), timezone.now()) == []


def test_post_for_nobody_is_told_to_choose(editor: User) -> None:
    (problem,) = services.check_post(making.make_post(editor), timezone.now())
    assert (problem.field, problem.code) == ("targets", "no-target")


def test_more_targets_than_allowed_are_refused(editor: User, news: Chat, team: Chat, settings: Settings) -> None:
    post = making.make_post(editor, news, team)
    settings.TARGETS_PER_POST = 1
    assert codes(services.check_post(post, timezone.now())) == ["too-many-targets"]


def test_chat_where_it_has_appeared_is_not_asked_any_more(editor: User, news: Chat, team: Chat) -> None:
    post = making.make_post(editor, news, team)
    Chat.objects.update(bot_status="kicked")
    first = making.targets(post)[0]
    PostTarget.objects.filter(pk=first.pk).update(state=PostTarget.State.SENT)
    (problem,) = services.check_post(post, timezone.now())
    assert problem.target is not None
    assert problem.target.chat == team

    PostTarget.objects.filter(post=post).update(state=PostTarget.State.SENT)
    assert services.check_post(post, timezone.now()) == []


def test_file_that_was_lost_is_named_by_number(editor: User, news: Chat) -> None:
    kept = [media.from_bytes(editor, files.png(8, side), "a.png", timezone.now()) for side in (6, 7)]
    post = making.make_post(editor, news, media=kept)
    second = StoredFile.objects.get(pk=kept[1].file.pk)  # type: ignore[union-attr]
    stored.path_of(second).unlink()

    (problem,) = services.check_post(post, timezone.now())
    assert (problem.field, problem.code) == ("media.1", "file-gone")
    assert problem.text.startswith("File 2")


def test_album_with_one_bad_file_is_no_draft(editor: User, news: Chat) -> None:
    good = media.from_bytes(editor, files.png(), "a.png", timezone.now())
    bad = Medium("photo", file=stored.store_bytes(editor, files.HTML, "b.png", timezone.now()))
    with pytest.raises(Refused) as refused:
        making.make_post(editor, news, media=[good, bad])
    (problem,) = refused.value.problems
    assert (problem.field, problem.code) == ("media.1", "wrong-kind")
    assert Post.objects.count() == 0


# --- warnings -------------------------------------------------------------------------------------------------------


def test_same_words_in_the_same_chat_within_the_hour_are_a_warning_and_no_problem(editor: User, news: Chat) -> None:
    now = timezone.now()
    making.planned(editor, news, at=now + timedelta(minutes=90), now=now)
    twin = making.planned(editor, news, at=now + timedelta(minutes=60), now=now)

    assert services.check_post(twin, now) == []
    (warning,) = services.warnings_of(twin, now)
    assert "“Новости”" in warning


def test_same_words_later_or_elsewhere_or_other_words_are_no_warning(editor: User, news: Chat, team: Chat) -> None:
    now = timezone.now()
    making.planned(editor, news, at=now + timedelta(hours=5), now=now)
    making.planned(editor, team, at=now + timedelta(hours=1), now=now)
    making.planned(editor, news, at=now + timedelta(hours=1), now=now, text="Other")
    making.make_post(editor, news)

    assert services.warnings_of(making.planned(editor, news, at=now + timedelta(hours=1), now=now), now) == []


def test_same_words_under_another_picture_are_no_warning(editor: User, news: Chat) -> None:
    now = timezone.now()
    making.planned(editor, news, at=now + timedelta(hours=1), now=now, media=[PHOTO])
    other = Medium("photo", telegram_file_id="other", bot_id=making.BOT)
    twin = making.planned(editor, news, at=now + timedelta(hours=1), now=now, media=[other])
    assert services.warnings_of(twin, now) == []


def refuse(post: Post, now: Any) -> None:
    PostTarget.objects.filter(post=post).update(
        state=PostTarget.State.FAILED, error_kind="forbidden", error="Forbidden", updated_at=now
    )


def test_chat_that_refused_another_post_warns_the_next_one(editor: User, news: Chat) -> None:
    now = timezone.now()
    Chat.objects.update(rights_at=now - timedelta(hours=1))
    refuse(making.make_post(editor, news, text="First"), now - timedelta(minutes=10))

    (warning,) = services.warnings_of(making.make_post(editor, news, text="Second"), now)
    assert "refused another post" in warning


@pytest.mark.parametrize("kind", ["expired", "network", "crash", "bug", "file", "rejected"])
def test_what_did_not_reach_a_chat_was_not_refused_by_it(editor: User, news: Chat, kind: str) -> None:
    now = timezone.now()
    making.publish(first := making.make_post(editor, news), now)
    target = making.targets(first)[0]
    services.failed(target.pk, target.attempt, kind, "It did not work", now)
    assert checking.warnings_of(making.make_post(editor, news, text="Other"), now) == []


def test_refusal_is_forgotten_when_the_rights_were_looked_at_since(editor: User, news: Chat) -> None:
    now = timezone.now()
    refuse(making.make_post(editor, news, text="First"), now - timedelta(minutes=10))
    Chat.objects.update(rights_at=now)
    assert services.warnings_of(making.make_post(editor, news, text="Second"), now) == []


def test_refusal_is_forgotten_when_the_chat_took_a_post_since(editor: User, news: Chat) -> None:
    now = timezone.now()
    Chat.objects.update(rights_at=now - timedelta(hours=1))
    refuse(making.make_post(editor, news, text="First"), now - timedelta(minutes=10))
    PostTarget.objects.filter(post=making.make_post(editor, news, text="Between")).update(
        state=PostTarget.State.SENT, updated_at=now - timedelta(minutes=5)
    )
    assert services.warnings_of(making.make_post(editor, news, text="Second"), now) == []


def test_what_is_not_known_of_a_chat_is_said(editor: User) -> None:
    silent = making.channel(bot_status="", bot_rights={}, rights_at=None)
    post = making.make_post(editor, silent)
    assert services.check_post(post, timezone.now()) == []
    (warning,) = services.warnings_of(post, timezone.now())
    assert "not known yet" in warning

"""Posts over REST: written, read, changed, removed, written once more."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Access, AuditEntry, Chat, Role, User
from delivery.models import Delivery
from delivery.webhooks import create_webhook
from posts.models import Post, State
from tests.posts.making import NEWS, TEAM, Target, deliveries, fresh, make_post, publish, settle, targets
from tests.posts.rest import EDITOR, Service, made, wish
from tests.rest.calling import flaws, problem

pytestmark = pytest.mark.django_db

POLL = {"question": "Tea or coffee?", "options": ["Tea", {"text": "Coffee"}]}


@pytest.fixture(autouse=True)
def _people(editor: User, news: Chat, team: Chat) -> None:
    """Who may post, and where."""


def post_of(body: dict[str, Any]) -> Post:
    return Post.objects.get(pk=body["id"])


# --- created --------------------------------------------------------------------------------------------------------


def test_new_post_is_a_draft(service: Service) -> None:
    answer = service.create()
    body = made(answer, 201)
    assert (body["state"], body["author"], body["planned_at"]) == ("draft", EDITOR, None)
    assert answer["Location"] == f"/api/posts/{body['id']}"
    assert answer["ETag"] == '"1"'
    assert not deliveries(post_of(body))


def test_markdown_becomes_formatting(service: Service) -> None:
    body = service.created(text="Hello **all**")
    assert (body["text"], body["markdown"]) == ("Hello all", "Hello **all**")
    assert body["entities"] == [{"type": "bold", "offset": 6, "length": 3}]


def test_text_with_entities_stays_as_it_is(service: Service) -> None:
    bold = {"type": "bold", "offset": 0, "length": 1}
    body = service.created(text="*a_b* <i>", entities=[bold])
    assert (body["text"], body["entities"], body["markdown"]) == ("*a_b* <i>", [bold], "")


@pytest.mark.parametrize("text", ["<b>open", "a < b & c", "snake_case_name", "*", "[a](", "`"])
def test_stray_marks_are_no_error(service: Service, text: str) -> None:
    assert service.create(text=text).status_code == 201


def test_targets_stand_in_their_order(service: Service) -> None:
    body = service.created(targets=[{"chat_id": TEAM}, {"chat_id": NEWS}])
    assert [(one["chat_id"], one["title"], one["state"]) for one in body["targets"]] == [
        (TEAM, "Команда", "waiting"),
        (NEWS, "Новости", "waiting"),
    ]


def test_options_are_kept(service: Service) -> None:
    chosen = {
        "silent": True, "protected": True, "pin": True, "link_preview": False, "general_allowed": True,
        "delete_after_minutes": 60, "expire_hours": 2,
    }  # fmt: skip
    body = service.created(**chosen)
    assert {name: body[name] for name in chosen} == chosen


def test_buttons_are_kept(service: Service) -> None:
    rows = [[{"text": "Site", "url": "https://example.org/"}], [{"text": "More", "url": "https://example.org/more"}]]
    assert service.created(buttons=rows)["buttons"] == rows


def test_poll_may_name_its_options_as_texts(service: Service) -> None:
    body = service.created(text=None, poll=POLL)
    assert body["kind"] == "poll"
    assert body["poll"]["options"] == [{"text": "Tea", "entities": []}, {"text": "Coffee", "entities": []}]
    assert (body["poll"]["anonymous"], body["poll"]["quiz"], body["title"]) == (True, False, "Tea or coffee?")


def test_quiz_needs_a_right_answer(service: Service) -> None:
    assert flaws(service.create(text=None, poll=POLL | {"quiz": True})) == [("poll.correct", "no-right-answer")]
    assert service.created(text=None, poll=POLL | {"quiz": True, "correct": [1]})["poll"]["correct"] == [1]


def test_all_that_is_wrong_is_told_at_once(service: Service) -> None:
    answer = service.create(
        text="x" * 4097, buttons=[[{"text": "Go", "url": "javascript:alert(1)"}]], delete_after_minutes=48 * 60
    )
    assert {code for _field, code in flaws(answer)} == {"text-too-long", "button-url", "out-of-range"}
    assert not Post.objects.exists()


def test_unknown_names_are_refused_at_every_depth(service: Service) -> None:
    answer = service.post("", wish(txt="x", poll={**POLL, "optoins": []}, buttons=[[{"text": "a", "uri": "b"}]]))
    assert set(flaws(answer)) == {
        ("txt", "unknown-field"),
        ("poll.optoins", "unknown-field"),
        ("buttons.0.0.url", "missing"),
        ("buttons.0.0.uri", "unknown-field"),
    }


@pytest.mark.parametrize("name", ["state", "id", "planned_at", "version", "published_at"])
def test_what_answers_show_cannot_be_set(service: Service, name: str) -> None:
    assert flaws(service.create(**{name: "2026-11-21T10:00:00Z"})) == [(name, "read-only")]


@pytest.mark.parametrize(
    ("changed", "flaw"),
    [
        ({"text": 7}, ("text", "wrong-type")),
        ({"silent": "yes"}, ("silent", "wrong-type")),
        ({"silent": 1}, ("silent", "wrong-type")),
        ({"author": "104"}, ("author", "wrong-type")),
        ({"targets": {}}, ("targets", "wrong-type")),
        ({"targets": [{"chat_id": 2**63}]}, ("targets.0.chat_id", "out-of-range")),
        ({"entities": [{"type": "bold", "offset": -1, "length": 1}]}, ("entities.0.offset", "out-of-range")),
        ({"delete_after_minutes": 0}, ("delete_after_minutes", "out-of-range")),
        ({"text": "x" * 20_001}, ("text", "too-long")),
        ({"media": [{"id": "x", "kind": "sticker"}]}, ("media.0.kind", "bad-value")),
    ],
    ids=str,
)
def test_wrong_form_names_its_field(service: Service, changed: dict[str, Any], flaw: tuple[str, str]) -> None:
    assert flaws(service.create(**changed)) == [flaw]


def test_chat_that_the_bot_does_not_know_is_no_target(service: Service) -> None:
    answer = service.create(targets=[{"chat_id": NEWS}, {"chat_id": -1001}])
    assert flaws(answer) == [("targets.1.chat_id", "unknown-chat")]


def test_private_chat_is_no_target(service: Service) -> None:
    assert flaws(service.create(targets=[{"chat_id": EDITOR}])) == [("targets.0.chat_id", "unknown-chat")]


def test_target_is_named_once(service: Service) -> None:
    assert flaws(service.create(targets=[{"chat_id": NEWS}] * 2)) == [("targets.1", "twice")]


def test_author_must_be_let_in(service: Service) -> None:
    answer = service.create(author=999)
    assert answer.status_code == 404
    assert "no such person" in problem(answer)["detail"]


def test_author_must_be_an_editor(service: Service, member: User) -> None:
    assert flaws(service.create(author=member.telegram_id)) == [("author", "may-not-post")]


def test_long_post_in_escapes_is_not_too_long_a_body(service: Service) -> None:
    """json.dumps writes six bytes for each Cyrillic letter."""
    captions = [{"id": "x", "text": "я" * 1024}] * 10
    answer = service.create(text="я" * 4096, media=captions)
    assert {code for _field, code in flaws(answer)} == {"unknown-file"}


def test_body_beyond_the_limit_is_refused_unread(service: Service) -> None:
    answer = service.create(text="x" * 300_000)
    assert answer.status_code == 413
    assert problem(answer)["detail"] == "The body is too large: 256 KiB at most."


def test_record_names_the_key_and_no_words(service: Service) -> None:
    body = service.created(text="Secret plan")
    entry = AuditEntry.objects.get(action="post.created")
    assert (entry.via, entry.details["key"]) == ("api", service.key.prefix)
    assert entry.target == f"post:{body['id']}"
    assert "Secret" not in f"{entry.details} {entry.target_label}"


def test_record_names_the_key_that_changed_it_not_the_one_that_made_it(service: Service) -> None:
    body = service.created()
    other = service.another()
    service.patch(body["id"], {"text": "Other words"})
    assert AuditEntry.objects.get(action="post.changed").details["key"] == other.prefix


# --- once -----------------------------------------------------------------------------------------------------------


def test_same_request_twice_makes_one_post(service: Service) -> None:
    first = service.post("", wish(), Idempotency_Key="news-1")
    again = service.post("", dict(reversed(wish().items())), Idempotency_Key="news-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotent-Replayed"] == "true"
    assert first.json()["id"] == again.json()["id"]
    assert Post.objects.count() == 1


def test_key_of_another_post_is_refused(service: Service) -> None:
    service.post("", wish(), Idempotency_Key="news-1")
    answer = service.post("", wish(text="Other"), Idempotency_Key="news-1")
    assert flaws(answer) == [("Idempotency-Key", "idempotency-key-reused")]


def test_another_programs_key_may_be_the_same(service: Service) -> None:
    service.post("", wish(), Idempotency_Key="news-1")
    service.another()
    assert service.post("", wish(text="Other"), Idempotency_Key="news-1").status_code == 201


# --- a dry run ------------------------------------------------------------------------------------------------------


def test_dry_run_saves_nothing_and_shows_what_would_leave(service: Service) -> None:
    body = made(service.post("?dry_run=true", wish()), 200)
    assert body["problems"] == []
    [call] = body["preview"]
    assert (call["chat_id"], call["method"], call["params"]["text"]) == (NEWS, "sendMessage", "Hello all")
    assert not Post.objects.exists()
    assert not AuditEntry.objects.filter(action__startswith="post.").exists()


def test_dry_run_names_what_stands_in_the_way_and_where(service: Service, news: Chat) -> None:
    Chat.objects.filter(pk=news.pk).update(bot_status="kicked")
    body = made(service.post("?dry_run=true", wish(targets=[{"chat_id": TEAM}, {"chat_id": NEWS}])), 200)
    [found] = body["problems"]
    assert (found["field"], found["chat_id"]) == ("targets", NEWS)
    assert "Новости" in found["detail"]


def test_dry_run_without_targets_shows_the_post_all_the_same(service: Service) -> None:
    body = made(service.post("?dry_run=1", wish(targets=[])), 200)
    assert [one["code"] for one in body["problems"]] == ["no-target"]
    assert body["preview"][0]["params"]["text"] == "Hello all"


def test_dry_run_is_refused_as_the_run_would_be(service: Service) -> None:
    assert flaws(service.post("?dry_run=true", wish(text=" "))) == [("text", "empty")]


def test_mistyped_dry_run_makes_nothing(service: Service) -> None:
    assert flaws(service.post("?dryrun=true", wish())) == [("dryrun", "unknown-field")]
    assert not Post.objects.exists()


# --- read -----------------------------------------------------------------------------------------------------------


def test_post_is_read_as_it_was_made(service: Service) -> None:
    body = service.created()
    answer = service.get(body["id"])
    assert made(answer) == body
    assert answer["ETag"] == '"1"'
    assert answer["Cache-Control"] == "no-store"


def test_post_from_the_chat_is_seen_too(service: Service, editor: User, news: Chat) -> None:
    row = make_post(editor, news, text="From the chat")
    assert service.get(str(row.pk)).json()["text"] == "From the chat"


def test_post_of_somebody_who_left_is_still_seen(service: Service, editor: User) -> None:
    body = service.created()
    User.objects.filter(pk=editor.pk).update(status=Access.BLOCKED)
    assert service.get(body["id"]).status_code == 200


@pytest.mark.parametrize("path", ["11111111-2222-3333-4444-555555555555", "7", "nothing"])
def test_what_is_not_there_is_a_problem(service: Service, path: str) -> None:
    assert problem(service.get(path))["status"] == 404


def test_target_tells_what_went_wrong_and_what_to_do(service: Service, editor: User, news: Chat) -> None:
    row = make_post(editor, news, now=service.now)
    publish(row, service.now)
    settle(targets(row)[0], Target.FAILED, now=service.now)
    [target] = service.get(str(row.pk)).json()["targets"]
    assert (target["state"], target["error_kind"]) == ("failed", "forbidden")
    assert "Новости" in target["detail"]
    assert (target["link"], target["is_current"]) == (None, None)


def test_target_that_arrived_has_a_link(service: Service, editor: User, news: Chat) -> None:
    row = make_post(editor, news, now=service.now)
    publish(row, service.now)
    settle(targets(row)[0], now=service.now, numbers=[7])
    [target] = service.get(str(row.pk)).json()["targets"]
    assert (target["state"], target["message_ids"], target["is_current"]) == ("sent", [7], True)
    assert target["link"].endswith("/7")


# --- changed --------------------------------------------------------------------------------------------------------


def test_only_what_is_named_is_changed(service: Service) -> None:
    body = service.created(pin=True, buttons=[[{"text": "Site", "url": "https://example.org"}]])
    changed = made(service.patch(body["id"], {"text": "Other words"}))
    assert (changed["text"], changed["entities"], changed["version"]) == ("Other words", [], 2)
    assert {**changed, **{name: body[name] for name in ("text", "entities", "markdown", "version", "title")}} == body


def test_null_takes_away_what_may_be_null(service: Service) -> None:
    body = service.created(delete_after_minutes=60)
    assert made(service.patch(body["id"], {"delete_after_minutes": None}))["delete_after_minutes"] is None


def test_text_may_become_a_poll_before_it_appeared(service: Service) -> None:
    body = service.created()
    assert made(service.patch(body["id"], {"text": "", "poll": POLL}))["kind"] == "poll"


def test_entities_need_their_text(service: Service) -> None:
    body = service.created()
    answer = service.patch(body["id"], {"entities": [{"type": "bold", "offset": 0, "length": 1}]})
    assert flaws(answer) == [("text", "missing")]


def test_author_stays(service: Service) -> None:
    assert flaws(service.patch(service.created()["id"], {"author": 1})) == [("author", "read-only")]


def test_change_of_an_older_version_is_refused(service: Service) -> None:
    body = service.created()
    assert service.patch(body["id"], {"pin": True}, If_Match='"1"').status_code == 200
    answer = service.patch(body["id"], {"pin": False}, If_Match='"1"')
    assert problem(answer)["status"] == 412
    assert Post.objects.get().pin


def test_what_goes_out_at_this_moment_is_not_changed(service: Service, editor: User, news: Chat) -> None:
    row = make_post(editor, news, now=service.now)
    publish(row, service.now)
    answer = service.patch(str(row.pk), {"text": "Other words"})
    assert flaws(answer, 409) == [("state", "sending-now")]
    assert "when it has arrived" in problem(answer)["detail"]


def test_what_has_appeared_is_edited_everywhere(service: Service, editor: User, news: Chat, team: Chat) -> None:
    row = make_post(editor, news, team, now=service.now)
    publish(row, service.now)
    for target in targets(row):
        settle(target, now=service.now)
    changed = made(service.patch(str(row.pk), {"text": "Corrected"}))
    assert [target["is_current"] for target in changed["targets"]] == [False, False]
    assert [one.content["do"] for one in deliveries(row) if "do" in one.content] == ["edit", "edit"]


def test_poll_that_has_appeared_stays(service: Service) -> None:
    body = service.created(text=None, poll=POLL)
    made(service.post(f"{body['id']}/publish"))
    settle(targets(post_of(body))[0], now=service.now)
    answer = service.patch(body["id"], {"poll": POLL | {"question": "Tea?"}})
    assert flaws(answer) == [("poll", "poll-stays")]


# --- removed, and once more -----------------------------------------------------------------------------------------


def test_draft_is_removed(service: Service) -> None:
    body = service.created()
    answer = service.delete(body["id"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert service.get(body["id"]).status_code == 404


def test_planned_post_is_removed_with_its_plan(service: Service) -> None:
    body = service.created()
    made(service.post(f"{body['id']}/schedule", {"planned_at": "2026-11-20T12:00:00Z"}))
    assert service.delete(body["id"]).status_code == 204
    assert made(service.get("status"))["jobs"] == []


def test_what_has_appeared_is_not_removed_but_the_way_is_told(service: Service, editor: User, news: Chat) -> None:
    row = make_post(editor, news, now=service.now)
    publish(row, service.now)
    settle(targets(row)[0], now=service.now)
    answer = service.delete(str(row.pk))
    assert flaws(answer, 409) == [("state", "published")]
    assert fresh(row).state == State.PUBLISHED


def test_removal_of_an_older_version_is_refused(service: Service) -> None:
    body = service.created()
    service.patch(body["id"], {"pin": True})
    assert service.delete(body["id"], If_Match='"1"').status_code == 412
    assert service.delete(body["id"], If_Match='"2"').status_code == 204


def test_post_is_repeated_as_a_draft(service: Service, editor: User, news: Chat) -> None:
    row = make_post(editor, news, now=service.now, text="Every week", pin=True)
    publish(row, service.now)
    settle(targets(row)[0], now=service.now)
    service.now += timedelta(days=7)
    body = made(service.post(f"{row.pk}/repeat"), 201)
    assert (body["state"], body["text"], body["pin"], body["repeat_of"]) == ("draft", "Every week", True, str(row.pk))
    assert [one["state"] for one in body["targets"]] == ["waiting"]


def test_webhook_of_the_key_that_repeats_a_post_hears_of_it(service: Service, editor: User, news: Chat) -> None:
    row = make_post(editor, news, now=service.now)
    create_webhook(service.key, "https://site.example/in", by=None, via="admin", now=service.now)
    body = made(service.post(f"{row.pk}/repeat"), 201)
    again = Post.objects.get(pk=body["id"])
    publish(again, service.now)
    settle(targets(again)[0], now=service.now)

    event = Delivery.objects.get(backend="webhook").content
    assert (event["event"], event["payload"]["post_id"]) == ("post.published", body["id"])


def test_post_of_one_who_may_not_post_any_more_is_not_repeated(service: Service, editor: User) -> None:
    body = service.created()
    User.objects.filter(pk=editor.pk).update(role=Role.MEMBER)
    assert flaws(service.post(f"{body['id']}/repeat")) == [("author", "may-not-post")]

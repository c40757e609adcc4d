"""A model drafts, proposes, lists and cancels posts on behalf of an editor, who alone publishes."""

from datetime import datetime
from typing import Any

import pytest

from accounts.models import AuditEntry, Chat, Role, User
from delivery.models import Delivery
from llm.toolbox import Asked, ToolError, find, offered
from posts import tools
from posts.models import Post, State
from tests.house import BOT
from tests.posts import making


@pytest.fixture
def by(editor: User, news: Chat, now: datetime) -> Asked:
    """Лена asks in her private chat."""
    return Asked(editor, Chat.objects.get(bot_id=BOT, telegram_id=editor.telegram_id or 0), now)


def said(user: User) -> list[dict[str, Any]]:
    """What is about to be shown to a person."""
    rows = Delivery.objects.filter(chat_id=user.telegram_id).order_by("id")
    return [row.content.get("params", row.content) for row in rows]


def buttons(params: dict[str, Any]) -> list[str]:
    return [key["text"] for row in params["reply_markup"]["inline_keyboard"] for key in row]


NAMES = ("draft_post", "list_posts", "propose_post_time", "cancel_post")


@pytest.mark.parametrize("name", NAMES)
def test_tools_of_posts_are_for_editors_and_admins(name: str, db: None, settings: Any) -> None:
    users = [User(username=str(role), role=role) for role in Role]

    assert [bool(offered([name], user, Chat())) for user in users] == [False, True, True]
    assert name not in settings.DIALOG_TOOLS


def test_only_cancelling_is_done_and_that_after_a_yes() -> None:
    cancel = find("cancel_post")
    assert cancel is not None
    assert cancel.destructive
    assert cancel.asks({"id": "abcd", "text": "Sale"}) == "Cancel the post “Sale”"
    assert find("cancel_post", in_task=True) is None  # nobody is there to say it


def test_draft_is_neither_planned_nor_published(by: Asked) -> None:
    told = tools._draft(by, {"text": "**Sale** tomorrow", "where": ["Новости"]})

    row = Post.objects.get()
    assert (row.state, row.text, row.author) == (State.DRAFT, "Sale tomorrow", by.user)
    assert row.entities == [{"type": "bold", "offset": 0, "length": 4}]
    assert making.states(row) == ["waiting"]
    assert told.startswith(f"Drafted, neither planned nor published: [{str(row.pk)[:8]}] · draft · Новости")
    assert "Do not say that it is planned or published." in told


def test_person_sees_the_post_and_its_card(by: Asked) -> None:
    tools._draft(by, {"text": "Sale", "where": ["Новости"]})

    preview, card = said(by.user)
    assert preview["post"] == str(Post.objects.get().pk)
    assert card["text"].startswith("📝 Sale\n")
    assert "🚀 Publish now" in buttons(card)


def test_time_is_proposed_for_a_tap(by: Asked) -> None:
    tools._draft(by, {"text": "Sale", "where": ["Новости"], "when": "2026-12-31T18:00"})

    assert "Thursday, 31 December 2026, 18:00 (Europe/Moscow, UTC+3)" in said(by.user)[-1]["text"]
    assert buttons(said(by.user)[-1])[0] == "✅ Yes, plan it"
    assert Post.objects.get().state == State.DRAFT


def test_buttons_are_checked_like_a_persons(by: Asked) -> None:
    with pytest.raises(ToolError, match="Button 1 needs an address"):
        tools._draft(by, {"text": "Sale", "buttons": [{"text": "Buy", "url": "javascript:alert(1)"}]})
    assert not Post.objects.exists()


def test_same_draft_a_moment_later_is_the_same_draft(by: Asked) -> None:
    tools._draft(by, {"text": "Sale"})
    again = tools._draft(by, {"text": "Sale"})

    assert again.startswith("It exists already, nothing was made")
    assert Post.objects.count() == 1


@pytest.mark.parametrize("title", ["Новости", "новости", "«Новости»", "Новос"])
def test_chat_is_found_by_its_title(by: Asked, news: Chat, title: str) -> None:
    assert tools._chat(title) == news


def test_unknown_and_ambiguous_titles_are_told_with_what_there_is(by: Asked, news: Chat) -> None:
    making.channel(-1001, "Новости спорта")
    with pytest.raises(
        ToolError, match=r"Several chats have this name: “ново”. There are: “Новости”, “Новости спорта”"
    ):
        tools._chat("ново")
    with pytest.raises(ToolError, match="No channel or group is known by this name: “Погода”"):
        tools._chat("Погода")


@pytest.mark.parametrize(
    ("when", "why"), [("now", "Leave “when” out"), ("soonish", "not clear"), ("2020-01-01T10:00", "has passed")]
)
def test_unclear_time_makes_no_draft(by: Asked, when: str, why: str) -> None:
    with pytest.raises(ToolError, match=why):
        tools._draft(by, {"text": "Sale", "when": when})
    assert not Post.objects.exists()


def test_in_a_group_nothing_is_drafted(by: Asked, team: Chat) -> None:
    with pytest.raises(ToolError, match="private chat"):
        tools._draft(Asked(by.user, team, by.now), {"text": "Sale"})


def test_who_may_not_post_any_more_drafts_nothing(by: Asked) -> None:
    by.user.role = Role.MEMBER
    with pytest.raises(ToolError, match="may not post"):
        tools._draft(by, {"text": "Sale"})


def test_list_names_id_state_time_place_and_words(by: Asked, news: Chat, now: datetime) -> None:
    making.planned(by.user, news, at=datetime(2026, 12, 31, 18, 0), now=now, text="Sale")

    [line] = tools._list(by, {}).splitlines()
    assert line.startswith(f"[{str(Post.objects.get().pk)[:8]}] · scheduled · Thursday, 31 December 2026, 18:00")
    assert line.endswith("Новости · “Sale”")
    assert tools._list(by, {"which": "drafts"}) == "There are none."


def test_another_time_is_proposed_and_the_plan_stays(by: Asked, news: Chat, now: datetime) -> None:
    row = making.planned(by.user, news, at=datetime(2026, 12, 31, 18, 0), now=now)
    told = tools._propose(by, {"id": str(row.pk)[:8], "when": "2026-12-31T19:00"})

    assert told.startswith("Proposed, not planned: Thursday, 31 December 2026, 19:00")
    assert "19:00" in said(by.user)[-1]["text"]
    assert making.fresh(row).planned_at == row.planned_at


def test_two_proposals_at_once_are_two_cards(by: Asked, news: Chat, now: datetime) -> None:
    row = making.make_post(by.user, news, now=now)
    for when in ("2026-12-01T10:00", "2026-12-01T18:00"):
        tools._propose(by, {"id": str(row.pk), "when": when})

    assert [("10:00" in params["text"], "18:00" in params["text"]) for params in said(by.user)] == [
        (True, False), (False, True)
    ]  # fmt: skip


def test_what_is_published_gets_no_new_time(by: Asked, news: Chat, now: datetime) -> None:
    row = making.make_post(by.user, news, now=now)
    making.publish(row, now)
    with pytest.raises(ToolError, match="has been published, or is going out"):
        tools._propose(by, {"id": str(row.pk), "when": "2026-12-31T19:00"})


def test_cancel_needs_the_words_that_the_person_was_shown(by: Asked, news: Chat, now: datetime) -> None:
    row = making.planned(by.user, news, at=datetime(2026, 12, 31, 18, 0), now=now, text="Sale")
    with pytest.raises(ToolError, match="is another one"):
        tools._cancel(by, {"id": str(row.pk)[:8], "text": "Party"})

    told = tools._cancel(by, {"id": str(row.pk)[:8], "text": "“Sale”", "reason": "Sold out"})

    row = making.fresh(row)
    assert told.startswith("Cancelled:")
    assert (row.state, row.status_reason) == (State.CANCELLED, "Sold out")
    assert AuditEntry.objects.filter(action="post.cancelled", via="tool", actor=by.user).exists()


def test_other_editors_post_is_not_cancelled(by: Asked, news: Chat, now: datetime) -> None:
    other = making.editor(105, "Мила")
    row = making.planned(other, news, at=datetime(2026, 12, 31, 18, 0), now=now)
    with pytest.raises(ToolError, match="another person's"):
        tools._cancel(by, {"id": str(row.pk), "text": "Hello"})


@pytest.mark.parametrize("ident", ["zzzzzzzz", "a", ""])
def test_unknown_id_is_told(by: Asked, ident: str) -> None:
    with pytest.raises(ToolError, match="no post with this id"):
        tools._found(by, ident)

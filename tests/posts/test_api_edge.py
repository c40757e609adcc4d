"""Another program and the running bot: what is asked for over REST is what appears in the chats of the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from django.utils import timezone
from pytest_django import Settings

from tests.house import ANNA, TEAM, House
from tests.posts.files import png
from tests.posts.making import NEWS, said, shown
from tests.posts.rest import Service, made

pytestmark = pytest.mark.django_db(transaction=True)

BOTH = [{"chat_id": NEWS}, {"chat_id": TEAM}]


class Program:
    """Calls the site in a thread, as a web process would; the bot is left to find what is to do."""

    def __init__(self, house: House, service: Service) -> None:
        self.house, self.service = house, service

    async def __call__(self, method: str, path: str = "", body: Any = None, status: int = 200, **headers: str) -> Any:
        answer = await self.house.db(self.service.call, method, path, body, **headers)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    async def published(self, **changed: Any) -> Any:
        """A post of Анна's, written and published; all that follows has happened."""
        wish = {"author": ANNA, "text": "Hello **all**", "targets": BOTH} | changed
        post = await self("POST", "", {name: value for name, value in wish.items() if value is not None}, 201)
        await self("POST", f"{post['id']}/publish")
        async with asyncio.timeout(60):
            while (post := await self("GET", post["id"]))["state"] == "publishing":
                await asyncio.sleep(0.02)
        await self.house.quiet()
        return post

    async def uploaded(self, content: bytes) -> str:
        return str(made(await self.house.db(self.service.upload, content, "picture.png"), 201)["id"])


@pytest_asyncio.fixture
async def program(
    house: House, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> AsyncIterator[Program]:
    settings.FILES_DIR = tmp_path
    service = await house.db(Service, monkeypatch, timezone.now())
    monkeypatch.undo()  # here the clock goes
    yield Program(house, service)


async def test_post_appears_in_its_chats_and_tells_where(house: House, program: Program) -> None:
    post = await program.published()
    assert (said(house, NEWS), said(house, TEAM)) == (["Hello all"], ["Hello all"])
    assert (post["state"], [target["state"] for target in post["targets"]]) == ("published", ["sent", "sent"])
    numbers = [shown(house, chat)[-1]["message_id"] for chat in (NEWS, TEAM)]
    assert [target["message_ids"] for target in post["targets"]] == [[number] for number in numbers]
    assert post["targets"][0]["link"] == f"https://t.me/c/1000000003/{numbers[0]}"


async def test_what_the_dry_run_showed_is_what_leaves(house: House, program: Program) -> None:
    buttons = [[{"text": "Site", "url": "https://example.org/"}]]
    wish = {"author": ANNA, "text": "**Sale** at _noon_", "targets": BOTH[:1], "buttons": buttons, "silent": True}
    post = await program("POST", "", wish, 201)
    tried = await program("POST", f"{post['id']}/publish?dry_run=true")
    await program("POST", f"{post['id']}/publish")
    await house.quiet()
    [call] = house.calls("sendMessage", NEWS)
    assert {**call.params, "chat_id": NEWS} == tried["preview"][0]["params"]


async def test_album_is_brought_once_and_shown_twice(house: House, program: Program) -> None:
    media = [{"id": await program.uploaded(png(8, 6))}, {"id": await program.uploaded(png(9, 6)), "text": "*two*"}]
    post = await program.published(text="One", media=media)
    assert post["state"] == "published"
    assert [len(target["message_ids"]) for target in post["targets"]] == [2, 2]
    assert said(house, NEWS) == said(house, TEAM) == ["One", "two"]


async def test_quiz_appears_as_one(house: House, program: Program) -> None:
    poll = {"question": "2 + 2?", "options": ["3", "4"], "quiz": True, "correct": [1], "explanation": "Count."}
    await program.published(text=None, poll=poll, targets=BOTH[:1])
    [message] = shown(house, NEWS)
    assert (message["poll"]["type"], message["poll"]["question"]) == ("quiz", "2 + 2?")


async def test_change_arrives_everywhere(house: House, program: Program) -> None:
    post = await program.published()
    changed = await program("PATCH", post["id"], {"text": "Corrected"})
    assert [target["is_current"] for target in changed["targets"]] == [False, False]
    await house.quiet()
    assert (said(house, NEWS), said(house, TEAM)) == (["Corrected"], ["Corrected"])
    post = await program("GET", post["id"])
    assert [target["is_current"] for target in post["targets"]] == [True, True]


async def test_post_is_taken_out_of_the_chats_and_its_record_stays(house: House, program: Program) -> None:
    post = await program.published()
    await program("DELETE", post["id"], status=409)
    await program("POST", f"{post['id']}/delete-everywhere")
    await house.quiet()
    assert (said(house, NEWS), said(house, TEAM)) == ([], [])
    post = await program("GET", post["id"])
    assert [target["state"] for target in post["targets"]] == ["deleted", "deleted"]


async def test_chat_that_refuses_it_is_named_and_sent_to_again_alone(house: House, program: Program) -> None:
    house.fault("sendMessage", "400", times=1, chat_id=TEAM, description="Bad Request: CHAT_RESTRICTED")
    post = await program.published()
    assert (post["state"], [target["state"] for target in post["targets"]]) == ("partial", ["sent", "failed"])
    assert "Telegram refused it" in post["targets"][1]["detail"]
    await program("POST", f"{post['id']}/retry")
    await house.quiet()
    assert (said(house, NEWS), said(house, TEAM)) == (["Hello all"], ["Hello all"])
    assert (await program("GET", post["id"]))["state"] == "published"


async def test_what_broke_off_is_not_sent_twice_until_a_person_says_so(house: House, program: Program) -> None:
    house.fault("sendMessage", "cut_after", chat_id=NEWS)
    post = await program.published(targets=BOTH[:1])
    [target] = post["targets"]
    assert (post["state"], target["state"]) == ("error", "unknown")
    assert said(house, NEWS) == ["Hello all"]
    await program("POST", f"{post['id']}/retry", status=409)
    there = await program("POST", f"{post['id']}/targets/{target['id']}/resolve", {"outcome": "there"})
    await house.quiet()
    assert there["state"] == "sent"
    assert said(house, NEWS) == ["Hello all"]


async def test_author_is_told_of_what_a_program_published(house: House, program: Program) -> None:
    await program.published()
    assert any("Hello all" in text for text in house.heard(ANNA))

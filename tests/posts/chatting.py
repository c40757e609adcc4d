"""What editors do with posts in the chat, for tests that read like one."""

from typing import Any

from django.utils import timezone

from posts import services
from posts.content import Place
from posts.models import Post
from sandbox.telegram.files import Upload
from tests.house import ANNA, House
from tests.posts import making
from tests.posts.files import PDF, gif, png


def photo(number: int = 1) -> tuple[str, Upload]:
    return "photo", Upload(f"{number}.png", "image/png", png(filler=bytes([number])))


def document(number: int = 1) -> tuple[str, Upload]:
    return "document", Upload(f"{number}.pdf", "application/pdf", PDF + bytes([number]))


def animation() -> tuple[str, Upload]:
    return "animation", Upload("cat.gif", "image/gif", gif())


async def say(house: House, text: str = "", user: int = ANNA, **more: Any) -> dict[str, Any]:
    """A person writes, and all that follows has happened; their message."""
    message = house.say(user, text, **more)
    await house.quiet()
    return message


async def send(house: House, *files: tuple[str, Upload], text: str = "", user: int = ANNA) -> dict[str, Any]:
    """A file, or an album; its first message."""
    said = (
        house.world.album(user, list(files), text) if len(files) > 1 else [house.world.say(user, text, file=files[0])]
    )
    await house.quiet()
    return dict(said[0].message)


async def press(house: House, label: str, user: int = ANNA) -> str:
    """Press the button under the bot's newest message that has it; the toast."""
    message = next(one for one in reversed(house.messages(user)) if label_of(one, label))
    pressed = house.world.press(user, message["message_id"], label_of(message, label))
    await house.until(lambda: pressed.answered)
    await house.quiet()
    return str(house.calls("answerCallbackQuery")[-1].params.get("text", ""))


def label_of(message: dict[str, Any], label: str) -> str:
    """The data of the button that begins, or after its sign, with ``label``; empty when there is none."""
    for row in message.get("reply_markup", {}).get("inline_keyboard", []):
        for button in row:
            if button["text"].startswith(label) or button["text"].partition(" ")[2].startswith(label):
                return str(button.get("callback_data", ""))
    return ""


def labels(house: House, user: int = ANNA) -> list[str]:
    """Those under the newest message."""
    rows = house.messages(user)[-1].get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


def card(house: House, user: int = ANNA) -> str:
    """What the bot's newest message says."""
    newest = house.messages(user)[-1]
    return str(newest.get("text", newest.get("caption", "")))


def posts() -> list[Post]:
    """All of them, oldest first."""
    return list(Post.objects.select_related("author", "schedule").order_by("created_at"))


async def the_only(house: House) -> Post:
    [row] = await house.db(posts)
    return row


async def drafted(house: House, text: str = "Hello", *chats: int) -> Post:
    """Анна makes a draft of a text, for those chats."""
    await say(house, f"/post {text}")
    row = (await house.db(posts))[-1]
    if chats:
        await house.db(_place, row, chats)
        await say(house, "/posts")
        await press(house, text)
    return row


def _place(row: Post, chats: tuple[int, ...]) -> None:
    places = [Place(making.chat_of(chat)) for chat in chats]
    services.change_post(row, places=places, by=row.author, via="chat", now=timezone.now())

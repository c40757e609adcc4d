"""Files that came by Telegram, kept here as well."""

from typing import Any

from django.utils import timezone

from accounts.models import User
from delivery.models import Delivery
from posts import loading, services
from posts.content import Medium
from posts.models import Post, PostMedia
from posts.services import media
from sandbox.telegram.files import Upload
from tests.house import BOT, House
from tests.posts import files, making
from tests.posts.making import NEWS


def sent(house: House, content: bytes, kind: str = "photo", size: int | None = None) -> Medium:
    """What a message with a file brings."""
    there = house.world.files.store(kind, Upload("a.png", "image/png", content), size)
    return Medium(kind, telegram_file_id=there.file_id, bot_id=BOT, name="a.png", size=there.size)


def medium_of(post: Post) -> PostMedia:
    return PostMedia.objects.select_related("file").get(post=post)


async def test_file_of_a_draft_is_kept_after_it_is_made(house: House) -> None:
    post = await house.db(making.post_to, NEWS, media=[sent(house, files.png())])
    await house.quiet()

    medium = await house.db(medium_of, post)
    assert medium.file is not None
    assert (medium.mime, medium.file.mime) == ("image/png", "image/png")
    assert medium.file.telegram_ids == {f"{BOT}:photo": medium.telegram_file_id}


async def test_kept_file_still_goes_by_telegrams_id(house: House) -> None:
    picture = sent(house, files.png())
    post = await house.db(making.post_to, NEWS, media=[picture])
    await house.quiet()
    await house.db(making.publish, post)
    await house.quiet()
    assert [call.params["photo"] for call in house.calls("sendPhoto")] == [picture.telegram_file_id]


async def test_two_files_of_a_person_are_not_taken_for_each_other(house: House) -> None:
    first = await house.db(making.post_to, NEWS, text="1", media=[sent(house, files.png(8, 6))])
    second = await house.db(making.post_to, NEWS, text="2", media=[sent(house, files.png(8, 7))])
    await house.quiet()
    one, two = [await house.db(medium_of, post) for post in (first, second)]
    assert one.file != two.file


async def test_file_that_is_too_large_stays_with_telegram(house: House) -> None:
    large = sent(house, files.MP4, "video", 30 * 1024 * 1024)
    post = await house.db(making.post_to, NEWS, media=[large])
    await house.quiet()
    assert (await house.db(medium_of, post)).file is None
    assert house.calls("getFile") == []

    await house.db(making.publish, post)
    await house.quiet()
    assert await house.db(making.states, post) == ["sent"]


async def test_file_that_cannot_be_loaded_is_nobodys_news(house: House) -> None:
    unknown = Medium("photo", telegram_file_id="nobody-knows", bot_id=BOT)
    await house.db(making.post_to, NEWS, media=[unknown])
    await house.quiet()
    assert await house.db(lambda: Delivery.objects.get(backend="post_file").state) == "sent"


async def test_draft_that_is_gone_meanwhile_is_let_be(house: House) -> None:
    house.fault("getFile", "slow", seconds=0.3)
    post = await house.db(making.post_to, NEWS, media=[sent(house, files.png())])

    def delete() -> Any:
        return services.delete_draft(post, by=making.anna(), via="chat", now=timezone.now())

    await house.db(delete)
    await house.quiet()
    assert await house.db(PostMedia.objects.count) == 0


def test_uploaded_file_is_not_loaded(editor: User) -> None:
    picture = media.from_bytes(editor, files.png(), "a.png", timezone.now())
    post = making.make_post(editor, media=[picture])
    assert not loading.fetch_later(post, timezone.now())
    assert Delivery.objects.count() == 0

"""Files of posts, and the time of other files."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Chat, User
from files import services as stored
from files.models import StoredFile
from posts import own_data, services
from posts.models import Post, PostMedia, State
from posts.services import holding, media
from tests.house import BOT
from tests.posts import files, making

DAY = timedelta(days=1)


def with_file(editor: User, *chats: Chat, state: State = State.DRAFT) -> StoredFile:
    """A post with a picture whose time is over tomorrow."""
    now = timezone.now()
    picture = media.from_bytes(editor, files.png(), "a.png", now)
    post = making.make_post(editor, *chats, media=[picture])
    Post.objects.filter(pk=post.pk).update(state=state)
    StoredFile.objects.update(expires_at=now + DAY)
    return StoredFile.objects.get()


def housekeeping(days: int) -> None:
    """As it goes each day."""
    for day in range(days):
        now = timezone.now() + day * DAY
        holding.hold_files(now)
        stored.remove_expired(now)


@pytest.mark.parametrize("state", ["draft", "scheduled", "held", "publishing", "partial", "error"])
def test_file_of_a_post_that_may_go_out_is_kept(editor: User, state: State) -> None:
    file = with_file(editor, state=state)
    housekeeping(200)
    assert stored.path_of(file).exists()
    assert PostMedia.objects.get().file == file


@pytest.mark.parametrize("state", ["published", "expired", "cancelled"])
def test_file_of_a_post_that_is_over_goes_in_its_time(editor: User, state: State) -> None:
    file = with_file(editor, state=state)
    housekeeping(3)
    assert not stored.path_of(file).exists()
    assert PostMedia.objects.get().file is None


def test_file_goes_in_its_time_when_its_post_is_deleted(editor: User) -> None:
    file = with_file(editor)
    services.delete_draft(Post.objects.get(), by=editor, via="chat", now=timezone.now())
    housekeeping(3)
    assert not stored.path_of(file).exists()


def test_post_that_is_over_keeps_telegrams_id_and_can_be_repeated(editor: User, news: Chat) -> None:
    file = with_file(editor, news, state=State.PUBLISHED)
    stored.remember_sent(file.pk, f"{BOT}:photo", "id")
    housekeeping(3)

    again = services.repeat_post(Post.objects.get(), by=editor, via="chat", now=timezone.now())
    medium = again.media.get()
    assert (medium.file, medium.telegram_file_id, medium.bot_id) == (None, "id", BOT)
    assert services.check_post(again, timezone.now()) == []


def test_file_that_was_let_go_by_a_dialog_stays_with_the_draft(editor: User, settings: Settings) -> None:
    settings.KEEP_FILES_DAYS = 0
    file = with_file(editor)
    StoredFile.objects.update(expires_at=timezone.now() - DAY)
    housekeeping(10)
    assert stored.path_of(file).exists()


def test_file_without_an_end_is_let_be(editor: User) -> None:
    with_file(editor)
    StoredFile.objects.update(expires_at=None)
    assert holding.hold_files(timezone.now()) == 0


def test_files_of_one_who_wants_to_be_forgotten_go_with_the_drafts(editor: User) -> None:
    file = with_file(editor)
    for step in own_data.steps(editor, timezone.now()):
        step()
    file.refresh_from_db()
    assert (Post.objects.count(), file.name) == (0, "")
    stored.remove_expired(timezone.now() + DAY)
    assert not stored.path_of(file).exists()

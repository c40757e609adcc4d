"""Keeping files: where they lie, who has which, and when they go."""

import os
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from delivery.jobs import housekeeping
from files import services
from files.errors import FileError
from files.extraction import Extracted
from files.forgetting import let_go
from files.models import StoredFile

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.FILES_DIR = tmp_path
    return tmp_path


def on_disk(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_file_lies_in_the_folder_of_its_day_under_a_random_name(member: User, now: datetime, folder: Path) -> None:
    stored = services.store_bytes(member, b"hello", "../../etc/pass wd.txt", now)

    assert stored.path.startswith("2026/11/20/")
    assert "pass" not in stored.path
    assert (stored.name, stored.mime, stored.size) == ("pass wd.txt", "text/plain", 5)
    assert services.path_of(stored).read_bytes() == b"hello"
    assert on_disk(folder) == [services.path_of(stored)]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("..\\..\\a.txt", "a.txt"),
        ("/etc/passwd", "passwd"),
        ("C:\\a\x00b.txt", "ab.txt"),
        ("a\u202etxt.exe", "atxt.exe"),
        ("..", ".."),
        ("", ""),
        ("x" * 300, "x" * 255),
    ],
)
def test_name_is_made_safe(name: str, safe: str) -> None:
    assert services.safe_name(name) == safe


def test_same_content_of_one_person_is_one_row(member: User, now: datetime, folder: Path) -> None:
    first = services.store_bytes(member, b"hello", "a.txt", now)
    again = services.store_bytes(member, b"hello", "b.txt", now + timedelta(days=1))

    assert again.pk == first.pk
    assert (again.name, again.path) == ("b.txt", first.path)
    assert again.expires_at == now + timedelta(days=91)
    assert len(on_disk(folder)) == 1


def test_same_content_of_two_people_is_one_file_that_goes_with_the_last(
    member: User, admin: User, now: datetime, folder: Path
) -> None:
    first = services.store_bytes(member, b"hello", "a.txt", now)
    services.keep_text(first, Extracted("hello"))
    second = services.store_bytes(admin, b"hello", "b.txt", now + timedelta(days=1))
    assert first.pk != second.pk
    assert (first.path, second.text, second.text_error) == (second.path, "hello", "")

    assert services.remove_expired(now + timedelta(days=90, hours=1)) == 1
    assert services.path_of(second).exists()
    assert services.remove_expired(now + timedelta(days=92)) == 1
    assert on_disk(folder) == []
    assert not StoredFile.objects.exists()


def test_zero_bytes_are_not_kept(member: User, now: datetime, folder: Path) -> None:
    with pytest.raises(FileError):
        services.store_bytes(member, b"", "a.txt", now)

    assert on_disk(folder) == []
    assert not StoredFile.objects.exists()


def test_file_known_to_telegram_is_found_while_it_is_on_the_disk(member: User, admin: User, now: datetime) -> None:
    path = services.incoming_path()
    path.write_bytes(b"hello")
    stored = services.store(member, services.measure(path, "a.txt"), now, "AgAD")

    found = services.known(member, "AgAD", "a.txt", now + timedelta(days=5))
    assert found == stored
    assert found is not None
    assert found.expires_at == now + timedelta(days=95)
    assert services.known(admin, "AgAD", "a.txt", now) is None
    services.path_of(stored).unlink()
    assert services.known(member, "AgAD", "a.txt", now) is None


def test_file_that_was_let_go_has_its_name_again_when_it_comes_back(member: User, now: datetime) -> None:
    path = services.incoming_path()
    path.write_bytes(b"hello")
    stored = services.store(member, services.measure(path, "a.txt"), now, "AgAD")
    services.keep_text(stored, Extracted("hello"))
    let_go(StoredFile.objects.all(), now)

    found = services.known(member, "AgAD", "../a.txt", now)
    assert found is not None
    assert (found.name, found.text, found.text_error) == ("a.txt", "", None)
    assert services.remove_expired(now + timedelta(days=1)) == 0


@pytest.mark.django_db(transaction=True)
def test_same_picture_twice_in_an_album_is_one_row(member: User, now: datetime) -> None:
    """Two threads keep it at the same moment."""
    ready = threading.Barrier(2)
    kept: list[int] = []

    def keep() -> None:
        try:
            path = services.incoming_path()
            path.write_bytes(b"hello")
            measured = services.measure(path, "a.txt")
            ready.wait(60)
            kept.append(services.store(member, measured, now).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=keep) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert kept == [StoredFile.objects.get().pk] * 2


def test_file_that_was_lost_on_the_disk_comes_back(member: User, now: datetime) -> None:
    stored = services.store_bytes(member, b"hello", "a.txt", now)
    services.path_of(stored).unlink()

    again = services.store_bytes(member, b"hello", "a.txt", now)

    assert services.path_of(again).read_bytes() == b"hello"


def test_hourly_housekeeping_removes_what_is_past_its_time(member: User, folder: Path) -> None:
    services.store_bytes(member, b"old", "a.txt", timezone.now() - timedelta(days=91))
    kept = services.store_bytes(member, b"new", "b.txt", timezone.now())

    housekeeping()

    assert StoredFile.objects.get() == kept
    assert on_disk(folder) == [services.path_of(kept)]


def test_what_was_left_on_its_way_in_goes_after_a_day(now: datetime, folder: Path) -> None:
    fresh, old = services.incoming_path(), services.incoming_path()
    for path in (fresh, old):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 90_000,) * 2)

    services.remove_expired(now)

    assert on_disk(folder) == [fresh]


def test_file_that_is_kept_while_the_folder_is_read_is_no_trouble(
    now: datetime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.incoming_path().write_bytes(b"x")
    listed = Path.iterdir

    def kept_meanwhile(path: Path) -> Iterator[Path]:
        for found in list(listed(path)):
            found.unlink()
            yield found

    monkeypatch.setattr(Path, "iterdir", kept_meanwhile)
    services.remove_expired(now)
    assert list(listed(folder / "incoming")) == []


def test_what_lies_in_a_days_folder_without_a_row_goes_after_a_day(member: User, now: datetime, folder: Path) -> None:
    """A process died between the move of a file and its commit."""
    kept = services.path_of(services.store_bytes(member, b"hello", "a.txt", now - timedelta(days=2)))
    nobodys = kept.with_name("nobodys")
    nobodys.write_bytes(b"x")
    for path in (kept, nobodys):
        os.utime(path, (time.time() - 90_000,) * 2)

    services.remove_expired(now)

    assert on_disk(folder) == [kept]


def test_limit_is_the_roles_but_never_above_the_general_one(member: User, admin: User, settings: Settings) -> None:
    settings.MAX_FILE_MB = 10
    settings.MAX_FILE_MB_OF_ROLE = {"member": 5, "editor": 5, "admin": 50}

    assert services.limit_of(member) == 5 * 1024 * 1024
    assert services.limit_of(admin) == 10 * 1024 * 1024


def test_files_are_kept_for_ever_if_the_operator_wants_so(member: User, now: datetime, settings: Settings) -> None:
    settings.KEEP_FILES_DAYS = 0
    services.store_bytes(member, b"hello", "a.txt", now)

    assert services.remove_expired(now + timedelta(days=9999)) == 0

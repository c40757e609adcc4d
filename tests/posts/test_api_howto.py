"""docs/howto/posts-from-another-service.md: what it tells to send is taken, and what it says comes back."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Chat, User
from delivery import hooks
from posts.models import Post, State
from posts.services import news as announced
from tests.posts.files import png
from tests.posts.making import Target, settle, targets
from tests.posts.rest import Service, made
from tests.rest.calling import flaws

pytestmark = pytest.mark.django_db

PAGE = Path(settings.BASE_DIR, "docs", "howto", "posts-from-another-service.md").read_text(encoding="utf-8")
CALLS = [
    shlex.split(line)
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.replace("\\\n", "").splitlines()
    if line.startswith("curl")
]
WISHES = [json.loads(body) for body in re.findall(r"-d '(\{\"author\".*\})'", PAGE)]
[PROGRAM] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(autouse=True)
def _people(editor: User, news: Chat, tmp_path: Path, settings: Any) -> None:
    """Who may post, and where."""
    settings.FILES_DIR = tmp_path


def sent(service: Service, call: list[str], **known: str) -> Any:
    """A line of the page, as curl would send it; ``known`` are its variables."""
    body = call[call.index("-d") + 1] if "-d" in call else None
    method = call[call.index("-X") + 1] if "-X" in call else "POST" if body else "GET"
    path = next(part for part in call if part.startswith("$SITE")).removeprefix("$SITE").removeprefix("/")
    for name, value in known.items():
        path = path.replace(f"${name}", value)
    headers = [call[number + 1] for number, part in enumerate(call) if part == "-H"]
    named = dict(header.split(": ", 1) for header in headers)
    kept = {name: value for name, value in named.items() if name in ("Idempotency-Key", "If-Match")}
    return service.call(method, path, body, **kept)


def calls(part: str) -> list[list[str]]:
    return [call for call in CALLS if any(part in word for word in call)]


def test_page_has_what_is_tested_here() -> None:
    assert (len(WISHES), len(CALLS)) == (3, 22)


def test_wishes_of_the_page_are_granted(service: Service) -> None:
    for wish in WISHES:
        if "media" in wish:
            wish["media"] = [{"id": service.uploaded(png())}]
        assert service.post("", wish).status_code == 201


def test_same_line_twice_makes_one_post(service: Service) -> None:
    [call] = calls("Idempotency-Key")
    assert [sent(service, call).status_code for _time in range(2)] == [201, 200]
    assert Post.objects.count() == 1


def test_plans_of_the_page_are_made(service: Service) -> None:
    number = service.created()["id"]
    states = [made(sent(service, call, ID=number))["planned_at"] for call in calls("/schedule")]
    assert states == ["2027-04-06T07:30:00Z", "2027-04-06T12:00:00Z"]
    [cancel], [publish] = calls("/cancel"), calls("/publish")
    assert made(sent(service, cancel, ID=number))["status_reason"] == "Sold out"
    assert made(sent(service, publish, ID=number))["state"] == "publishing"


def test_repairs_of_the_page_work(service: Service) -> None:
    number = service.created()["id"]
    row = Post.objects.get(pk=number)
    for state, part in ((Target.FAILED, "/retry"), (Target.UNKNOWN, '"again"'), (Target.UNKNOWN, '"there"')):
        service.post(f"{number}/publish")
        [target] = targets(row)
        settle(target, state, now=service.now)
        [call] = calls(part)
        made(sent(service, call, ID=number, TARGET=str(target.pk)))
    assert made(service.get(number))["state"] == "published"


def test_changes_of_the_page_are_made(service: Service) -> None:
    number = service.created()["id"]
    service.patch(number, {"pin": True})
    service.patch(number, {"pin": False})
    [patch] = [call for call in CALLS if "PATCH" in call]
    [put] = [call for call in CALLS if "PUT" in call]
    [delete] = [call for call in CALLS if "DELETE" in call]
    [again] = calls("/repeat")
    assert made(sent(service, patch, ID=number))["text"] == "Sale! Until Friday."
    assert made(sent(service, put, ID=number))["items"]
    assert made(sent(service, again, ID=number), 201)["state"] == "draft"
    assert sent(service, delete, ID=number).status_code == 204


def test_what_has_appeared_is_taken_away_as_the_page_says(service: Service) -> None:
    number = service.created(text=None, poll=WISHES[1]["poll"])["id"]
    service.post(f"{number}/publish")
    settle(targets(Post.objects.get(pk=number))[0], now=service.now)
    for part in ("/stop-poll", "/delete-everywhere"):
        [call] = calls(part)
        assert made(sent(service, call, ID=number))["targets"] == 1


def test_questions_of_the_page_are_answered(service: Service) -> None:
    asked = [call for call in CALLS if "-d" not in call and "-X" not in call and "-F" not in call]
    assert len(asked) == 5
    for call in asked:
        assert sent(service, call).status_code == 200


def test_error_of_the_page_is_what_comes(service: Service) -> None:
    [shown] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    answer = service.create(text="")
    assert answer.json() == json.loads(shown)
    assert flaws(answer) == [("text", "empty")]


def test_states_of_the_page_are_all_there_are() -> None:
    rows = re.findall(r"^\| (`[a-z]+`(?:, `[a-z]+`)*) \|", PAGE, re.MULTILINE)
    assert {name.strip("`") for row in rows for name in row.split(", ")} == set(State.values)


def test_scopes_of_the_page_are_all_there_are() -> None:
    ours = [scope for scope in settings.API_SCOPES if scope.startswith(("posts:", "audit:"))]
    assert re.findall(r"^\| `([a-z]+:[a-z]+)`", PAGE, re.MULTILINE) == ours


def test_events_of_the_page_are_all_there_are() -> None:
    assert callable(hooks.announce)
    assert set(re.findall(r"`post\.([a-z]+)`", PAGE)) == set(announced.EVENTS)


@pytest.mark.django_db(transaction=True)
def test_program_of_the_page_publishes_and_tells_what_came_of_it(
    live_server: LiveServer, editor: User, news: Chat, tmp_path: Path
) -> None:
    """It runs as it is, in a process of its own, over HTTP; the bot's part is told here."""
    from django.utils import timezone

    from accounts.services import create_api_key

    _key, secret = create_api_key("tests", Service.SCOPES, by=None, expires_at=None, now=timezone.now())
    known = {"SEKRETAR_KEY": secret, "SEKRETAR_SITE": f"{live_server.url}/api/posts", "PATH": os.environ["PATH"]}
    program = subprocess.Popen([sys.executable, "-c", PROGRAM], env=known, stdout=subprocess.PIPE, text=True)
    try:
        while not (going := list(Post.objects.filter(state=State.PUBLISHING))):
            assert program.poll() is None
            time.sleep(0.05)
        settle(targets(going[0])[0], now=timezone.now(), numbers=[7])
        said, _nothing = program.communicate(timeout=60)
    finally:
        program.kill()
    assert program.returncode == 0
    assert said.splitlines()[-1] == "Новости sent https://t.me/c/1000000003/7"

"""examples/posts.py: it runs as it is, and every verb that others write programs against is in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from posts import services

EXAMPLE = Path(settings.BASE_DIR, "examples", "posts.py")
# Names that stay as they are.
VERBS = (
    "create_draft", "create_poll_post", "schedule_post", "reschedule_post", "cancel_post", "publish_post",
    "expire_posts", "check_scheduled_posts", "get_next_scheduled_posts", "get_posts_with_errors",
    "get_scheduler_stats", "get_scheduled_jobs", "get_scheduler_status",
)  # fmt: skip


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What a person reads who runs it in an empty environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], env=kept, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.acceptance
@pytest.mark.parametrize("verb", VERBS)
def test_verb_is_called_and_tells_what_it_did(said: list[str], verb: str) -> None:
    assert any(line.startswith(verb) and line.removeprefix(verb).strip() for line in said)


@pytest.mark.acceptance
def test_channel_shows_each_post_once_and_in_order(said: list[str]) -> None:
    shown = said[said.index("In the channel:") + 1 :]
    assert [line.strip() for line in shown] == [
        "Doors open at seven.  Bring a friend.",
        "poll: Tea or coffee?",
        "The last train goes at ten.",
    ]


@pytest.mark.acceptance
def test_what_was_counted_is_what_happened(said: list[str]) -> None:
    [line] = [line for line in said if line.startswith("get_scheduler_stats")]
    assert line.endswith("scheduled 0, published 3, error 0, ready 0")
    [line] = [line for line in said if line.startswith("get_scheduler_status")]
    assert "alive True" in line


@pytest.mark.parametrize("verb", VERBS)
def test_verb_is_offered_by_the_services(verb: str) -> None:
    assert verb in services.__all__
    assert callable(getattr(services, verb))

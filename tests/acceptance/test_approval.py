"""Access decided in another process: the bot's sweeper finds what was enqueued there."""

import time

import pytest

from tests.acceptance.processes import ADMINS, Stage, until

pytestmark = pytest.mark.acceptance

STRANGER = 102


def test_stranger_whom_another_process_lets_in_is_told_within_two_seconds(stage: Stage) -> None:
    stage.bot()
    asked = stage.ask(STRANGER, "Let me in")
    assert "запрос отправлен" in asked
    until(lambda: stage.sandbox.heard(ADMINS), what="a card for the admins")
    approve = stage.manage("approve", str(STRANGER))
    # Polled while the command runs: it may end some time after its commit.
    told = "SELECT created_at FROM delivery_delivery WHERE key LIKE 'decided:%%'"
    until(lambda: stage.database.rows(told), what="the decision")
    decided = time.time()
    until(lambda: len(stage.sandbox.heard(STRANGER)) == 2, 3.0, "the good news")
    assert approve.wait() == 0
    news = stage.sandbox.calls("sendMessage", STRANGER)[1]
    assert news["time"] - decided < 2
    assert "Hello" in stage.ask(STRANGER, "Hello")

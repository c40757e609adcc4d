"""`make run` without a token, twice: the sandbox forgets everything at a stop, the bot nothing."""

import signal
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.processes import OLGA, PATIENCE, Process, Sandbox, is_preview, playground, until

pytestmark = pytest.mark.acceptance


def asked(name: str, question: str, env: Mapping[str, str], folder: Path) -> list[str]:
    """Start, ask as the administrator, whom every start lets in, and stop as Ctrl-C does; what the bot answered."""
    process = Process(name, ["-m", "scripts.run"], env, folder)
    try:
        process.says("For the real Telegram", 5 * PATIENCE)  # all migrations are made before
        with closing(Sandbox(f"http://127.0.0.1:{env['SANDBOX_PORT']}")) as sandbox:
            mine = sandbox.say(OLGA, question)["message_id"]

            def answers() -> list[str]:
                # The first start also tells her that she is in, before or after this.
                new = [message for message in sandbox.messages(OLGA) if message["message_id"] > mine]
                return [message["text"] for message in new if question in message["text"] and not is_preview(message)]

            return until(answers, what=f"an answer to {question!r}")
    finally:
        process.popen.send_signal(signal.SIGINT)
        assert process.wait() == 0


def test_bot_that_knew_an_earlier_sandbox_answers_in_a_new_one(tmp_path: Path) -> None:
    env = playground(tmp_path)
    for name in ("first", "second"):
        (answer,) = asked(name, f"{name} question", env, tmp_path)
        assert f"{name} question" in answer

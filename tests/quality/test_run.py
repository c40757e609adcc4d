"""scripts/run.py: what is started, with which environment, and what stops it before it starts."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import run
from tests.acceptance.processes import free_port

ROOT = Path("/srv/sekretar")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def plan(**values: str) -> run.Plan:
    return run.make_plan(values, {"PATH": "/bin"}, ROOT)


def test_without_a_token_the_bot_talks_to_the_sandbox() -> None:
    env = plan().env
    assert env["BOT_TOKEN"] == "1000:sandbox-token"
    assert env["TELEGRAM_API_URL"] == "http://127.0.0.1:8081"
    assert env["ADMIN_CHAT_ID"] == "-1001000000001"


def test_without_a_token_all_providers_are_played() -> None:
    env = plan().env
    assert {env[f"{name}_API_KEY"] for name in run.PLAY_PROVIDERS} == {"sandbox"}
    assert env["OPENAI_BASE_URL"] == "http://127.0.0.1:8081/llm/openai/v1"


def test_webhook_of_the_real_bot_is_not_set_in_the_sandbox() -> None:
    assert plan(WEBHOOK_URL="https://sekretar.example/telegram/webhook").env["WEBHOOK_URL"] == ""


def test_playing_has_a_database_and_files_of_its_own() -> None:
    env = plan().env
    assert env["DATABASE_URL"] == "sqlite:////srv/sekretar/data/sandbox.sqlite3"
    assert env["FILES_DIR"] == "/srv/sekretar/data/sandbox-files"


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_URL_FILE"])
def test_chosen_database_is_used_for_playing_too(name: str) -> None:
    assert "DATABASE_URL" not in plan(**{name: "given"}).env


@pytest.mark.parametrize("name", ["GEMINI_API_KEY", "GEMINI_API_KEY_FILE", "GEMINI_BASE_URL"])
def test_provider_that_is_configured_is_not_played(name: str) -> None:
    env = plan(**{name: "mine"}).env
    assert "GEMINI_API_KEY" not in env
    assert env["MISTRAL_API_KEY"] == "sandbox"


@pytest.mark.parametrize("name", ["BOT_TOKEN", "BOT_TOKEN_FILE"])
def test_with_a_token_nothing_is_played(name: str) -> None:
    real = plan(**{name: "1:real"})
    assert not real.play
    assert not {"BOT_TOKEN", "TELEGRAM_API_URL", "DATABASE_URL", "GEMINI_API_KEY"} & set(real.env)


def test_sandbox_port_moves_every_address() -> None:
    env = plan(SANDBOX_PORT="9000").env
    assert env["TELEGRAM_API_URL"] == "http://127.0.0.1:9000"
    assert env["GEMINI_BASE_URL"] == "http://127.0.0.1:9000/llm/gemini"


def test_logs_are_for_people_unless_chosen_otherwise() -> None:
    assert plan().env["LOG_FORMAT"] == "console"
    assert "LOG_FORMAT" not in plan(LOG_FORMAT="json").env


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1", "80.5"])
def test_impossible_port_is_refused_by_name(value: str) -> None:
    with pytest.raises(run.RefusedError, match=r"WEB_PORT is .* must be a port number"):
        plan(WEB_PORT=value)


def test_one_port_for_two_servers_is_refused() -> None:
    with pytest.raises(run.RefusedError, match="WEB_PORT and SANDBOX_PORT are both 8081"):
        plan(WEB_PORT="8081")


@pytest.mark.parametrize(("name", "variable"), [("web", "WEB_PORT"), ("sandbox", "SANDBOX_PORT")])
def test_busy_port_is_refused_with_its_number_and_its_variable(taken_port: int, name: str, variable: str) -> None:
    busy = plan(**{variable: str(taken_port)})
    with pytest.raises(run.RefusedError, match=f"Port {taken_port} is taken .*{variable}={taken_port + 10}"):
        run.refuse_busy_ports(busy, [name])


def test_port_of_a_process_that_is_not_started_does_not_matter(taken_port: int) -> None:
    busy = plan(WEB_PORT=str(taken_port))
    run.refuse_busy_ports(busy, ["bot"])
    assert run.is_busy(taken_port)


def test_settings_file_is_made_read_and_overruled_by_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("SECRET_KEY=\nWEB_PORT=9000\nSANDBOX_PORT=9001\n")
    found = run.chosen({"WEB_PORT": "9100"}, tmp_path)
    assert (found["WEB_PORT"], found["SANDBOX_PORT"]) == ("9100", "9001")
    assert len(found["SECRET_KEY"]) > 50


def test_settings_file_is_neither_made_nor_read_when_it_is_to_be_ignored(tmp_path: Path) -> None:
    environ = {"SEKRETAR_IGNORE_DOTENV": "1", "WEB_PORT": "9100"}
    assert run.chosen(environ, tmp_path) == environ
    assert list(tmp_path.iterdir()) == []


def test_free_port_is_free() -> None:
    # Not one that the system chooses: such a one may be taken for any connection as soon as it is let go.
    assert not run.is_busy(free_port())


def test_summary_says_where_to_chat_and_where_to_administer() -> None:
    said = run.summary(plan(), ["sandbox", "web", "bot"], {"operator": "Login: admin"})
    assert "http://127.0.0.1:8081/" in said
    assert "http://127.0.0.1:8000/admin/" in said
    assert "Login: admin" in said
    assert "BOT_TOKEN" in said


@pytest.mark.parametrize(("said", "told"), [("Created the account admin.", False), ("It is there already.", True)])
def test_summary_says_how_to_get_back_in_when_no_password_is_shown(said: str, told: bool) -> None:
    summary = run.summary(plan(), ["web"], {"operator": said})
    assert ("make password" in summary) is told


def test_summary_with_a_real_bot_speaks_of_no_sandbox() -> None:
    said = run.summary(plan(BOT_TOKEN="1:real"), ["web", "bot"], {"operator": ""})
    assert "8081" not in said
    assert "BOT_TOKEN" not in said


def test_refusal_is_one_sentence_and_no_traceback(taken_port: int) -> None:
    env = {"WEB_PORT": str(taken_port), "SECRET_KEY": "x" * 50, "FIELD_ENCRYPTION_KEYS": "y", "PATH": "/bin"}
    argv = [sys.executable, "-m", "scripts.run", "web"]
    done = subprocess.run(argv, cwd=run.ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"Port {taken_port} is taken by another program")
    assert done.stderr.count("\n") == 1


def test_password_can_be_set_before_the_first_start(tmp_path: Path) -> None:
    env = {"SEKRETAR_IGNORE_DOTENV": "1", "SECRET_KEY": "x" * 50, "DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3"}
    argv = [sys.executable, "-m", "scripts.run", "password"]
    # Away from the terminal the password is read from the input.
    done = subprocess.run(
        argv, cwd=run.ROOT, env=env, input="Tr0ub4dor&3x\n" * 2, start_new_session=True,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Password changed successfully for user 'admin'" in done.stdout

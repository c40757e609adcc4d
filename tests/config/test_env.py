"""Reading of settings: what is wrong is put on record, and the default stands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config.env import SECRETS, Env, Problem


@pytest.fixture
def problems() -> list[Problem]:
    return []


@pytest.fixture
def env(tmp_path: Path, problems: list[Problem]) -> Env:
    return Env(tmp_path / ".env", problems)


def only(problems: list[Problem]) -> str:
    [(_name, sentence)] = problems
    return sentence


def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("SAMPLE_ONE=file\nSAMPLE_TWO=file\n")
    monkeypatch.delenv("SEKRETAR_IGNORE_DOTENV")
    monkeypatch.setenv("SAMPLE_ONE", "environment")
    monkeypatch.setenv("SAMPLE_TWO", "")  # remembered, so that it is gone after the test
    monkeypatch.delenv("SAMPLE_TWO")
    env = Env(tmp_path / ".env", [])
    assert (env.text("SAMPLE_ONE"), env.text("SAMPLE_TWO")) == ("environment", "file")


def test_file_is_left_alone_when_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("SAMPLE=file\n")
    monkeypatch.setenv("SEKRETAR_IGNORE_DOTENV", "1")
    assert Env(tmp_path / ".env", []).text("SAMPLE") == ""


def test_file_that_is_no_text_is_a_problem(
    tmp_path: Path, problems: list[Problem], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(b"SAMPLE=\xff\xfe\n")
    monkeypatch.delenv("SEKRETAR_IGNORE_DOTENV")
    Env(tmp_path / ".env", problems)
    assert "cannot be read (UnicodeDecodeError)" in only(problems)


def test_empty_value_is_an_absent_one(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE", "  ")
    assert (env.text("SAMPLE", "default"), env.integer("SAMPLE", 5)) == ("default", 5)


# --- secrets ---


def test_secret_may_come_from_a_file(env: Env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("SAMPLE", "from the environment")
    monkeypatch.setenv("SAMPLE_FILE", str(tmp_path / "secret"))
    assert env.secret("SAMPLE") == "from the file"


def test_missing_file_of_a_secret_is_a_problem(
    env: Env, problems: list[Problem], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMPLE_FILE", str(tmp_path / "nowhere"))
    assert env.secret("SAMPLE", "default") == "default"
    assert only(problems) == f"SAMPLE_FILE names {tmp_path / 'nowhere'}, which cannot be read (FileNotFoundError)."


def test_empty_file_of_a_secret_is_a_problem(
    env: Env, problems: list[Problem], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text(" \n")
    monkeypatch.setenv("SAMPLE_FILE", str(tmp_path / "secret"))
    assert env.secret("SAMPLE") == ""
    assert "which is empty" in only(problems)


def test_every_secret_is_remembered_for_the_logs(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE", "first-secret, second-secret")
    env.secret("SAMPLE")
    assert {"first-secret", "second-secret", "first-secret, second-secret"} <= SECRETS


# --- values ---

Read = Callable[[Env], object]
GOOD: list[tuple[str, Read, object]] = [
    ("7", lambda env: env.integer("SAMPLE", 1), 7),
    ("-100123", lambda env: env.integer("SAMPLE", 1), -100123),
    ("0.5", lambda env: env.number("SAMPLE", 1), 0.5),
    ("0", lambda env: env.number("SAMPLE", 1), 0.0),
    ("Yes", lambda env: env.flag("SAMPLE", False), True),
    ("off", lambda env: env.flag("SAMPLE", True), False),
    ("b", lambda env: env.choice("SAMPLE", "a", ("a", "b")), "b"),
    ("a, b,,", lambda env: env.many("SAMPLE", []), ["a", "b"]),
    ("http://127.0.0.1:8081/", lambda env: env.url("SAMPLE", "https://x.org"), "http://127.0.0.1:8081"),
    ("Asia/Tokyo", lambda env: env.time_zone("SAMPLE", "UTC"), "Asia/Tokyo"),
    ("0  3 * * MON-FRI", lambda env: env.cron("SAMPLE", "0 0 * * *"), "0 3 * * MON-FRI"),
]
BAD: list[tuple[str, Read, str]] = [
    ("seven", lambda env: env.integer("SAMPLE", 1), "a whole number."),
    ("0", lambda env: env.integer("SAMPLE", 1, low=1), "a whole number, 1 or more."),
    ("2001", lambda env: env.integer("SAMPLE", 1, low=1, high=2000), "a whole number from 1 to 2000."),
    ("1.5", lambda env: env.integer("SAMPLE", 1), "a whole number."),
    ("-1", lambda env: env.number("SAMPLE", 1), "a number, 0 or more."),
    ("nan", lambda env: env.number("SAMPLE", 1), "a number, 0 or more."),
    ("inf", lambda env: env.number("SAMPLE", 1), "a number, 0 or more."),
    ("maybe", lambda env: env.flag("SAMPLE", False), "1 or 0."),
    ("c", lambda env: env.choice("SAMPLE", "a", ("a", "b")), "one of: a, b."),
    ("api.telegram.org", lambda env: env.url("SAMPLE", "https://x.org"), "an address such as https://x.org."),
    ("ftp://x.org", lambda env: env.url("SAMPLE", "https://x.org"), "an address such as https://x.org."),
    ("http://x.org:port", lambda env: env.url("SAMPLE", "https://x.org"), "an address such as https://x.org."),
    ("Moscow", lambda env: env.time_zone("SAMPLE", "UTC"), "a name such as Europe/Moscow."),
    ("Europe", lambda env: env.time_zone("SAMPLE", "UTC"), "a name such as Europe/Moscow."),
    ("* * * * * *", lambda env: env.cron("SAMPLE", "0 0 * * *"), "five fields: minute, hour"),
    ("0 25 * * *", lambda env: env.cron("SAMPLE", "0 0 * * *"), "five fields: minute, hour"),
    ("@daily", lambda env: env.cron("SAMPLE", "0 0 * * *"), "five fields: minute, hour"),
    ("0 0 31 2 *", lambda env: env.cron("SAMPLE", "0 0 * * *"), "five fields: minute, hour"),
]


@pytest.mark.parametrize(("value", "read", "result"), GOOD)
def test_good_value_is_read(
    env: Env, problems: list[Problem], monkeypatch: pytest.MonkeyPatch, value: str, read: Read, result: object
) -> None:
    monkeypatch.setenv("SAMPLE", value)
    assert (read(env), problems) == (result, [])


@pytest.mark.parametrize(("value", "read", "wanted"), BAD)
def test_bad_value_is_a_problem_and_the_default_stands(
    env: Env, problems: list[Problem], monkeypatch: pytest.MonkeyPatch, value: str, read: Read, wanted: str
) -> None:
    default = read(env)
    monkeypatch.setenv("SAMPLE", value)
    assert read(env) == default
    assert only(problems).startswith(f"SAMPLE is {value!r}, but must be {wanted}")


@pytest.mark.parametrize("password", ["hunter22", "p@ss-hunter22", "p/ss-hunter22"])
def test_password_in_an_address_is_not_shown(
    env: Env, problems: list[Problem], monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("SAMPLE", f"ftp://user:{password}@host")
    env.url("SAMPLE", "https://x.org")
    assert "hunter22" not in only(problems)


# --- database ---

DEFAULT = "sqlite:////srv/sekretar.sqlite3"


def test_address_of_postgres_is_read(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE", "postgres://anna:p%40ss-word@db.internal:5433/sekretar")
    found = env.database("SAMPLE", DEFAULT)
    assert (found["ENGINE"], found["NAME"]) == ("django.db.backends.postgresql", "sekretar")
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == (
        "anna",
        "p@ss-word",
        "db.internal",
        5433,
    )


def test_password_of_the_database_is_remembered_for_the_logs(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE", "postgres://anna:p%40ss-word@db.internal/sekretar")
    env.database("SAMPLE", DEFAULT)
    assert "p@ss-word" in SECRETS


@pytest.mark.parametrize(
    "address",
    [
        "mysql://anna:hunter22@host/sekretar",
        "nonsense-hunter22",
        "postgres://anna:hunter22@host:port/sekretar",
        "postgres://anna:hunter22@host/",
        "sqlite://:memory:",
    ],
)
def test_other_database_is_a_problem_without_its_password(
    env: Env, problems: list[Problem], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("SAMPLE", address)
    assert env.database("SAMPLE", DEFAULT)["NAME"] == "/srv/sekretar.sqlite3"
    assert "postgres://user:password@127.0.0.1:5432/sekretar" in only(problems)
    assert "hunter22" not in only(problems)


# --- Redis ---


@pytest.mark.parametrize("address", ["redis://127.0.0.1", "redis://:word@host:6380/2", "rediss://anna:word@host/0"])
def test_address_of_redis_is_read(
    env: Env, problems: list[Problem], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("SAMPLE", address)
    assert (env.redis("SAMPLE"), problems) == (address, [])


def test_without_an_address_there_is_no_redis(env: Env, problems: list[Problem]) -> None:
    assert (env.redis("SAMPLE"), problems) == ("", [])


def test_password_of_redis_is_remembered_for_the_logs(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE", "redis://:p%40ss-redis@host:6379/0")
    env.redis("SAMPLE")
    assert {"p%40ss-redis", "p@ss-redis"} <= SECRETS


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:6379", "http://:hunter22@host", "redis://", "redis://:hunter22@host:port", "redis://host/first"],
)
def test_address_that_is_none_of_redis_is_a_problem_without_its_password(
    env: Env, problems: list[Problem], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("SAMPLE", address)
    assert env.redis("SAMPLE") == ""
    assert only(problems).startswith("SAMPLE is no address of a Redis server. Write for example redis://")
    assert "hunter22" not in only(problems)

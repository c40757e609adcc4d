"""scripts/dotenv.py: the file of settings and its secrets."""

import base64
from pathlib import Path

import environ
import pytest

from scripts import dotenv

EXAMPLE = "# Django's key.\nSECRET_KEY=\n\n# From @BotFather.\nBOT_TOKEN=\n# Many.\n#FIELD_ENCRYPTION_KEYS=\n"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    path = tmp_path / ".env.example"
    path.write_text(EXAMPLE, encoding="utf-8")
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_first_start_makes_the_file_with_secrets(target: Path, example: Path) -> None:
    assert dotenv.ensure(target, example, {}) == ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS"]
    assert len(dotenv.read(target)["SECRET_KEY"]) >= 50
    assert len(base64.urlsafe_b64decode(dotenv.read(target)["FIELD_ENCRYPTION_KEYS"])) == 32


def test_new_file_keeps_the_examples_explanations(target: Path, example: Path) -> None:
    dotenv.ensure(target, example, {})
    assert "# From @BotFather.\nBOT_TOKEN=\n" in target.read_text(encoding="utf-8")


def test_file_with_secrets_is_readable_by_its_owner_alone(target: Path, example: Path) -> None:
    dotenv.ensure(target, example, {})
    assert target.stat().st_mode & 0o777 == 0o600


def test_no_file_is_made_when_the_environment_holds_the_secrets(target: Path, example: Path) -> None:
    dotenv.ensure(target, example, {"SECRET_KEY": "given", "FIELD_ENCRYPTION_KEYS": "given"})
    assert not target.exists()


def test_two_machines_get_different_secrets(target: Path, example: Path) -> None:
    dotenv.ensure(target, example, {})
    first = dotenv.read(target)
    target.unlink()
    dotenv.ensure(target, example, {})
    assert dotenv.read(target)["SECRET_KEY"] != first["SECRET_KEY"]


def test_second_start_changes_nothing(target: Path, example: Path) -> None:
    dotenv.ensure(target, example, {})
    before = target.read_bytes()
    assert dotenv.ensure(target, example, {}) == []
    assert target.read_bytes() == before


def test_what_a_person_wrote_stays(target: Path, example: Path) -> None:
    target.write_text("BOT_TOKEN=1:x\nSECRET_KEY=mine\n# a note\n", encoding="utf-8")
    assert dotenv.ensure(target, example, {}) == ["FIELD_ENCRYPTION_KEYS"]
    assert target.read_text(encoding="utf-8").startswith("BOT_TOKEN=1:x\nSECRET_KEY=mine\n# a note\nFIELD_")


def test_example_copied_by_hand_gets_its_empty_secrets_filled(target: Path, example: Path) -> None:
    target.write_text(EXAMPLE.replace("BOT_TOKEN=", "BOT_TOKEN=1:x"), encoding="utf-8")
    dotenv.ensure(target, example, {})
    assert dotenv.read(target)["BOT_TOKEN"] == "1:x"
    assert target.read_text(encoding="utf-8").count("SECRET_KEY=") == 1


def test_secret_takes_the_place_of_its_commented_line(target: Path, example: Path) -> None:
    dotenv.ensure(target, example, {})
    assert "# Many.\nFIELD_ENCRYPTION_KEYS=" in target.read_text(encoding="utf-8")


def test_access_rights_a_person_chose_stay(target: Path, example: Path) -> None:
    target.write_text("BOT_TOKEN=1:x\n", encoding="utf-8")
    target.chmod(0o640)
    dotenv.ensure(target, example, {})
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FILE"])
def test_secret_from_the_environment_is_not_made_again(target: Path, example: Path, name: str) -> None:
    assert dotenv.ensure(target, example, {name: "given"}) == ["FIELD_ENCRYPTION_KEYS"]


def test_file_is_made_even_without_an_example(target: Path, tmp_path: Path) -> None:
    dotenv.ensure(target, tmp_path / "absent", {})
    assert dotenv.read(target)["SECRET_KEY"]


@pytest.mark.parametrize(
    "line",
    [
        "NAME=plain", "export NAME=exported", "NAME='single quoted'", 'NAME="double \\" quoted\\n"',
        "NAME=a#b", "NAME=a # b", "NAME=", "# NAME=commented", " NAME=indented", "NAME =spaced", "NAME=a=b",
        "name_1=lower",
    ],
)  # fmt: skip
def test_file_is_read_as_the_settings_read_it(target: Path, line: str) -> None:
    target.write_text(f"{line}\n", encoding="utf-8")

    class Reader(environ.Env):  # type: ignore[misc]  # it comes without types
        ENVIRON: dict[str, str] = {}

    Reader.read_env(target)
    assert dotenv.read(target) == Reader.ENVIRON

"""scripts/bootstrap.py: what is installed, and when nothing is."""

from pathlib import Path

import pytest

from scripts import bootstrap


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements.txt").write_text("alpha==1\n", encoding="ascii")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\nbeta==1\n", encoding="ascii")
    (tmp_path / ".venv").mkdir()
    return tmp_path


def test_nothing_is_installed_at_first(root: Path) -> None:
    assert not bootstrap.is_installed(root, "runtime")


def test_unchanged_requirements_are_not_installed_again(root: Path) -> None:
    bootstrap.remember(root, "runtime")
    assert bootstrap.is_installed(root, "runtime")


def test_changed_requirements_are_installed_again(root: Path) -> None:
    bootstrap.remember(root, "runtime")
    (root / "requirements.txt").write_text("alpha==2\n", encoding="ascii")
    assert not bootstrap.is_installed(root, "runtime")


def test_running_needs_nothing_more_after_the_tests_were_set_up(root: Path) -> None:
    bootstrap.remember(root, "dev")
    assert bootstrap.is_installed(root, "runtime")


def test_tests_need_more_than_running(root: Path) -> None:
    bootstrap.remember(root, "runtime")
    assert not bootstrap.is_installed(root, "dev")


def test_change_of_the_runtime_packages_concerns_the_tests_too(root: Path) -> None:
    bootstrap.remember(root, "dev")
    (root / "requirements.txt").write_text("alpha==2\n", encoding="ascii")
    assert not bootstrap.is_installed(root, "dev")


def test_what_is_measured_is_installed_apart(root: Path) -> None:
    (root / ".venv" / "bench").mkdir()
    bootstrap.remember(root, "dev")
    assert not bootstrap.is_installed(root, "bench")
    bootstrap.remember(root, "bench")
    assert bootstrap.is_installed(root, "bench")
    (root / "requirements.txt").write_text("alpha==2\n", encoding="ascii")
    assert not bootstrap.is_installed(root, "bench")


def test_folder_without_a_python_is_no_fitting_venv(root: Path) -> None:
    assert not bootstrap.venv_fits(root)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that needs no packages, set up as on a fresh machine."""
    path = tmp_path_factory.mktemp("project")
    for name in ("requirements.txt", "requirements-dev.txt"):
        (path / name).write_text("", encoding="ascii")
    bootstrap.main("runtime", path)
    return path


def test_fresh_machine_gets_a_venv_with_everything_in_it(project: Path) -> None:
    assert bootstrap.venv_fits(project)
    assert bootstrap.is_installed(project, "runtime")


def test_data_folder_is_for_its_owner_alone(project: Path) -> None:
    assert (project / "data").stat().st_mode & 0o777 == 0o700


def test_second_setup_is_silent(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    bootstrap.main("runtime", project)
    said = capfd.readouterr()
    assert said.out + said.err == ""


def test_failed_installation_is_said_and_not_remembered(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (project / "requirements-dev.txt").write_text("-r not-there.txt\n", encoding="ascii")
    with pytest.raises(SystemExit, match="could not be installed"):
        bootstrap.main("dev", project)
    assert "not-there.txt" in capfd.readouterr().err
    assert not bootstrap.is_installed(project, "dev")

"""scripts/find-python: the first thing that runs on a fresh machine."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
OLD = 'sys.version_info = (3, 9, 18, "final", 0)'
NEW = 'sys.version_info = (3, 14, 0, "final", 0)'
BARE = 'sys.version_info = (3, 12, 1, "final", 0); sys.modules["ensurepip"] = None'
FIT = 'sys.version_info = (3, 12, 1, "final", 0)'


class Machine:
    """A machine whose PATH has only the tools the script needs and the Pythons a test puts there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for tool in ("sh", "tail"):
            (path / tool).symlink_to(f"/usr/bin/{tool}" if Path(f"/usr/bin/{tool}").exists() else f"/bin/{tool}")

    def has(self, name: str, pretence: str) -> None:
        """Put a Python there that takes itself for another one."""
        script = f'#!/bin/sh\nexec "{sys.executable}" -c \'import sys; {pretence}; exec(sys.argv[2])\' "$@"\n'
        (self.path / name).write_text(script, encoding="utf-8")
        (self.path / name).chmod(0o755)

    def find(self, **env: str) -> "subprocess.CompletedProcess[str]":
        argv = ["sh", str(ROOT / "scripts" / "find-python")]
        env = {"PATH": str(self.path), **env}
        return subprocess.run(argv, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_fitting_python_is_found(machine: Machine) -> None:
    machine.has("python3", FIT)
    found = machine.find()
    assert (found.returncode, found.stdout.strip()) == (0, sys.executable)


def test_second_python_is_taken_when_the_first_is_too_old(machine: Machine) -> None:
    machine.has("python3", OLD)
    machine.has("python3.12", FIT)
    assert machine.find().returncode == 0


def test_python_without_venv_is_passed_over_for_one_that_has_it(machine: Machine) -> None:
    machine.has("python3.12", BARE)
    machine.has("python3", FIT)
    assert machine.find().returncode == 0


@pytest.mark.parametrize(("pretence", "version"), [(OLD, "3.9"), (NEW, "3.14")])
def test_unfit_python_is_refused_in_one_sentence(machine: Machine, pretence: str, version: str) -> None:
    machine.has("python3", pretence)
    refused = machine.find()
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert f"Python 3.11, 3.12 or 3.13, and here is only Python {version}" in refused.stderr


def test_machine_without_python_is_told_what_to_install(machine: Machine) -> None:
    refused = machine.find()
    assert refused.returncode == 1
    assert "no Python was found here" in refused.stderr
    assert "apt-get install python3 python3-venv" in refused.stderr


def test_missing_venv_module_is_named_with_its_package(machine: Machine) -> None:
    machine.has("python3", BARE)
    refused = machine.find()
    assert refused.returncode == 1
    assert "apt-get install python3.12-venv" in refused.stderr


def test_chosen_python_is_the_only_candidate(machine: Machine) -> None:
    machine.has("python3", FIT)
    refused = machine.find(PYTHON="/nowhere/python")
    assert refused.returncode == 1
    assert "PYTHON=/nowhere/python cannot be run" in refused.stderr


def test_command_that_is_there_but_does_not_start_is_passed_over(machine: Machine) -> None:
    (machine.path / "python3.13").write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    (machine.path / "python3.13").chmod(0o755)
    machine.has("python3", FIT)
    assert machine.find().returncode == 0

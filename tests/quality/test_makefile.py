"""What a newcomer types first."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# Parts of `make lint`, called through it.
PARTS = {"lint-style", "lint-types", "lint-imports", "lint-django"}
TARGETS = sorted(set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE)) - PARTS)


@pytest.fixture(scope="module")
def said() -> str:
    return subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("target", TARGETS)
def test_make_alone_explains_every_target(said: str, target: str) -> None:
    assert re.search(rf"^  make {target} +\S", said, re.MULTILINE)


@pytest.mark.parametrize("target", ["setup", "run", "test", "lint", "bench", "web", "bot", "sandbox", "clean"])
def test_makefile_has_what_the_readme_promises(target: str) -> None:
    assert target in TARGETS


def test_no_target_is_mistaken_for_a_file() -> None:
    phony = MAKEFILE.split(".PHONY:")[1].split("\n\n")[0].replace("\\", " ").split()
    assert set(phony) >= set(TARGETS)

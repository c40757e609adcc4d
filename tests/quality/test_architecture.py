"""Who may import whom: the contracts of pyproject.toml hold, and they would catch what they forbid."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LINT = [
    sys.executable,
    "-c",
    "from importlinter.cli import lint_imports_command as main; main()",
    "--no-logo",
]
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINTER = SETTINGS["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in LINTER["contracts"]}
APPS = sorted(path.parent.name for path in ROOT.glob("*/apps.py"))
# Contract -> a module and the import in it that the contract must catch.
VIOLATIONS = {
    "down": [
        ("core.http", "import accounts.models"),
        ("accounts.models", "import llm.models"),
        ("llm.models", "import delivery.models"),
        ("delivery.models", "import telegram_bot.models"),
        ("telegram_bot.models", "import conversations.models"),
        ("telegram_bot.models", "import rest.answers"),
        ("rest.times", "import posts.models"),
        ("files.models", "import config.settings"),
    ],
    "inside": [
        ("conversations.bot", "import conversations.admin"),
        ("accounts.models", "import accounts.services"),
        ("delivery.services", "import delivery.admin"),
    ],
    "telegram": [("conversations.services", "import telegram"), ("llm.models", "import telegram.ext")],
    "below": [("accounts.models", "import ninja")],
    "rest": [("conversations.services", "import rest.answers"), ("posts.services", "import rest.times")],
    "http": [("conversations.services", "import httpx"), ("telegram_bot.models", "import aiohttp")],
    "sandbox-alone": [("sandbox.server", "import core.http")],
    "sandbox-unknown": [
        ("telegram_bot.models", "import sandbox.server"),
        ("core.db", "import scripts.run"),
    ],
    "sandbox-orm": [("sandbox.server", "import django.db")],
}
CASES = [(contract, *violation) for contract, violations in VIOLATIONS.items() for violation in violations]


def lint(cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*LINT, "--no-cache"], cwd=cwd, capture_output=True, text=True, check=False)


def test_every_import_keeps_the_contracts() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def source_of(tree: Path, module: str) -> Path:
    """The file of a module of ours; one that no app has yet is made."""
    path = tree / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if file.parent.is_dir():
        file.touch()
    return file


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy of the packages in which every forbidden import was written."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", tree)
    for name in LINTER["root_packages"]:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "spec", "page"))
    for _, importer, line in CASES:
        source_of(tree, line.removeprefix("import "))
        with source_of(tree, importer).open("a", encoding="utf-8") as module:
            module.write(f"\n{line}\n")
    done = lint(tree)
    assert done.returncode == 1, done.stdout + done.stderr
    # The linter wraps its lines.
    return re.sub(r"\s+", " ", done.stdout)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_contract_breaks_where_it_should(complaints: str, contract: str) -> None:
    assert f"{CONTRACTS[contract]['name']} BROKEN" in complaints


@pytest.mark.parametrize(("contract", "importer", "line"), CASES)
def test_forbidden_import_is_named(complaints: str, contract: str, importer: str, line: str) -> None:
    package = line.removeprefix("import ").split(".")[0]
    part = complaints.split(f"{CONTRACTS[contract]['name']} -----")[1].split(" ----- ")[0]
    assert re.search(rf"{re.escape(importer)} -> {package}[. ]", part)


def test_every_app_is_under_the_contracts() -> None:
    assert set(APPS) <= set(LINTER["root_packages"])


@pytest.mark.parametrize("app", sorted(set(APPS) - {"config", "core", "sandbox"}))
def test_every_app_has_its_place_in_every_contract(app: str) -> None:
    layers = {name for layer in CONTRACTS["down"]["layers"] for name in layer.split(" | ")}
    assert app in layers
    assert app in CONTRACTS["inside"]["containers"]
    assert app == "telegram_bot" or app in CONTRACTS["telegram"]["source_modules"]
    assert app in CONTRACTS["http"]["source_modules"]
    assert app in CONTRACTS["sandbox-alone"]["forbidden_modules"]
    assert app in CONTRACTS["sandbox-unknown"]["source_modules"]


def imported_by(path: Path) -> set[str]:
    """Full names of everything a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_sandbox_touches_no_orm_even_where_it_may_know_django() -> None:
    """Outside packages are one module to the linter, so this looks at the two files it lets through."""
    files = [ROOT / "sandbox/apps.py", *(ROOT / "sandbox/management").rglob("*.py")]
    found = {name for file in files for name in imported_by(file) if name.startswith("django")}
    assert found
    assert not [name for name in found if name.startswith(("django.db", "django.contrib"))]

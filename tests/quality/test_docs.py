"""The written pages: links lead somewhere, and what they name exists."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def named(pattern: str, pages: list[Path] = PAGES) -> list[tuple[Path, str]]:
    """Every (page, what ``pattern`` finds in it)."""
    found = [(page, set(re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE))) for page in pages]
    return [(page, text) for page, texts in found for text in sorted(texts)]


LINKS = named(r"\]\((?!http)([^)#\s]+)")


def name(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


@pytest.mark.parametrize(("page", "target"), LINKS, ids=name)
def test_link_leads_to_a_file(page: Path, target: str) -> None:
    assert (page.parent / target).exists()


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=name)
def test_every_page_can_be_reached_from_the_start(page: Path) -> None:
    seen, open_pages = set[Path](), [ROOT / "README.md"]
    while open_pages:
        seen.add(here := open_pages.pop())
        for target in [here.parent / target for source, target in LINKS if source == here]:
            found = target / "README.md" if target.is_dir() else target
            if found.resolve() not in seen and found.suffix == ".md":
                open_pages.append(found.resolve())
    assert page in seen


@pytest.mark.parametrize(("page", "target"), named(r"(?:`|^    )make ([a-z-]+)"), ids=name)
def test_make_target_that_a_page_names_exists(page: Path, target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize(("page", "command"), named(r"manage\.py (?!help)([a-z_]+)"), ids=name)
def test_management_command_that_a_page_names_exists(page: Path, command: str) -> None:
    assert command in get_commands()


# The names in angle brackets and those of the example's app are the reader's to write.
@pytest.mark.parametrize(("page", "path"), named(r"`((?!notes/)(?:[a-z_]+/)+[a-z_]+\.(?:py|json))`"), ids=name)
def test_file_that_a_page_names_exists(page: Path, path: str) -> None:
    assert (ROOT / path).is_file()

"""`.env.example` names every setting, and no other."""

import re
from pathlib import Path

from django.conf import settings

READ = re.compile(r"env\.[a-z_]+\(\s*\"([A-Z0-9_]+)\"(?:, *([^,)\n]+))?")
LINE = re.compile(r"^(#?)([A-Z][A-Z0-9_]+)=(.*)$", re.MULTILINE)


def source() -> str:
    return Path(settings.BASE_DIR, "config", "settings.py").read_text(encoding="utf-8")


def example() -> str:
    return Path(settings.BASE_DIR, ".env.example").read_text(encoding="utf-8")


def defaults() -> dict[str, str]:
    """Name -> the default as settings.py writes it."""
    return {match[1]: (match[2] or '""') for match in READ.finditer(source())}


def test_every_setting_is_documented_and_every_documented_one_is_read() -> None:
    documented = [match[2] for match in LINE.finditer(example())]
    assert sorted(documented) == sorted(defaults())


def test_every_line_has_a_sentence_above_it() -> None:
    blocks = [block for block in example().split("\n\n") if LINE.search(block)]
    bare = [block for block in blocks if not block.startswith("# ") and "_API_KEY" not in block]
    assert bare == []


def test_shown_defaults_are_the_real_ones() -> None:
    written = defaults()
    shown = {match[2]: match[3] for match in LINE.finditer(example()) if match[1] and match[3]}
    simple = {"True": "1", "False": "0"}
    wrong = {
        name: value
        for name, value in shown.items()
        if (simple.get(written[name]) or written[name].strip('"').replace("_000", "000")) != value
        and not written[name].startswith("[")
    }
    assert wrong == {}


def test_values_of_the_file_itself_are_empty() -> None:
    filled = [match[2] for match in LINE.finditer(example()) if not match[1] and match[3]]
    assert filled == []

"""The texts of our code that can be translated, and catalogues of translations, read without GNU gettext."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent.parent
# Every app but the sandbox, whose page has its words itself, and the project's templates.
FOLDERS = [
    *sorted({path.parent for path in ROOT.glob("*/apps.py")} - {ROOT / "sandbox"}),
    ROOT / "rest",
    ROOT / "templates",
]


@dataclass(frozen=True)
class Text:
    """What stands in the source: the text, its plural ("" for none), its context ("" for none)."""

    singular: str
    plural: str = ""
    context: str = ""


@dataclass
class Entry:
    """One text of a catalogue with its translations (a plural has several); ``fuzzy``: somebody must look at it."""

    text: Text
    translations: list[str] = field(default_factory=list)
    fuzzy: bool = False


# Django's functions -> which argument is what.
PARTS = {
    "gettext": ("singular",),
    "ngettext": ("singular", "plural"),
    "pgettext": ("context", "singular"),
    "npgettext": ("context", "singular", "plural"),
}


def texts_of_code() -> dict[Text, str]:
    """Every text that the code hands to a translating function -> the first file it stands in."""
    found: dict[Text, str] = {}
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*")):
            if path.suffix in READERS and "migrations" not in path.parts:
                for text in READERS[path.suffix](path):
                    found.setdefault(text, str(path.relative_to(ROOT)))
    return found


def _of_module(path: Path) -> Iterator[Text]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            names |= {alias.asname or alias.name: _base(alias.name) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else names.get(node.func.id, "")
            if parts := PARTS.get(_base(called)):
                yield _text(parts, node.args[: len(parts)], f"{path}:{node.lineno}")


def _base(name: str) -> str:
    return name.removesuffix("_lazy").removesuffix("_noop")


def _text(parts: tuple[str, ...], arguments: list[ast.expr], place: str) -> Text:
    try:
        return Text(**dict(zip(parts, map(ast.literal_eval, arguments), strict=True)))
    except ValueError as error:
        raise AssertionError(f"{place}: what is not a literal cannot be collected for translation") from error


LITERAL = r"u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
# What Django makes of a template before xgettext reads it: calls between crossed-out text.
CALL = re.compile(rf"\b(n?p?gettext)\((\s*{LITERAL}(?:\s*,\s*{LITERAL})*)")


def _of_template(path: Path) -> Iterator[Text]:
    for name, arguments in CALL.findall(templatize(path.read_text(encoding="utf-8"))):
        yield Text(**dict(zip(PARTS[name], ast.literal_eval(f"({arguments},)"), strict=True)))


READERS = {".py": _of_module, ".html": _of_template, ".txt": _of_template}

KEYWORD = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr)(?:\[\d\])? (?=")')


def entries(path: Path) -> list[Entry]:
    """The entries of a .po file; the first one, for the empty text, is its header."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    return [_entry(block.splitlines()) for block in blocks]


def _entry(lines: list[str]) -> Entry:
    values: list[tuple[str, str]] = []
    for line in lines:
        if line.startswith("#"):
            continue
        if match := KEYWORD.match(line):
            values.append((match[1], ""))
        keyword, value = values.pop()
        values.append((keyword, value + ast.literal_eval(KEYWORD.sub("", line))))
    said = dict(values)
    text = Text(said["msgid"], said.get("msgid_plural", ""), said.get("msgctxt", ""))
    fuzzy = any(line.startswith("#,") and "fuzzy" in line for line in lines)
    return Entry(text, [value for keyword, value in values if keyword == "msgstr"], fuzzy)

"""Writes the generated pages of docs/reference: `python -m scripts.reference`.

schema.md comes from the models, settings.md from .env.example, admin-commands.md from the subcommands of /admin, api.md
from the OpenAPI of the REST API; the tests say when a page is stale.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference"
GENERATED = "<!-- Written by `make schema`; change the source, not this page. -->"


def cell(text: object) -> str:
    """Text that cannot leave its cell of a Markdown table."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines)


# --- the rows


def own_models() -> list[Any]:
    """The models of the packages in this folder, in the order of INSTALLED_APPS and of their files."""
    from django.apps import apps

    here = [config for config in apps.get_app_configs() if Path(config.path).parent == ROOT]
    return [model for config in here for model in config.get_models()]


def schema() -> str:
    """The page of tables and their relations, in English whatever language is active."""
    from django.utils import translation

    with translation.override(None):
        models = own_models()
        parts = [
            "# Tables",
            GENERATED,
            "Every row that Sekretar keeps. Times are stored in UTC; money is US dollars.",
            "```mermaid\n" + diagram(models) + "\n```",
            *(describe(model) for model in models),
        ]
    return "\n\n".join(parts) + "\n"


def diagram(models: list[Any]) -> str:
    """An entity-relationship diagram: names, keys, and who points to whom."""
    lines = ["erDiagram"]
    for model in models:
        for column in model._meta.local_fields:
            if column.is_relation and column.related_model in models:
                lines.append(f"    {relation(model, column)}")
    for model in models:
        keys = [column for column in model._meta.local_fields if mark(column)]
        lines.append(f"    {model.__name__} {{")
        lines += [f"        {kind(column)} {column.column} {mark(column)}" for column in keys]
        lines.append("    }")
    return "\n".join(lines)


def relation(model: Any, column: Any) -> str:
    one = "|o" if column.null else "||"
    many = "o|" if column.one_to_one else "o{"
    return f'{column.related_model.__name__} {one}--{many} {model.__name__} : "{column.name}"'


def mark(column: Any) -> str:
    """What Mermaid calls the keys a column belongs to."""
    if column.primary_key:
        return "PK, FK" if column.is_relation else "PK"
    if column.is_relation:
        return "FK"
    return "UK" if column.unique else ""


KINDS = {
    "AutoField": "integer",
    "BigAutoField": "bigint",
    "BigIntegerField": "bigint",
    "BooleanField": "boolean",
    "CharField": "varchar",
    "DateTimeField": "timestamp",
    "JSONField": "json",
    "PositiveBigIntegerField": "bigint",
    "PositiveIntegerField": "integer",
    "PositiveSmallIntegerField": "smallint",
}


def kind(column: Any) -> str:
    """The type of a column, the same for every database."""
    target = column.target_field if column.is_relation else column
    django_type = target.get_internal_type()
    name = KINDS.get(django_type, django_type.removesuffix("Field").lower())
    return f"{name}({target.max_length})" if target.max_length else name


def describe(model: Any) -> str:
    """A model's section: what a row is, its columns, its rules and indexes."""
    meta = model._meta
    says = " ".join((model.__doc__ or "").split("\n\n")[0].split())
    rows = [(f"`{c.column}`", kind(c), "yes" if c.null else "", notes(c)) for c in meta.local_fields]
    parts = [f"## {meta.app_label}: {model.__name__}", f"`{meta.db_table}`. {says}"]
    parts.append(table(("column", "type", "empty", "what it is"), rows))
    if rules := [*map(rule, meta.constraints), *map(rule, meta.indexes)]:
        parts.append("\n".join(f"- {line}" for line in rules))
    return "\n\n".join(parts)


def notes(column: Any) -> str:
    """What a person should know of a column."""
    said = [str(column.verbose_name)] if str(column.verbose_name) != column.name.replace("_", " ") else []
    if column.primary_key:
        said.append("primary key")
    elif column.unique:
        said.append("unique")
    if column.is_relation:
        said.append(f"→ {column.related_model.__name__}")
    if column.choices:
        said.append("one of: " + ", ".join(f"`{value}`" for value, _ in column.flatchoices))
    if column.db_index and not column.is_relation and not column.unique:
        said.append("indexed")
    return "; ".join(said)


def rule(item: Any) -> str:
    """A constraint or an index in one line."""
    if type(item).__name__ == "CheckConstraint":
        return f"`{item.name}`: always `{condition(item.condition)}`"
    what = "unique" if type(item).__name__ == "UniqueConstraint" else type(item).__name__.lower()
    columns = ", ".join(item.fields) or ", ".join(map(expression, getattr(item, "expressions", ())))
    where = getattr(item, "condition", None)
    return f"`{item.name}`: {what} on {columns}" + (f" where `{condition(where)}`" if where else "")


def condition(node: Any) -> str:
    """A Q as people write it."""
    return f" {node.connector.lower()} ".join(f"{lookup} = {value}" for lookup, value in node.children)


def expression(item: Any) -> str:
    """What an index is made of: a column, or a function of one."""
    if hasattr(item, "name"):
        return str(item.name)
    arguments = getattr(item, "source_expressions", None)
    if arguments and type(item).__name__ != "OrderBy":
        return f"{type(item).__name__.lower()}({', '.join(map(expression, arguments))})"
    return str(item.value) if hasattr(item, "value") else str(item)


# --- the settings

TITLE = re.compile(r"\A# -+ (.+?) -+\Z")
SETTING = re.compile(r"\A#?([A-Z][A-Z0-9_]*)=(.*)\Z")


@dataclass
class Group:
    """Settings that one comment explains; each with its default."""

    says: list[str] = field(default_factory=list)
    settings: list[tuple[str, str]] = field(default_factory=list)


def settings() -> str:
    """The page of settings, from .env.example."""
    return settings_page((ROOT / ".env.example").read_text(encoding="utf-8"))


def settings_page(example: str) -> str:
    parts = ["# Settings", GENERATED]
    for title, lines in sections(example.splitlines()):
        found = list(groups(lines))
        if title:
            parts.append(f"## {title}")
        parts += [" ".join(group.says) for group in found if not group.settings]
        if rows := [row(group) for group in found if group.settings]:
            parts.append(table(("setting", "default", "what it is"), rows))
    parts.append(STARTING)
    return "\n\n".join(parts) + "\n"


STARTING = """\
## Only for `make run`

Read from the environment, from `.env` or from the command line (`make run WEB_PORT=8100`).

| setting | default | what it is |
| --- | --- | --- |
| `WEB_PORT` | `8000` | The port of the web side on this machine. |
| `SANDBOX_PORT` | `8081` | The port of the sandbox, which runs while `BOT_TOKEN` is empty. |"""


def sections(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The file cut at its titles; what stands before the first has an empty title."""
    title, block = "", list[str]()
    for line in lines:
        if match := TITLE.match(line):
            yield title, block
            title, block = match[1], []
        else:
            block.append(line)
    yield title, block


def groups(lines: list[str]) -> Iterator[Group]:
    group = Group()
    for line in [*lines, ""]:
        match = SETTING.match(line)
        if match:
            group.settings.append((match[1], match[2]))
        elif group.settings or (group.says and not line):
            yield group
            group = Group()
        if not match and line.startswith("#"):
            group.says.append(line.lstrip("# "))


def row(group: Group) -> tuple[str, str, str]:
    names = "<br>".join(f"`{name}`" for name, _ in group.settings)
    defaults = "<br>".join(f"`{default}`" if default else "–" for _, default in group.settings)
    return names, defaults, " ".join(group.says)


# --- what admins may write in the chat


def admin_commands() -> str:
    """The page of /admin's subcommands, from settings.ADMIN_COMMANDS, in English whatever language is active."""
    from django.utils import translation

    from telegram_bot.admin_chat.command import table as commands

    with translation.override(None):
        rows = [
            (f"`/admin {one.words}`", str(one.help), one.who.value, "yes" if one.sensitive else "")
            for one in commands()
        ]
    parts = ["# Admin commands", GENERATED, ADMIN_CHAT]
    parts.append(table(("command", "what it does", "who", "asks for the password"), rows))
    return "\n\n".join(parts) + "\n"


ADMIN_CHAT = """\
`/admin` alone shows who waits for access and a keyboard; each button does what a command below does, in place. They
work in private and in the admins' chat, nowhere else. `<id>` is a Telegram id; `<model>` is a number from the list, a
name or `provider:name`.

With ADMIN_PASSWORD set, what is sensitive asks for it once in ADMIN_SESSION_MINUTES. In private the bot takes your
next message for the password, in the admins' chat your reply, and deletes it; there it needs the right to. After five
wrong ones the door stays closed for 15 minutes. How all of it is used:
[Steer the bot from the chat](../howto/administration.md). People turn announcements off with the button under each, or
with `/announcements off`."""


def api() -> str:
    """The page of the REST API, in English whatever language is active."""
    from django.utils import translation

    from config.api import api
    from scripts.reference_api import page

    with translation.override(None):
        described = page(api.get_openapi_schema())
    return f"# REST API\n\n{GENERATED}\n\n{described}\n"


GENERATORS = {"schema.md": schema, "settings.md": settings, "admin-commands.md": admin_commands, "api.md": api}


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for name, generate in GENERATORS.items():
        (PAGES / name).write_text(generate(), encoding="utf-8")
        print(f"docs/reference/{name}")


if __name__ == "__main__":
    main()

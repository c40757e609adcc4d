"""``manage.py sync_models``: refresh the catalogue now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from llm import sync

LINES = (
    ("new", "new"),
    ("changed", "changed"),
    ("returned", "back again"),
    ("missing", "absent for the first time (still offered)"),
    ("gone", "retired"),
)


class Command(BaseCommand):
    help = "Fetch the providers' lists of models and bring the catalogue up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--provider", default="", metavar="NAME", help="only this provider")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = sync.run("command", only=options["provider"])
        except ValueError as error:
            raise CommandError(str(error)) from None
        results = run.results if run is not None else {}
        if not results:
            raise CommandError("No provider is configured. Set GEMINI_API_KEY, MISTRAL_API_KEY, DEEPSEEK_API_KEY, "
                               "OPENAI_API_KEY or OPENAI_BASE_URL.")  # fmt: skip
        for provider, result in results.items():
            self.stdout.write("\n".join(summary(provider, result)))
        if all("error" in result for result in results.values()):
            raise CommandError("No list of models could be fetched.")


def summary(provider: str, result: dict[str, Any]) -> list[str]:
    """What happened to one provider's models, in lines for a person."""
    if "error" in result:
        return [f"{provider}: nothing changed, {result['error']}"]
    lines = [f"{provider}: {result['seen']} models"]
    if result["first"]:
        return [f"{lines[0]}, fetched for the first time"]
    lines += [f"  {word}: {', '.join(result[key])}" for key, word in LINES if result[key]]
    return lines if len(lines) > 1 else [f"{lines[0]}, nothing new"]

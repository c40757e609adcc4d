"""The providers: an adapter is one file here and one line in ``settings.LLM_PROVIDERS``."""

from django.conf import settings
from django.utils.module_loading import import_string

from llm.providers.provider import Provider


def configured() -> dict[str, Provider]:
    """The providers that the settings give a key (or, for a local server, an address), by name, in the table's order.

    Each opens its connections at its first call and is closed by whoever asked for it.
    """
    found = {name: import_string(path).from_settings(name) for name, path in settings.LLM_PROVIDERS.items()}
    return {name: provider for name, provider in found.items() if provider is not None}

"""What operators may say of a provider's server: ``{"*" or a model: {switch: value}}``, checked word by word."""

from typing import Any

from django.utils.translation import gettext as _

from llm.providers.chatform import SWITCHES

CHOICES: dict[str, tuple[str, ...]] = {
    "max_tokens_field": ("max_tokens", "max_completion_tokens"),
    "system_role": ("system", "developer", "user"),
    "reasoning_param": ("none", "reasoning_effort", "reasoning.effort"),
    "effort": ("", "none", "low", "medium", "high"),
}


def problem(value: Any) -> str:
    """What is wrong with ``value`` as all switches of a provider, in a sentence for people; empty when nothing is."""
    if not isinstance(value, dict):
        return _("Write an object: a model's name, or * for all, and its switches.")
    for model, switches in value.items():
        if not isinstance(switches, dict):
            return _("The switches of %(model)s must be an object.") % {"model": model}
        for name, set_to in switches.items():
            if said := _problem_of(name, set_to):
                return f"{model}: {said}"
    return ""


def _problem_of(name: str, value: Any) -> str:
    if name not in SWITCHES:
        known = ", ".join(sorted(SWITCHES))
        return _("There is no switch %(name)s. There are: %(known)s.") % {"name": name, "known": known}
    if name in CHOICES:
        choices = ", ".join(choice or '""' for choice in CHOICES[name])
        wrong = _("%(name)s must be one of: %(choices)s.") % {"name": name, "choices": choices}
        return "" if value in CHOICES[name] else wrong
    default = SWITCHES[name]
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else _("%(name)s must be true or false.") % {"name": name}
    if isinstance(default, list):
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return "" if fits else _("%(name)s must be a list of names.") % {"name": name}
    fits = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    return "" if fits else _("%(name)s must be an object of texts.") % {"name": name}

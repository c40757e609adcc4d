"""Makes `manage.py sandbox` known to Django; the sandbox itself needs no Django."""

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """No models, only a command."""

    name = "sandbox"
    verbose_name = "Sandbox"

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The project itself: its system checks, its logging, its error reports."""

    name = "config"

    def ready(self) -> None:
        from django.conf import settings

        from config import checks  # noqa: F401  (registers the checks)
        from config.logging import configure

        configure(settings.LOGGING, settings.SENTRY_DSN)

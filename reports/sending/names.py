"""How a report leaves besides its messages: names of backends, and of errors that its owner is told in other words."""

from django.conf import settings

# Of settings.DELIVERY_BACKENDS and settings.DOCUMENTS.
EMAIL, HOOK, CHART = "email", "report_hook", "report_chart"

NOT_SET_UP = "not set up"
REFUSED, AWAY = "mail refused", "mail server"
# The webhook's secret cannot be read.
NO_SECRET = "no secret"  # noqa: S105


def mail_is_set_up() -> bool:
    """Whether the installation names a mail server and a sender."""
    return bool(settings.EMAIL_HOST and settings.EMAIL_FROM)

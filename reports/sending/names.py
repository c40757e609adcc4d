"""How a report leaves besides its messages: names of backends, and of errors that its owner is told in other words."""

# Of settings.DELIVERY_BACKENDS and settings.DOCUMENTS.
EMAIL, HOOK, CHART = "email", "report_hook", "report_chart"

NOT_SET_UP = "not set up"
REFUSED, AWAY = "mail refused", "mail server"
# The webhook's secret cannot be read.
NO_SECRET = "no secret"  # noqa: S105

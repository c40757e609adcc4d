"""settings.DOCUMENTS["report_chart"]: the picture of a report, drawn when it leaves, so no row holds it."""

from typing import Any
from uuid import UUID

from delivery.errors import DeliveryError
from reports.chart import drawable, picture
from reports.contents import Contents, contents_of
from telegram_bot.documents import Collected, Document


def names_of(contents: Contents) -> list[str]:
    """The figures to draw, of those that the report shows; none: it has no picture."""
    summary, task = contents.summary, contents.report.task
    if summary is None or task is None or not task.chart:
        return []
    return [metric.name for metric in drawable(summary, [line.metric.name for line in summary.lines])]


def collect(data: dict[str, Any]) -> Collected:
    """Reads the rows; what it gives draws without them. Raises DeliveryError."""
    contents = contents_of(UUID(data["report"]))
    names = names_of(contents) if contents is not None else []
    summary = contents.summary if contents is not None else None
    if summary is None or not names:
        raise DeliveryError("gone", "There is no such picture any more.", permanent=True)
    return lambda: Document("chart.png", picture(summary, names), photo=True)

"""settings.DELIVERY_BACKENDS["email"]: a report as an e-mail, by the server of EMAIL_URL: plain text and the chart.

A server's own no (5xx) is final, its "not now" (4xx) and silence are tried again later. What may have arrived, because
the line broke after the letter was on its way, is not sent again by itself: its owner is asked to look.
``Message-ID`` is made of the report's id, so that even a letter that came twice is one to a good mailbox.
"""

import asyncio
import smtplib
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from core.db import in_db
from delivery.errors import DeliveryError
from delivery.models import Delivery
from delivery.services import Sent
from reports.chart import picture
from reports.contents import Contents, contents_of
from reports.figures.summary import Summary
from reports.sending.chart import names_of
from reports.sending.names import AWAY, NOT_SET_UP, REFUSED, mail_is_set_up
from reports.sending.patience import again
from reports.words.report import plain, subject
from reports.words.troubles import trouble

# Their own text may name an address; so much of it is kept.
LONGEST = 200


@dataclass(frozen=True)
class Letter:
    """What is to be sent. ``names``: of the figures in the chart; without any there is none."""

    report: UUID
    to: str
    subject: str
    text: str
    summary: Summary | None
    names: list[str]
    language: str


async def send(row: Delivery) -> Sent:
    """Raises DeliveryError."""
    if not mail_is_set_up():
        raise DeliveryError(NOT_SET_UP, "EMAIL_URL or EMAIL_FROM is missing.", permanent=True)
    letter = await in_db(_load, UUID(row.content["report"]), str(row.content["to"]))
    if letter is None:
        return Sent()
    await asyncio.to_thread(_send, row, letter)
    return Sent()


def _load(key: UUID, to: str) -> Letter | None:
    """None: the report is gone, or its owner has taken the address out of the settings."""
    contents = contents_of(key)
    if contents is None or contents.report.task is None or contents.report.task.email != to:
        return None
    with translation.override(contents.language):
        title, text = _words(contents)
    return Letter(contents.report.pk, to, title, text, contents.summary, names_of(contents), contents.language)


def _words(contents: Contents) -> tuple[str, str]:
    part = contents.parts[0]
    if contents.summary is not None:
        return subject(contents.summary), plain(contents.summary, contents.zone)
    name = part.profile.name
    return _("Avito, %(name)s: no report this time") % {"name": name}, trouble(part.error_kind, None)


# --- in a thread ----------------------------------------------------------------------------------------------------


def _send(row: Delivery, letter: Letter) -> None:
    with translation.override(letter.language):
        message = _message(letter)
    connection = get_connection(timeout=settings.EMAIL_TIMEOUT)
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        raise again(row, AWAY, _told(error, letter), timezone.now()) from error
    try:
        connection.send_messages([message])
    except (OSError, smtplib.SMTPException) as error:
        raise _meaning(row, letter, error) from error
    finally:
        _close(connection)


def _close(connection: BaseEmailBackend) -> None:
    """What was said stands, whatever becomes of the good-bye."""
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        return


def _message(letter: Letter) -> EmailMessage:
    domain = str(settings.EMAIL_FROM).rpartition("@")[2].rstrip("> ")
    headers = {"Message-ID": f"<{letter.report}@{domain}>", "Auto-Submitted": "auto-generated"}
    message = EmailMessage(letter.subject, letter.text, settings.EMAIL_FROM, [letter.to], headers=headers)
    if letter.summary is not None and letter.names:
        message.attach("chart.png", picture(letter.summary, letter.names), "image/png")
    return message


def _meaning(row: Delivery, letter: Letter, error: OSError | smtplib.SMTPException) -> DeliveryError:
    """What follows from an error after the server had taken our hello (RFC 5321, 4.2.1: 4xx passes, 5xx stays)."""
    told = _told(error, letter)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = max((code for code, _text in error.recipients.values()), default=0)
    elif isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
    elif isinstance(error, smtplib.SMTPNotSupportedError):
        code = 550
    else:
        return DeliveryError("mail line", told, doubt=True)
    if code >= 500:
        return DeliveryError(REFUSED, told, permanent=True)
    return again(row, AWAY, told, timezone.now())


def _told(error: Exception, letter: Letter) -> str:
    """The server's own words without the address."""
    text: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()), (0, b""))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, text = error.smtp_code, error.smtp_error
    else:
        return type(error).__name__
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return f"{code} {words}".replace(letter.to, "…")[:LONGEST]

"""A report as an e-mail, taken by a real mail server on this machine."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from core.db import in_db
from delivery.errors import DeliveryError
from delivery.models import Delivery, Doubt
from reports.chat.answers import asking_email
from reports.models import AvitoProfile, Report, ReportTask
from reports.saying import send_on
from reports.sending import email as sending
from reports.services import ordering
from tests.reports import making, working
from tests.reports.working import NOON, YESTERDAY

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]

ADDRESS = "anna@example.org"


class Post:
    """A mail server's mind: what it says to recipients and letters, and what it took."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.recipient = self.data = ""
        self.hangs_up = False

    async def handle_RCPT(  # noqa: N802  (the library's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if not self.recipient:
            envelope.rcpt_tos.append(address)
        return self.recipient or "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.hangs_up:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "421 never heard"
        if not self.data:
            content = envelope.content or b""
            raw = content if isinstance(content, bytes) else content.encode()
            parsed: Any = email.message_from_bytes(raw, policy=email.policy.default)
            self.letters.append(parsed)
        return self.data or "250 OK"


@pytest_asyncio.fixture
async def post(settings: Settings) -> AsyncIterator[Post]:
    mind = Post()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mind, hostname="localhost", loop=loop), "127.0.0.1", 0)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.sockets[0].getsockname()
    settings.EMAIL_FROM = "Sekretar <reports@example.com>"
    yield mind
    server.close()


@pytest_asyncio.fixture
async def row(db: None) -> Delivery:
    """A finished report on its way to an address."""
    return await in_db(_row)


def _row(kind: str = "") -> Delivery:
    profile = making.make_profile(making.owner())
    making.make_day(profile, YESTERDAY.last, views=640, contacts=38)
    ReportTask.objects.filter(profile=profile).update(email=ADDRESS)
    report = working.ordered([making.fresh(profile)], NOON, kind=Report.Kind.SCHEDULED)
    part = report.parts.select_related("profile").get()
    if kind:
        ordering.part_failed(part, kind)
    else:
        ordering.part_done(part, {}, NOON)
    working.settle(report)
    return working.deliveries(report)["email"]


async def test_the_letter_has_the_figures_and_the_chart(post: Post, row: Delivery) -> None:
    await sending.send(row)

    [letter] = post.letters
    text = letter.get_body(("plain",))
    assert text is not None
    assert "640" in text.get_content()
    assert "Север" in letter["Subject"]
    assert (letter["To"], letter["From"]) == (ADDRESS, "Sekretar <reports@example.com>")
    [chart] = list(letter.iter_attachments())
    assert chart.get_content_type() == "image/png"
    assert bytes(chart.get_payload(decode=True)).startswith(b"\x89PNG")


async def test_the_letter_is_named_after_the_report_and_answers_no_machine(post: Post, row: Delivery) -> None:
    await sending.send(row)

    [letter] = post.letters
    assert letter["Message-ID"] == f"<{row.content['report']}@example.com>"
    assert letter["Auto-Submitted"] == "auto-generated"


async def test_a_report_that_could_not_be_made_says_so_by_mail_too(post: Post, db: None) -> None:
    await sending.send(await in_db(_row, "bad_credentials"))

    [letter] = post.letters
    assert "no report" in letter["Subject"]
    assert list(letter.iter_attachments()) == []


async def test_the_figures_stand_in_no_row_before_it_leaves(row: Delivery) -> None:
    assert row.content == {"report": row.content["report"], "to": ADDRESS}
    assert row.on_doubt == Doubt.ASK


@pytest.mark.parametrize("where", ["recipient", "data"])
async def test_a_lasting_no_is_final_and_repeats_no_address(post: Post, row: Delivery, where: str) -> None:
    setattr(post, where, f"550 5.1.1 <{ADDRESS}> is nobody")
    with pytest.raises(DeliveryError) as refused:
        await sending.send(row)

    assert refused.value.permanent
    assert "nobody" in str(refused.value)
    assert ADDRESS not in str(refused.value)


@pytest.mark.parametrize("where", ["recipient", "data"])
async def test_a_passing_no_is_tried_again(post: Post, row: Delivery, where: str) -> None:
    setattr(post, where, "451 4.7.1 greylisted, come back later")
    with pytest.raises(DeliveryError) as refused:
        await sending.send(await in_db(_aged, row, 0))

    assert (refused.value.permanent, refused.value.retry_after, refused.value.doubt) == (False, 10.0, False)


async def test_after_hours_of_passing_no_it_is_given_up(post: Post, row: Delivery) -> None:
    post.data = "451 4.7.1 come back later"
    with pytest.raises(DeliveryError) as refused:
        await sending.send(await in_db(_aged, row, 9))

    assert refused.value.permanent


async def test_a_line_that_breaks_in_the_middle_leaves_a_doubt(post: Post, row: Delivery) -> None:
    post.hangs_up = True
    with pytest.raises(DeliveryError) as refused:
        await sending.send(row)

    assert refused.value.doubt


async def test_a_server_that_is_away_leaves_no_doubt(row: Delivery, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_FROM = "127.0.0.1", 9, "a@example.com"
    with pytest.raises(DeliveryError) as refused:
        await sending.send(await in_db(_aged, row, 0))

    assert (refused.value.doubt, refused.value.retry_after) == (False, 10.0)


async def test_where_no_server_is_set_the_reason_is_said(row: Delivery, settings: Settings) -> None:
    settings.EMAIL_HOST = ""
    with pytest.raises(DeliveryError, match="EMAIL_URL") as refused:
        await sending.send(row)

    assert refused.value.permanent


async def test_of_a_report_that_is_gone_nothing_is_sent(post: Post, row: Delivery) -> None:
    await in_db(Report.objects.all().delete)
    await sending.send(row)

    assert post.letters == []


@pytest.mark.parametrize("email", ["", "other@example.org"], ids=["none", "another"])
async def test_nothing_is_sent_to_an_address_that_was_taken_out_meanwhile(
    post: Post, row: Delivery, email: str
) -> None:
    await in_db(ReportTask.objects.update, email=email)
    await sending.send(row)

    assert post.letters == []


async def test_nothing_is_sent_of_a_profile_that_was_deleted_meanwhile(post: Post, row: Delivery) -> None:
    await in_db(AvitoProfile.objects.all().delete)
    await sending.send(row)

    assert post.letters == []


async def test_each_address_has_a_lane_and_a_report_goes_there_once(row: Delivery) -> None:
    report = await in_db(Report.objects.select_related("task").get)
    assert await in_db(send_on, report, report.task) == 1
    assert await in_db(Delivery.objects.filter(backend="email").count) == 1
    assert row.lane.startswith("task:mail-")
    assert ADDRESS not in row.lane


def _aged(row: Delivery, hours: int) -> Delivery:
    row.created_at = timezone.now() - timedelta(hours=hours)
    return row


@pytest.mark.parametrize(("host", "warned"), [("", True), ("mail.example.org", False)], ids=["no server", "a server"])
async def test_who_sets_an_address_hears_when_there_is_no_mail_server(
    owner: User, settings: Settings, host: str, warned: bool
) -> None:
    settings.EMAIL_HOST, settings.EMAIL_FROM = host, "bot@example.org"
    profile = await in_db(making.make_profile, owner)
    text, _keys = await in_db(lambda: asking_email(profile, profile.task))
    assert ("I have no mail server" in text[0].text) is warned

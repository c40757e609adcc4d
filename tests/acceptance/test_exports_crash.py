"""kill -9 in the middle of an export: the next process goes on, asks for no page again, and one file comes."""

import pytest

from tests.acceptance.processes import OLGA, Stage, until

pytestmark = pytest.mark.acceptance

SHOP, CHATS = 95_000_001, 60
# As reports/export/fetching.py has it, which cannot be imported without settings.
AT_ONCE = 4
BEGIN = """
from django.utils import timezone
from accounts.models import Chat, User
from reports.avito.account import Account
from reports.export import verbs
from reports.services.profiles import create_profile
now, olga = timezone.now(), User.objects.get(telegram_id={olga})
chat, _new = Chat.objects.get_or_create(bot_id=1000, telegram_id={olga}, defaults={{"kind": "private", "person": olga}})
account = Account(id={uid}, name="Shop")
profile = create_profile(olga, "Shop", "{client}", "{secret}", account, {{}}, now=now, via="chat")
export, _new = verbs.begin(profile, olga, chat, 0, 0, now=now)
verbs.show_here(export, verbs.key_of(export.pk) + ":said", None)
print("begun", flush=True)
"""


def answered(stage: Stage) -> list[str]:
    """Which pages of messages Avito gave, in this order."""
    return [call["path"] for call in stage.sandbox.get("/avito/calls", method="messages") if call["status"] == 200]


def held(stage: Stage) -> int:
    """How many pages Avito was asked for and holds back."""
    (rule,) = stage.sandbox.get("/avito/troubles")
    return int(rule["matched"]) - int(rule["after"])


def test_an_export_survives_the_death_of_its_process(stage: Stage) -> None:
    made = stage.sandbox.post("/avito/accounts", uid=SHOP, chats=CHATS, messages=2)
    keys, avito = made["keys"][0], f"{stage.sandbox.url}/avito"
    first = stage.bot(AVITO_BASE_URL=avito)
    stage.ask(OLGA, "/start")
    stage.sandbox.post("/avito/troubles", section="messages", kind="hold", after=20, times=AT_ONCE)
    code = BEGIN.format(olga=OLGA, uid=SHOP, client=keys["client_id"], secret=keys["client_secret"])
    stage.manage("shell", "-v0", "-c", code).says("begun")
    # Each reader asks for its next page once the one before is in the journal: when all are held, all twenty are there.
    until(lambda: held(stage) == AT_ONCE and len(answered(stage)) == 20, what="twenty chats are read and kept")
    first.kill()
    stage.sandbox.post("/avito/release")
    stage.bot(AVITO_BASE_URL=avito)
    stage.sandbox.done("sendDocument", 1)
    stage.quiet()

    before = answered(stage)[:20]
    assert [path for path in answered(stage)[20:] if path in before] == []
    assert len(set(answered(stage))) == CHATS
    assert len(stage.sandbox.calls("sendDocument", OLGA)) == 1
    assert stage.database.rows("SELECT state FROM reports_export") == [("done",)]
    until(lambda: not list((stage.folder / "files" / "exports").iterdir()), what="nothing is left on the disk")
    assert [process for process in stage.processes if keys["client_secret"] in process.output] == []

"""An operator sets who pays in a group, and whether another model may step in."""

from django.test import Client

from accounts.models import AuditEntry, Chat, Payer
from tests.admin.conftest import url


def test_operator_changes_who_pays_and_who_may_step_in(site: Client, db: None) -> None:
    chat = Chat.objects.create(bot_id=1, telegram_id=-5, kind="group", title="Team")
    for verb in ("other_payer", "switch_fallbacks"):
        site.post(url(Chat, "changelist"), {"action": f"{verb}_selected", "_selected_action": [chat.pk]})

    chat.refresh_from_db()
    assert (chat.payer, chat.fallbacks) == (Payer.CHAT, False)
    assert AuditEntry.objects.filter(action="chat.options", via="admin", actor__username="root").count() == 2

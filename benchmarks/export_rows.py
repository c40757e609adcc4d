"""What measurements of exports do inside the database: `python -m benchmarks.export_rows begin UID CLIENT_ID SECRET`
puts an export of all chats of that account on its way; `… state`: what became of it. One line of JSON.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.utils import timezone  # noqa: E402

from accounts.models import Chat, ChatKind, User  # noqa: E402
from benchmarks.lab import BOT_ID, FIRST  # noqa: E402
from reports.avito.account import Account  # noqa: E402
from reports.export import verbs  # noqa: E402
from reports.models import Export  # noqa: E402
from reports.services.profiles import create_profile  # noqa: E402


def begin(uid: str, client_id: str, secret: str) -> dict[str, Any]:
    """As the buttons do it."""
    now, owner = timezone.now(), User.objects.get(telegram_id=FIRST)
    facts = {"kind": ChatKind.PRIVATE, "title": owner.name, "person": owner}
    chat, _new = Chat.objects.get_or_create(bot_id=BOT_ID, telegram_id=FIRST, defaults=facts)
    account = Account(id=int(uid), name="Shop")
    profile = create_profile(owner, "Shop", client_id, secret, account, {}, now=now, via="chat")
    export, _new = verbs.begin(profile, owner, chat, 0, 0, now=now)
    verbs.show_here(export, f"{verbs.key_of(export.pk)}:said", None)
    return {"export": str(export.pk)}


def state() -> dict[str, Any]:
    export = Export.objects.get()
    ended = export.finished_at
    seconds = (ended - export.created_at).total_seconds() if ended is not None else None
    return {"state": export.state, "seconds": seconds, **export.progress}


COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {"begin": begin, "state": state}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])), flush=True)

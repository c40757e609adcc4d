"""The verbs of people and access: the only code that writes the rows of ``accounts``.

Every function is sync, takes the clock as ``now`` (aware) and holds one short transaction. What two people
might do at once is a conditional UPDATE: the count of rows says whose call changed something. ``by`` is who
did it (None: nobody known), ``via`` is where: bot, chat (an admin in Telegram), admin, command, invite or api.
"""

from accounts.services.chats import (
    await_words,
    decide_chat,
    mark_reachable,
    mark_unreachable,
    migrate_chat,
    request_chat,
    see_chat,
    set_chat_options,
    set_rights,
)
from accounts.services.invites import create_invite, redeem_invite, revoke_invite
from accounts.services.keys import KeyRefused, check_api_key, create_api_key, revoke_api_key
from accounts.services.people import (
    OPERATOR,
    LastAdmin,
    TelegramPerson,
    approve_telegram_ids,
    decide,
    ensure_operator,
    follow_zone,
    request_access,
    see,
    set_broadcasts,
    set_language,
    set_role,
    set_time_zone,
)
from accounts.services.record import audit, forget_old_audit, forget_old_sessions, target_of

__all__ = [
    "OPERATOR",
    "KeyRefused",
    "LastAdmin",
    "TelegramPerson",
    "approve_telegram_ids",
    "audit",
    "await_words",
    "check_api_key",
    "create_api_key",
    "create_invite",
    "decide",
    "decide_chat",
    "ensure_operator",
    "follow_zone",
    "forget_old_audit",
    "forget_old_sessions",
    "mark_reachable",
    "mark_unreachable",
    "migrate_chat",
    "redeem_invite",
    "request_access",
    "request_chat",
    "revoke_api_key",
    "revoke_invite",
    "see",
    "see_chat",
    "set_broadcasts",
    "set_chat_options",
    "set_language",
    "set_rights",
    "set_role",
    "set_time_zone",
    "target_of",
]

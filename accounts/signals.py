"""What happens to people and chats, told inside the transaction in which it happens.

A receiver that writes rows (a notice to the admins, say) writes them together with the event or not at all;
one that raises undoes the event. Every signal also carries ``now`` and, where someone decided, ``via``.
"""

from django.dispatch import Signal

access_requested = Signal()  # user: a person asks to be let in
decided = Signal()  # user, status (Access), by (User or None): let in, rejected, blocked, or set back to pending
chat_requested = Signal()  # chat, by (User or None): a group asks to be let in
chat_decided = Signal()  # chat, status (Access), by (User or None)
role_changed = Signal()  # user: somebody who is in may do more, or less, than before
# chat, before (its bot_status and bot_rights): the bot's own place in a group or channel, or what it may do there
chat_rights_changed = Signal()

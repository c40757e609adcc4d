"""What operators read on the page of a trace in place of the words of the code; what has none stands as it is."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conversations import error_words

Words = Mapping[str, Promise | str]

# telegram_bot.lanes.ALLOWED_UPDATES
UPDATES: Words = {
    "message": _("message"),
    "edited_message": _("edited message"),
    "channel_post": _("post in a channel"),
    "edited_channel_post": _("edited post in a channel"),
    "callback_query": _("press of a button"),
    "my_chat_member": _("the bot was added or removed"),
    "chat_member": _("somebody came or left"),
    "message_reaction": _("reaction"),
    "message_reaction_count": _("count of reactions"),
    "poll": _("poll"),
    "poll_answer": _("answer to a poll"),
    "stopped_message_generation": _("Stop under a draft"),
}

# Delivery.source: what it was said for.
SOURCES: Words = {
    "conversations": _("answer"),
    "telegram_bot": _("reply of the bot"),
    "notice": _("notice"),
    "budgets": _("budgets"),
    "models": _("news of models"),
    "access": _("access"),
    "privacy": _("own data"),
    "dialogs": _("list of dialogs"),
    "announcement": _("announcement"),
}

# Methods of the Bot API that a delivery calls, and other backends; which one it was, an erased one does not say.
CALLS: Words = {
    "sendMessage": _("new message"),
    "editMessageText": _("message is changed"),
    "deleteMessage": _("message is deleted"),
    "sendPhoto": _("picture"),
    "sendDocument": _("document"),
    "setMyCommands": _("menu of commands"),
    "document": _("document"),
    "greeting": _("greeting"),
    "telegram": "",
}

# Request.finish
ENDS: Words = {
    "stop": _("the model, it had said all"),
    "length": _("the model's limit of length"),
    "tool_calls": _("a call of a tool"),
    "blocked": _("the provider, it refuses the subject"),
    "error": _("the provider, with an error"),
    "stopped": _("Stop"),
    "edited": _("a change of the question"),
    "unknown": _("the provider does not say"),
}

# Request.error_kind, Delivery.error_kind and what a step failed of.
ERRORS: Words = {
    **error_words.KINDS,
    "flood": _("Telegram asks to wait"),
    "forbidden": _("the bot may not write there"),
    "topic": _("the topic is closed or gone"),
    "rejected": _("Telegram refused it"),
    "token": _("Telegram refused the token"),
    "conflict": _("another copy of the bot"),
    "telegram": _("Telegram failed"),
    "waiting": _("waits for another message"),
    "nothing to edit": _("there is no message to be changed"),
    "too large": _("too large"),
    "file gone": _("the file is not kept any more"),
}

# Facts of a step (conversations.calling, conversations.services.handover), and how a tool's call ended.
FACTS: Words = {
    "name": _("tool"),
    "arguments": _("arguments"),
    "outcome": _("came to"),
    "ms": _("milliseconds"),
    "size": _("characters told"),
    "model": _("model"),
    "error": _("error"),
}
OUTCOMES: Words = {
    "ok": _("done"),
    "error": _("refused by the tool"),
    "failed": _("an error of ours"),
    "timeout": _("it took too long"),
    "refused": _("the person may not"),
    "asked": _("the person is asked"),
    "declined": _("the person said No"),
    "unknown": _("there is no such tool"),
    "arguments": _("wrong arguments"),
    "too_many": _("too many at once"),
}

# Of accounts.AuditEntry, what operators do to updates and deliveries.
ACTIONS: Words = {
    "update.retried": _("An operator tried it again"),
    "update.buried": _("An operator gave it up"),
    "delivery.retried": _("An operator sent it again"),
    "delivery.cancelled": _("An operator cancelled it"),
}


def say(words: Words, code: str) -> str:
    """``code`` in words."""
    return str(words.get(code, code))
